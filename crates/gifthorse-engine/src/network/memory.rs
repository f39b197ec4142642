//! How much memory a network takes while it is run.

use std::collections::HashSet;
use std::sync::Arc;

use gifthorse_onnx::Tensor;
use gifthorse_segment::Pass;

use crate::error::Error;
use crate::execute::compiled::Compiled;
use crate::execute::segments::Part;
use crate::network::{Batching, Network};
use crate::program::section::Section;
use crate::program::{Operand, Param, ParamId, Program};

/// Memory of a network in bytes, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Weights as the file has them; those in a file beside the model stay there.
    pub file: usize,
    /// Weights and other constants that the program holds besides.
    pub weights: usize,
    /// Another copy of the largest constant, while it is packed. Until that is over, only the
    /// segments' constants are there of what follows.
    pub packing: usize,
    /// What the compiled segments take.
    pub segments: gifthorse_segment::Memory,
    /// Results of the steps that run outside segments, kept for the backward pass where there is
    /// one. An estimate: what an operation needs to work with is not known.
    pub steps: usize,
}

impl Memory {
    /// The most that there is at a time.
    pub fn total(&self) -> usize {
        let used = self.segments.total() - self.segments.constants + self.steps;
        self.file + self.weights + self.segments.constants + used.max(self.packing)
    }
}

impl Network {
    /// The memory that the network will hold once `threads` threads have made these passes, one
    /// after the other.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn memory(&self, passes: &[Pass], threads: usize) -> Result<Memory, Error> {
        let cut = |pass: &Pass| match self.batching() {
            Batching::Whole => *pass,
            Batching::Parts(part) => Pass {
                samples: part,
                ..*pass
            },
        };
        let passes: Vec<Pass> = passes.iter().map(cut).collect();
        let groups = self.by_plan(&passes)?;
        let tensors = self.graph().tensors();
        Ok(Memory {
            file: tensors.map(Tensor::held).sum(),
            weights: groups
                .iter()
                .map(|group| constants(&group.compiled))
                .max()
                .unwrap_or(0),
            packing: groups
                .iter()
                .map(|group| largest(group.compiled.program()))
                .max()
                .unwrap_or(0),
            segments: groups
                .iter()
                .map(|group| group.segments(threads))
                .fold(Default::default(), gifthorse_segment::Memory::and),
            steps: groups
                .iter()
                .map(|group| group.steps(threads))
                .max()
                .unwrap_or(0),
        })
    }

    /// The passes that run the same segments. A model whose constants depend on the batch has
    /// segments of its own for each batch size.
    fn by_plan(&self, passes: &[Pass]) -> Result<Vec<Group>, Error> {
        let mut groups: Vec<Group> = Vec::new();
        for pass in passes {
            let compiled = self.compiled(pass.samples, &Section::whole())?;
            let known = groups
                .iter_mut()
                .find(|group| group.compiled.shares_plans(&compiled));
            match known {
                Some(group) => group.passes.push(*pass),
                None => groups.push(Group {
                    compiled,
                    passes: vec![*pass],
                }),
            }
        }
        Ok(groups)
    }
}

/// Passes that run the same segments.
struct Group {
    compiled: Arc<Compiled>,
    passes: Vec<Pass>,
}

impl Group {
    fn segments(&self, threads: usize) -> gifthorse_segment::Memory {
        let memory = |part: &Part| match part {
            Part::Segment(segment) => Some(segment.memory(&self.passes, threads)),
            Part::Step(_) => None,
        };
        let all = self.compiled.parts().iter().filter_map(memory);
        all.fold(Default::default(), gifthorse_segment::Memory::and)
    }

    /// Backward passes need every result; otherwise there are an operand and a result at a time.
    fn steps(&self, threads: usize) -> usize {
        let program = self.compiled.program();
        let batch = program.input_shape.first().copied().unwrap_or(1).max(1);
        let alone = self.compiled.parts().iter().filter_map(|part| match part {
            Part::Step(step) => Some(bytes(&program.steps[*step].shape)),
            Part::Segment(_) => None,
        });
        let results: Vec<usize> = alone.collect();
        let two = 2 * results.iter().max().copied().unwrap_or(0);
        let most = self.passes.iter().map(|pass| {
            let kept: usize = match pass.backward {
                true => results.iter().sum(),
                false => 0,
            };
            let batches = if pass.together { 1 } else { threads };
            (kept + two) * pass.samples * batches / batch
        });
        most.max().unwrap_or(0)
    }
}

fn largest(program: &Program) -> usize {
    let sizes = program.params.iter().map(Param::bytes);
    sizes.max().unwrap_or(0)
}

/// Constants that are held anyway, and those that steps outside segments keep.
fn constants(compiled: &Compiled) -> usize {
    let Program { steps, params, .. } = compiled.program();
    let outside = compiled.parts().iter().filter_map(|part| match part {
        Part::Step(step) => Some(&steps[*step]),
        Part::Segment(_) => None,
    });
    let kept: HashSet<ParamId> = outside
        .flat_map(|step| &step.inputs)
        .filter_map(Operand::param)
        .collect();
    let is_held = |id: usize, param: &Param| param.value.is_held() || kept.contains(&ParamId(id));
    let held = params.iter().enumerate();
    let held = held.filter(|(id, param)| is_held(*id, param));
    held.map(|(_, param)| param.bytes()).sum()
}

fn bytes(shape: &[usize]) -> usize {
    shape.iter().product::<usize>() * size_of::<f32>()
}

#[cfg(test)]
mod tests {
    use burn_tensor::Device;
    use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder, Tensor};

    use super::*;
    use crate::execute::array::Array;

    const CHANNELS: usize = 4;

    /// A convolution of 4x4 pixels into 32 channels, a token put before the pixels of each image,
    /// and a layer on both. The token is repeated once for each image of the batch, as exporters
    /// write it.
    fn with_token(token: &[f32]) -> Arc<gifthorse_onnx::Graph> {
        let ramp =
            |count: usize| -> Vec<f32> { (0..count).map(|n| (n as f32 * 0.37).sin()).collect() };
        let ints = |values: &[i64]| {
            Attribute::Tensor(Tensor::from_i64("", &[values.len()], values).unwrap())
        };
        let batch = || Dim::Named("batch".to_owned());
        let image = [batch(), Dim::Fixed(CHANNELS), Dim::Fixed(4), Dim::Fixed(4)];
        let model = GraphBuilder::new("token", 17)
            .input("x", ElementType::F32, &image)
            .initializer("conv", &[32, CHANNELS, 1, 1], ramp(32 * CHANNELS))
            .initializer("token", &[1, 1, 32], token)
            .initializer("matrix", &[32, 3], ramp(96))
            .node(
                "Constant",
                "flat",
                &[],
                &["flat"],
                [("value", ints(&[0, 32, 16]))],
            )
            .node(
                "Constant",
                "tail",
                &[],
                &["tail"],
                [("value", ints(&[1, 1]))],
            )
            .node("Constant", "zero", &[], &["zero"], [("value", ints(&[0]))])
            .node("Conv", "conv", &["x", "conv"], &["c"], [])
            .node("Reshape", "rows", &["c", "flat"], &["r"], [])
            .node(
                "Transpose",
                "turn",
                &["r"],
                &["t"],
                [("perm", Attribute::Ints(vec![0, 2, 1]))],
            )
            .node("Shape", "shape", &["x"], &["s"], [])
            .node(
                "Gather",
                "count",
                &["s", "zero"],
                &["n"],
                [("axis", 0.into())],
            )
            .node(
                "Concat",
                "sizes",
                &["n", "tail"],
                &["wide"],
                [("axis", 0.into())],
            )
            .node("Expand", "each", &["token", "wide"], &["tokens"], [])
            .node(
                "Concat",
                "put",
                &["tokens", "t"],
                &["all"],
                [("axis", 1.into())],
            )
            .node("MatMul", "last", &["all", "matrix"], &["m"], [])
            .node(
                "ReduceMean",
                "mean",
                &["m"],
                &["y"],
                [("axes", Attribute::Ints(vec![1])), ("keepdims", 0.into())],
            )
            .output("y", ElementType::F32, &[batch(), Dim::Fixed(3)])
            .finish()
            .unwrap();
        Arc::new(model.graph().unwrap())
    }

    #[test]
    fn a_token_for_each_image_does_not_make_a_plan_for_each_batch_size() {
        let token: Vec<f32> = (0..32).map(|n| n as f32).collect();
        let network = Network::new(with_token(&token), None, Device::flex()).unwrap();
        let images = |count: usize| {
            let numbers = (0..count * 16 * CHANNELS).map(|n| (n as f32 * 0.11).cos());
            Array::from_vec(numbers.collect(), &[count, CHANNELS, 4, 4], &Device::flex())
        };
        let three = network.forward(images(3)).unwrap().into_vec();
        let seven = network.forward(images(7)).unwrap().into_vec();
        assert_eq!(three[..], seven[..9]);
        let compiled = [3, 7].map(|batch| network.compiled(batch, &Section::whole()).unwrap());
        assert!(compiled[0].shares_plans(&compiled[1]));
        let pass = |samples| Pass {
            samples,
            backward: true,
            together: false,
        };
        let one = network.memory(&[pass(7)], 1).unwrap();
        let both = network.memory(&[pass(3), pass(7)], 1).unwrap();
        assert_eq!(one.segments.constants, both.segments.constants);
    }
}
