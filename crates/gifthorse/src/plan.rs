//! How a model is run: what its nodes became, what they cost, and how long they took.

use std::time::Duration;

use gifthorse_engine::{MapShape, Memory, Network, Pass, PlanPart, StageInfo};
use serde::Serialize;

use crate::Error;
use crate::memory::passes;

/// The plan of a model for one batch size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelPlan {
    /// Images of a batch.
    pub batch: usize,
    /// What runs, in order.
    pub nodes: Vec<PlanNode>,
    /// Threads that the memory is for.
    pub threads: usize,
    /// The memory that searches on so many threads take, in bytes, without their images and the
    /// program itself.
    pub memory: PlanMemory,
}

/// Something that runs by itself: nodes of the file that were made one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanNode {
    /// The nodes of the file. Names come from the file and are not to be trusted.
    pub names: Vec<String>,
    /// What computes it: a kernel with what was fused to it, or an operation of Burn.
    pub kernel: String,
    /// Number of the compiled segment that it is in; null if it runs outside segments.
    pub segment: Option<usize>,
    /// Shape of the result for one image, `[channels, height, width]` in a segment; outside, as the
    /// file has it for the whole batch.
    pub shape: Vec<usize>,
    /// Multiplications and additions of the forward pass for one image; null where they are not
    /// counted.
    pub operations: Option<f64>,
    /// Bytes that the forward pass reads and writes for one image, constants aside; null where they
    /// are not counted.
    pub bytes: Option<usize>,
    /// Bytes of constants that it reads; null where they are not counted.
    pub constants: Option<usize>,
    /// What it took so far.
    #[serde(skip)]
    pub time: NodeTime,
}

/// What a node took so far, over all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeTime {
    /// Forward.
    pub forward: Duration,
    /// Backward; `None` outside segments, where nobody measures it.
    pub backward: Option<Duration>,
    /// Images that went forward.
    pub images: u64,
}

impl PlanNode {
    /// Operations of the forward passes so far in a second, in thousands of millions; `None` where
    /// they are not counted or there were none.
    pub fn gigaflops(&self) -> Option<f64> {
        let seconds = self.time.forward.as_secs_f64();
        let operations = self.operations? * self.time.images as f64;
        (seconds > 0.0 && operations > 0.0).then_some(operations / seconds / 1e9)
    }

    /// Forward and backward together.
    pub fn seconds(&self) -> f64 {
        (self.time.forward + self.time.backward.unwrap_or_default()).as_secs_f64()
    }
}

/// The memory of a model's searches in bytes, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanMemory {
    /// Weights as the file has them; those in a file beside the model stay there.
    pub file: usize,
    /// Weights and constants as the steps read them: small ones, and those of steps outside
    /// segments.
    pub weights: usize,
    /// Another copy of the largest while it is packed, before there are values.
    pub packing: usize,
    /// Constants packed for the kernels, for both directions.
    pub packed: usize,
    /// Values and gradients.
    pub values: usize,
    /// What kernels keep for their next call.
    pub scratch: usize,
    /// What goes into segments and comes out.
    pub ends: usize,
    /// Results of steps outside segments.
    pub outside: usize,
}

impl PlanMemory {
    /// The most that there is at a time.
    pub fn total(&self) -> usize {
        let used = self.values + self.scratch + self.ends + self.outside;
        self.file + self.weights + self.packed + used.max(self.packing)
    }
}

impl From<Memory> for PlanMemory {
    fn from(memory: Memory) -> Self {
        Self {
            file: memory.file,
            weights: memory.weights,
            packing: memory.packing,
            packed: memory.segments.constants,
            values: memory.segments.values,
            scratch: memory.segments.scratch,
            ends: memory.segments.ends,
            outside: memory.steps,
        }
    }
}

impl ModelPlan {
    /// The plan of a network for batches of so many images, and what searches on so many threads
    /// take.
    ///
    /// # Errors
    /// A model that cannot be run with this batch size.
    pub(crate) fn new(network: &Network, batch: usize, threads: usize) -> Result<Self, Error> {
        let passes: [Pass; 3] = passes(batch);
        Ok(Self {
            batch,
            nodes: nodes(network, batch)?,
            threads,
            memory: network.memory(&passes, threads)?.into(),
        })
    }
}

/// What runs, in order, with the time that it took so far.
///
/// # Errors
/// A model that cannot be run with this batch size.
pub(crate) fn nodes(network: &Network, batch: usize) -> Result<Vec<PlanNode>, Error> {
    let mut nodes = Vec::new();
    let mut segments = 0;
    for part in network.plan(batch)? {
        match part {
            PlanPart::Segment(stages) => {
                let stages = stages.into_iter().map(|stage| inside(stage, segments));
                nodes.extend(stages);
                segments += 1;
            }
            PlanPart::Step {
                name,
                operation,
                shape,
                time,
            } => nodes.push(PlanNode {
                names: vec![name],
                kernel: operation,
                segment: None,
                shape,
                operations: None,
                bytes: None,
                constants: None,
                time: NodeTime {
                    forward: time,
                    ..NodeTime::default()
                },
            }),
        }
    }
    Ok(nodes)
}

fn inside(stage: StageInfo, segment: usize) -> PlanNode {
    let MapShape {
        height,
        width,
        channels,
    } = stage.output;
    let [forward, backward] = stage.time;
    PlanNode {
        names: stage.names,
        kernel: stage.kernel,
        segment: Some(segment),
        shape: vec![channels, height, width],
        operations: Some(stage.work.operations),
        bytes: Some(stage.bytes),
        constants: Some(stage.work.constants),
        time: NodeTime {
            forward,
            backward: Some(backward),
            images: stage.samples[0],
        },
    }
}
