//! A plan in words and numbers.

use std::time::Duration;

use crate::kernels::contract::Work;
use crate::lanes::Lane;
use crate::lanes::finish::Clamp;
use crate::lanes::map::MapShape;
use crate::plan::compiled::Plan;
use crate::plan::stage::Stage;

/// One stage of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct StageInfo {
    /// The operations that it does, by the names that they were added under.
    pub names: Vec<String>,
    /// The kernel and what was fused to its store, such as `winograd 3x3 + add + relu`.
    pub kernel: String,
    /// Shapes of what the kernel reads, one sample each.
    pub inputs: Vec<MapShape>,
    /// Shape of the result, one sample.
    pub output: MapShape,
    /// Arithmetic of the forward pass on one sample, and bytes of constants.
    pub work: Work,
    /// Bytes that the forward pass reads and writes for one sample, constants aside.
    pub bytes: usize,
    /// Time spent so far over all threads, forward and backward.
    pub time: [Duration; 2],
    /// Samples that went through so far, forward and backward.
    pub samples: [u64; 2],
}

impl Plan {
    /// The stages in the order in which they run.
    pub fn describe(&self) -> Vec<StageInfo> {
        let times = self.clock.times();
        let stages = self.stages.iter().zip(times);
        stages.map(|(stage, time)| self.info(stage, time)).collect()
    }

    fn info(&self, stage: &Stage, time: [Duration; 2]) -> StageInfo {
        let mut kernel = match &stage.kernel {
            Some(kernel) => kernel.name(),
            None => "copy".to_owned(),
        };
        if stage.add.is_some() {
            kernel.push_str(" + add");
        }
        match stage.clamp {
            Some(Clamp::Relu) => kernel.push_str(" + relu"),
            Some(Clamp::Clip { min, max }) => kernel.push_str(&format!(" + clip {min}..{max}")),
            None => {}
        }
        let lanes = |shape: MapShape| shape.lanes() * size_of::<Lane>();
        let moved = stage.reads().chain([stage.output]);
        StageInfo {
            names: stage.names.clone(),
            kernel,
            inputs: stage.inputs.iter().map(|&v| self.shape(v)).collect(),
            output: self.shape(stage.output),
            work: stage.kernel.as_ref().map(|k| k.work()).unwrap_or_default(),
            bytes: moved.map(|value| lanes(self.shape(value))).sum(),
            time,
            samples: self.clock.samples(),
        }
    }
}
