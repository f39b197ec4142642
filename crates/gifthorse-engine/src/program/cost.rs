//! What a program costs to run, told from shapes alone, before anything is run.
//!
//! Memory is bounded where a program is lowered. Time needs a bound of its own: a file of a few
//! hundred bytes can ask for thousands of products of large matrices that are made of a single
//! number each, and no value of it is too large.

use std::collections::{HashMap, HashSet};

use crate::error::Error;
use crate::program::{Operand, ParamId, Primitive, Program, Step, ValueId};

/// Operations that a number read or written counts as. Steps that compute little wait for memory:
/// for each number that they touch they take about as long as this many additions of a matrix
/// product.
const TOUCH: f64 = 32.0;
/// Most operations of a forward pass for one image: hundreds of times a ResNet-50's, minutes for a
/// computer of today.
const MOST_FOR_AN_IMAGE: f64 = 1e13;
/// Most operations that are made once, on constants alone: seconds.
const MOST_FOR_CONSTANTS: f64 = 3e11;

/// Operations of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Of the steps that depend on constants alone.
    pub constants: f64,
    /// Of all others, for the whole batch.
    pub forward: f64,
}

impl Cost {
    /// Counts the operations of a program.
    pub fn of(program: &Program) -> Self {
        let shapes: HashMap<ValueId, &[usize]> = program
            .steps
            .iter()
            .map(|step| (step.output, &step.shape[..]))
            .chain([(program.input, &program.input_shape[..])])
            .collect();
        let params: Vec<&[usize]> = program.params.iter().map(|p| p.value.shape()).collect();
        let trained = |id: ParamId| program.params[id.0].trained;
        let mut constant = HashSet::new();
        let mut cost = Self::default();
        for step in &program.steps {
            let operands: Vec<&[usize]> = step
                .inputs
                .iter()
                .map(|input| match input {
                    Operand::Value(id) => shapes.get(id).copied().unwrap_or_default(),
                    Operand::Param(id) => params[id.0],
                })
                .collect();
            let known = step.inputs.iter().all(|input| match input {
                Operand::Value(id) => constant.contains(id),
                Operand::Param(id) => !trained(*id),
            });
            let operations = operations(step, &operands);
            if known {
                constant.insert(step.output);
                cost.constants += operations;
            } else {
                cost.forward += operations;
            }
        }
        cost
    }

    /// Refuses a program that would run for ever. `batch` is the number of its images.
    ///
    /// # Errors
    /// [`Error::TooMuchWork`].
    pub fn check(self, batch: usize) -> Result<(), Error> {
        let limits = [
            (
                "of its constants, before any image",
                self.constants,
                MOST_FOR_CONSTANTS,
                "write the model with its constants computed",
            ),
            (
                "for one image",
                self.forward / batch.max(1) as f64,
                MOST_FOR_AN_IMAGE,
                "give it smaller images (--input-size) if the file leaves their size open",
            ),
        ];
        for (part, operations, limit, remedy) in limits {
            if operations > limit {
                return Err(Error::TooMuchWork {
                    part,
                    operations,
                    limit,
                    remedy,
                });
            }
        }
        Ok(())
    }
}

/// Operations of a step whose operands have these shapes.
fn operations(step: &Step, operands: &[&[usize]]) -> f64 {
    let made = numbers(&step.shape);
    let read: f64 = operands.iter().map(|shape| numbers(shape)).sum();
    let after = |operand: usize, axes: usize| {
        let shape = operands.get(operand).copied().unwrap_or_default();
        numbers(shape.get(axes..).unwrap_or_default())
    };
    let computed = match &step.primitive {
        Primitive::Conv { .. } => 2.0 * made * after(1, 1),
        Primitive::ConvTranspose { .. } => 2.0 * after(0, 0) * after(1, 1),
        Primitive::MatMul => {
            let depth = operands.first().and_then(|shape| shape.last());
            2.0 * made * depth.copied().unwrap_or(1) as f64
        }
        Primitive::MaxPool(window) | Primitive::AvgPool(window) => made * numbers(&window.kernel),
        _ => made,
    };
    computed + TOUCH * (made + read)
}

fn numbers(shape: &[usize]) -> f64 {
    shape.iter().map(|&length| length as f64).product()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use burn_tensor::Device;
    use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

    use super::*;
    use crate::lower::{Ends, ImageInput, Opening, Target, lower};
    use crate::mode::Mode;

    /// An image of 2x8x8, a 3x3 convolution to 4x6x6, a pool to 4x3x3, a product with a constant
    /// that is itself a product.
    fn cost(batch: usize) -> Cost {
        let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
        let free = |sizes: &[usize]| -> Vec<Dim> {
            let sizes = sizes.iter().map(|&size| Dim::Fixed(size));
            [Dim::Named("n".to_owned())]
                .into_iter()
                .chain(sizes)
                .collect()
        };
        let window = [("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2]))];
        let model = GraphBuilder::new("cost", 17)
            .input("x", ElementType::F32, &free(&[2, 8, 8]))
            .initializer("w", &[4, 2, 3, 3], vec![0.5; 72])
            .initializer("a", &[36, 5], vec![0.5; 180])
            .initializer("b", &[5, 3], vec![0.5; 15])
            .node("Conv", "conv", &["x", "w"], &["c"], [])
            .node("MaxPool", "pool", &["c"], &["p"], window)
            .node("Flatten", "flat", &["p"], &["f"], [])
            .node("MatMul", "known", &["a", "b"], &["ab"], [])
            .node("MatMul", "vote", &["f", "ab"], &["y"], [])
            .output("y", ElementType::F32, &free(&[3]))
            .finish()
            .unwrap();
        let graph = model.graph().unwrap();
        let opening = Opening::default();
        let image = ImageInput::find(&graph, &opening).unwrap();
        let ends = Ends::uncut(&graph, image, &opening).unwrap();
        let target = Target {
            ends: &ends,
            mode: &Mode::Inference,
            batch,
            input: &[2, 8, 8],
            device: Device::flex(),
        };
        Cost::of(&lower(&graph, &target, &mut HashMap::new()).unwrap())
    }

    #[test]
    fn products_windows_and_numbers_that_are_touched_count() {
        let conv = 2 * 144 * 18 + 32 * (144 + 128 + 72);
        let pool = 36 * 4 + 32 * (36 + 144);
        let flat = 36 + 32 * (36 + 36);
        let vote = 2 * 3 * 36 + 32 * (3 + 36 + 108);
        let known = 2 * 108 * 5 + 32 * (108 + 180 + 15);
        let cost = cost(1);
        assert_eq!(cost.forward, f64::from(conv + pool + flat + vote));
        assert_eq!(cost.constants, f64::from(known));
    }

    #[test]
    fn constants_do_not_grow_with_the_batch() {
        let (one, ten) = (cost(1), cost(10));
        assert_eq!(one.constants, ten.constants);
        // Weights are read once.
        let weights = f64::from(32 * (72 + 108));
        assert_eq!(ten.forward - weights, 10.0 * (one.forward - weights));
    }

    #[test]
    fn what_would_run_for_ever_is_refused() {
        let cost = |constants: f64, forward: f64| Cost { constants, forward };
        let most = cost(MOST_FOR_CONSTANTS, MOST_FOR_AN_IMAGE);
        assert!(most.check(1).is_ok());
        let image = cost(0.0, 2.5 * MOST_FOR_AN_IMAGE);
        assert!(image.check(4).is_ok());
        let words = image.check(1).unwrap_err().to_string();
        assert!(
            words.contains("2.5e13") && words.contains("one image"),
            "{words}"
        );
        let constants = cost(2.0 * MOST_FOR_CONSTANTS, 0.0);
        let words = constants.check(1000).unwrap_err().to_string();
        assert!(
            words.contains("6.0e11") && words.contains("constants"),
            "{words}"
        );
    }
}
