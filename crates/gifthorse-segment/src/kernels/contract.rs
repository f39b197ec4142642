//! What the plan asks of a kernel.

use std::fmt::Debug;

use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;
use crate::lanes::{Lane, Notes};

/// Which values a kernel's backward pass reads, so that they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) inputs: bool,
    pub(crate) output: bool,
    /// [`Notes`] that the forward pass writes, for one sample.
    pub(crate) notes: usize,
}

/// Work of a kernel on one sample, forward.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiplications and additions that the kernel makes (a fused one counts as two).
    pub operations: f64,
    /// Bytes of constants that it reads, however many samples go through together.
    pub constants: usize,
}

/// One operation of a segment, with its constants packed for it.
///
/// A kernel works on the calling thread, on one group of samples: each sample's result does not
/// depend on which others are in the group, to the last bit. (What a kernel learns of the whole
/// batch, it is told: [`Batch`].)
pub(crate) trait Kernel: Debug + Send + Sync {
    /// What it is called in a printed plan, such as `winograd 3x3`.
    fn name(&self) -> String;

    /// Shapes of the inputs, one sample each.
    fn inputs(&self) -> Vec<MapShape>;

    /// Shape of the output, one sample.
    fn output(&self) -> MapShape;

    /// Work of the forward pass, for one sample.
    fn work(&self) -> Work;

    /// Bytes that it holds once a backward pass was made: the constants of both directions, and
    /// what else there is.
    fn held(&self) -> usize {
        self.work().constants
    }

    /// Memory that each thread keeps between calls, for groups of that many samples: a name, which
    /// kernels of one kind share, and bytes. Of several under one name only the largest is taken.
    fn scratch(&self, _samples: usize) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    /// What the backward pass reads.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Packs what the backward pass needs, if it is not there yet.
    fn prepare_backward(&self) {}

    /// Computes the output of all samples.
    fn forward(&self, run: Forward<'_>);

    /// Computes the gradient to one input from the one to the output.
    fn backward(&self, run: Backward<'_>);
}

/// What a group knows of the batch that it is part of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Batch<'a> {
    /// Number of the group's first sample.
    pub(crate) first: usize,
    /// For what is random.
    pub(crate) seed: u64,
    /// For a kernel that looks at the whole batch first: what came of that,
    /// `[coefficient][group of channels]`.
    pub(crate) coefficients: &'a [Lane],
}

/// A forward pass over a group of samples. All slices are whole: `samples` times the lanes of
/// the shape.
#[derive(Debug)]
pub(crate) struct Forward<'a> {
    pub(crate) samples: usize,
    pub(crate) batch: Batch<'a>,
    pub(crate) inputs: &'a [&'a [Lane]],
    /// Written altogether; what it held before matters only to `finish`.
    pub(crate) out: &'a mut [Lane],
    pub(crate) finish: Finish<'a>,
    /// As many as [`Needs::notes`] says for each sample, or empty if there will be no backward
    /// pass.
    pub(crate) notes: &'a mut [Notes],
}

/// A backward pass over a group of samples, to one of the inputs.
#[derive(Debug)]
pub(crate) struct Backward<'a> {
    pub(crate) samples: usize,
    pub(crate) batch: Batch<'a>,
    /// To which input.
    pub(crate) to: usize,
    /// The gradient to the output.
    pub(crate) gradient: &'a [Lane],
    /// The forward pass's inputs if [`Needs::inputs`], else empty.
    pub(crate) inputs: &'a [&'a [Lane]],
    /// The forward pass's output if [`Needs::output`], else empty. (Before anything was fused to
    /// its store: a kernel that needs its output is not given an activation to apply.)
    pub(crate) output: &'a [Lane],
    pub(crate) notes: &'a [Notes],
    /// Written altogether, by `finish`.
    pub(crate) out: &'a mut [Lane],
    pub(crate) finish: Finish<'a>,
}
