//! Convolutions, matrix products and batch norms whose weights are given to each run.

use std::sync::Arc;

use gifthorse_segment::{Operation, Parameter, Weights};

use super::elementwise::channel_axis;
use super::held::Held;
use super::linear::Matrix;
use super::translate::Translator;
use crate::program::{Binary, Operand, Primitive, Step, ValueId};

/// What a parameter of a segment is.
#[derive(Clone, Debug)]
pub struct WeightSource {
    /// A constant of the program, or a value that does not depend on its input.
    pub operand: Operand,
    /// Where each number of the parameter is in the row-major operand; `None` if they are in its
    /// order.
    pub order: Option<Arc<[usize]>>,
}

impl Translator<'_> {
    /// Whether an operand does not depend on the input, and yet is not known before the program
    /// runs.
    pub fn is_weight(&self, operand: &Operand) -> bool {
        match operand {
            Operand::Value(id) => self.independent.contains(id),
            Operand::Param(id) => self.program.params[id.0].trained,
        }
    }

    fn parameter(&mut self, source: WeightSource) -> Option<Parameter> {
        let count = self.operand_shape(&source.operand)?.iter().product();
        self.weights.push(source);
        Some(self.graph.parameter(count))
    }

    fn operand_shape(&self, operand: &Operand) -> Option<Vec<usize>> {
        match operand {
            Operand::Value(id) => self.shapes.get(id).cloned(),
            Operand::Param(id) => Some(self.program.params[id.0].value.shape().to_vec()),
        }
    }
}

/// The parameter that an operand is as it is.
fn plain(operand: Operand) -> WeightSource {
    WeightSource {
        operand,
        order: None,
    }
}

/// Adds a convolution.
pub fn convolution(t: &mut Translator<'_>, step: &Step) -> Option<()> {
    let Primitive::Conv { window, groups } = step.primitive else {
        return None;
    };
    let (input, map) = t.planar(&step.inputs[0])?;
    let outputs = *t.operand_shape(&step.inputs[1])?.first()?;
    if map.channels == 0 || outputs == 0 || groups == 0 {
        return None;
    }
    let weight = t.parameter(plain(step.inputs[1]))?;
    let bias = match step.inputs.get(2) {
        Some(bias) => Some(t.parameter(plain(*bias))?),
        None => None,
    };
    let operation = Operation::Convolution {
        weights: Weights::Trained { weight, bias },
        outputs,
        window,
        groups,
    };
    let held = t.first(step, operation, &[input])?;
    t.held.insert(step.output, held);
    Some(())
}

/// Adds a batch norm with the batch's statistics.
pub fn batch_norm(t: &mut Translator<'_>, step: &Step, epsilon: f32, tag: usize) -> Option<Held> {
    let Operand::Value(id) = step.inputs[0] else {
        return None;
    };
    let held = t.operand(&step.inputs[0])?;
    if channel_axis(t, held, &t.dims(id)?) != Some(1) {
        return None;
    }
    let operation = Operation::BatchNorm {
        epsilon,
        scale: t.parameter(plain(step.inputs[1]))?,
        bias: t.parameter(plain(step.inputs[2]))?,
        tag,
    };
    let value = t.graph.add(&step.node, operation, &[held.value])?;
    Some(Held { value, ..held })
}

/// Adds the product of a value with a matrix, and the bias that follows.
pub fn matrix(t: &mut Translator<'_>, at: usize, left: ValueId) -> Option<()> {
    let program = t.program;
    let step = &program.steps[at];
    let shape = t.operand_shape(&step.inputs[1])?;
    let matrix = Matrix::new(t, left, &shape)?;
    let source = weight(t, &matrix, step.inputs[1]);
    let weight = t.parameter(source)?;
    let mut last = at;
    let mut added = None;
    if let Some((next, bias)) = bias(t, at, matrix.outputs) {
        added = Some(t.parameter(plain(bias))?);
        t.done.insert(next);
        last = next;
    }
    let operation = Operation::Convolution {
        weights: Weights::Trained {
            weight,
            bias: added,
        },
        outputs: matrix.outputs,
        window: matrix.window,
        groups: 1,
    };
    let held = t.last(step, operation, &[matrix.input])?;
    t.held.insert(program.steps[last].output, held);
    Some(())
}

/// The matrix in the order of a convolution's weight. One that is only transposed before is read
/// from its source, which is often in that order already.
fn weight(t: &Translator<'_>, matrix: &Matrix, operand: Operand) -> WeightSource {
    let (rows, outputs) = (&matrix.rows, matrix.outputs);
    let depth = rows.len();
    let step = t.program.steps.iter().find(|step| match operand {
        Operand::Value(id) => step.output == id,
        Operand::Param(_) => false,
    });
    let transposed = step.filter(|step| match &step.primitive {
        Primitive::Permute(axes) => axes[..] == [1, 0],
        _ => false,
    });
    let (operand, row, column) = match transposed {
        Some(step) => (step.inputs[0], 1, depth),
        None => (operand, outputs, 1),
    };
    let places = |output| rows.iter().map(move |at| at * row + output * column);
    let order: Arc<[usize]> = (0..outputs).flat_map(places).collect();
    let is_plain = order.iter().enumerate().all(|(at, &place)| at == place);
    WeightSource {
        operand,
        order: (!is_plain).then_some(order),
    }
}

/// The step after step `at` that adds a number of its own to each output, not known before the
/// program runs, and those numbers.
pub fn bias(t: &Translator<'_>, at: usize, outputs: usize) -> Option<(usize, Operand)> {
    let step = &t.program.steps[at];
    let [next] = *t.readers.get(&step.output)?.as_slice() else {
        return None;
    };
    let sum = &t.program.steps[next];
    if t.wanted.contains(&step.output)
        || sum.primitive != Primitive::Binary(Binary::Add)
        || sum.shape != step.shape
    {
        return None;
    }
    let own = Operand::Value(step.output);
    let other = sum.inputs.iter().find(|input| **input != own)?;
    let shape = t.operand_shape(other)?;
    let fits = shape.last() == Some(&outputs) && shape.iter().product::<usize>() == outputs;
    (t.is_weight(other) && fits).then_some((next, *other))
}
