//! How much memory a network takes while it is run.

use std::sync::Arc;

use gifthorse_segment::Pass;

use crate::compiled::Compiled;
use crate::error::Error;
use crate::network::{Batching, Network};
use crate::program::Program;
use crate::segments::Part;

/// Memory of a network in bytes, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Weights as the file has them.
    pub file: usize,
    /// Weights and other constants of the lowered program, with room for two copies of the largest while it is packed.
    pub weights: usize,
    /// What the compiled segments take.
    pub segments: gifthorse_segment::Memory,
    /// Results of the steps that run outside segments, kept for the backward pass where there is one. An estimate: what
    /// an operation needs to work with is not known.
    pub steps: usize,
}

impl Memory {
    /// All of it.
    pub fn total(&self) -> usize {
        self.file + self.weights + self.segments.total() + self.steps
    }
}

impl Network {
    /// The memory that the network will hold once `threads` threads have made these passes, one after the other.
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
        let graphs = self.graph().with_nested().into_iter();
        let tensors = graphs.flat_map(|graph| graph.initializers.values());
        let tensors = tensors.filter_map(|tensor| tensor.bytes());
        Ok(Memory {
            file: tensors.map(|bytes| bytes.len()).sum(),
            weights: groups
                .iter()
                .map(|group| constants(group.compiled.program()))
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

    /// The passes that run the same segments. A model whose constants depend on the batch has segments of its own for each
    /// batch size.
    fn by_plan(&self, passes: &[Pass]) -> Result<Vec<Group>, Error> {
        let mut groups: Vec<Group> = Vec::new();
        for pass in passes {
            let compiled = self.compiled(pass.samples, &[])?;
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

fn constants(program: &Program) -> usize {
    let sizes = program.params.iter().map(|p| bytes(&p.value.shape()));
    sizes.clone().sum::<usize>() + 2 * sizes.max().unwrap_or(0)
}

fn bytes(shape: &[usize]) -> usize {
    shape.iter().product::<usize>() * size_of::<f32>()
}
