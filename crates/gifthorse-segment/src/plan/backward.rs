//! The backward pass as a list of steps, each of which writes memory once.
//!
//! Gradients of a value come from all that read it. The last to come takes the sum along, and the
//! value's own mask, so that what lies in memory is the gradient before the activation. A branch
//! that only hands a value on (the short cut of a residual block) costs nothing: the gradient is
//! shared.

use crate::kernels::convolutions::gather_conv::Asked;
use crate::plan::graph::Value;
use crate::plan::stage::Stage;

/// A gradient in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) usize);

/// `result = mask(source + add)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The stage that it belongs to.
    pub(crate) stage: usize,
    pub(crate) source: Source,
    pub(crate) add: Addend,
    /// The stage whose activation's mask is applied.
    pub(crate) mask: Option<usize>,
    pub(crate) result: Slot,
}

/// What a step starts from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// The stage's kernel, from the gradient to its output to that of an input.
    Kernel { gradient: Slot, to: usize },
    /// A gradient as it is.
    Slot(Slot),
}

/// What a step adds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Addend {
    Nothing,
    /// What the result held before.
    Present,
    Slot(Slot),
}

impl Step {
    /// The gradients that it reads, but for its result.
    pub(crate) fn reads(&self) -> impl Iterator<Item = Slot> {
        let source = match self.source {
            Source::Kernel { gradient, .. } => gradient,
            Source::Slot(slot) => slot,
        };
        let added = match self.add {
            Addend::Slot(slot) => Some(slot),
            Addend::Nothing | Addend::Present => None,
        };
        std::iter::once(source).chain(added)
    }
}

/// The gradients to the parameters of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightStep {
    pub(crate) stage: usize,
    /// The gradient to the stage's result before its activation.
    pub(crate) gradient: Slot,
    /// How many steps come before it.
    pub(crate) after: usize,
    pub(crate) asked: Asked,
}

/// The sums over the batch that a batch norm's backward pass needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NormStep {
    pub(crate) stage: usize,
    /// The gradient to the stage's result before its activation.
    pub(crate) gradient: Slot,
    /// How many steps come before it.
    pub(crate) after: usize,
}

/// Which gradients a backward pass is to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// For each input.
    pub(crate) inputs: Vec<bool>,
    /// For each parameter.
    pub(crate) parameters: Vec<bool>,
}

/// The steps of a backward pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackwardPlan {
    pub(crate) steps: Vec<Step>,
    /// In the order in which they are run.
    pub(crate) weights: Vec<WeightStep>,
    /// In the order in which they are run.
    pub(crate) norms: Vec<NormStep>,
    /// The value whose gradient (or part of it) each slot holds.
    pub(crate) slots: Vec<Value>,
    /// For each output, where its cotangent is put first.
    pub(crate) cotangents: Vec<Slot>,
    /// For each input, where its gradient is in the end; `None` if it is not wanted or no output
    /// depends on it.
    pub(crate) gradients: Vec<Option<Slot>>,
}

impl BackwardPlan {
    /// Plans the backward pass of stages that work on `values` values, from inputs to outputs.
    /// Steps that lead to no gradient that is wanted are left out.
    pub(crate) fn new(
        stages: &[Stage],
        values: usize,
        (inputs, outputs): (&[Value], &[Value]),
        wanted: &Wanted,
    ) -> Self {
        let asked: Vec<Asked> = stages
            .iter()
            .map(|stage| match &stage.trained {
                Some(trained) => trained.asked(&wanted.parameters),
                None => Asked::default(),
            })
            .collect();
        let (mut weights, mut norms) = (Vec::new(), Vec::new());
        let mut planning = Planning {
            needed: needed(stages, values, inputs, wanted),
            masks: vec![None; values],
            missing: vec![0; values],
            so_far: vec![None; values],
            slots: Vec::new(),
            steps: Vec::new(),
        };
        for (at, stage) in stages.iter().enumerate() {
            if stage.clamp.is_some() {
                planning.masks[stage.output.0] = Some(at);
            }
            stage
                .reads()
                .for_each(|value| planning.missing[value.0] += 1);
        }
        outputs
            .iter()
            .for_each(|value| planning.missing[value.0] += 1);
        let cotangents: Vec<Slot> = outputs.iter().map(|&value| planning.slot(value)).collect();
        for (&value, &slot) in outputs.iter().zip(&cotangents) {
            // Which stage it is counted under matters to the profile alone.
            let stage = stages.len().saturating_sub(1);
            planning.contribute(value, stage, Source::Slot(slot));
        }
        for (at, stage) in stages.iter().enumerate().rev() {
            let Some(gradient) = planning.so_far[stage.output.0].map(Partial::slot) else {
                continue;
            };
            if asked[at] != Asked::default() {
                weights.push(WeightStep {
                    stage: at,
                    gradient,
                    after: planning.steps.len(),
                    asked: asked[at],
                });
            }
            if stage.norm.is_some() {
                norms.push(NormStep {
                    stage: at,
                    gradient,
                    after: planning.steps.len(),
                });
            }
            if let Some(value) = stage.add {
                planning.contribute(value, at, Source::Slot(gradient));
            }
            for (to, &value) in stage.inputs.iter().enumerate() {
                let source = match stage.kernel {
                    Some(_) => Source::Kernel { gradient, to },
                    None => Source::Slot(gradient),
                };
                planning.contribute(value, at, source);
            }
        }
        let so_far = &planning.so_far;
        Self {
            gradients: inputs
                .iter()
                .map(|value| so_far[value.0].map(Partial::slot))
                .collect(),
            steps: planning.steps,
            weights,
            norms,
            slots: planning.slots,
            cotangents,
        }
    }
}

/// Which values' gradients lead to one that is wanted.
fn needed(stages: &[Stage], values: usize, inputs: &[Value], wanted: &Wanted) -> Vec<bool> {
    let mut needed = vec![false; values];
    for (input, wanted) in inputs.iter().zip(&wanted.inputs) {
        needed[input.0] = *wanted;
    }
    for stage in stages {
        let parameters = stage.parameters().any(|p| wanted.parameters[p.0]);
        needed[stage.output.0] = parameters || stage.reads().any(|value| needed[value.0]);
    }
    needed
}

/// The sum of the gradients that came so far.
#[derive(Clone, Copy, Debug)]
enum Partial {
    /// In a slot that is also another value's gradient, or a cotangent.
    Shared(Slot),
    /// In a slot of its own.
    Own(Slot),
}

impl Partial {
    fn slot(self) -> Slot {
        match self {
            Self::Shared(slot) | Self::Own(slot) => slot,
        }
    }
}

struct Planning {
    /// For each value, whether its gradient leads to one that is wanted.
    needed: Vec<bool>,
    /// For each value, the stage that clamps it.
    masks: Vec<Option<usize>>,
    /// For each value, how many gradients have still to come.
    missing: Vec<usize>,
    so_far: Vec<Option<Partial>>,
    slots: Vec<Value>,
    steps: Vec<Step>,
}

impl Planning {
    fn slot(&mut self, value: Value) -> Slot {
        self.slots.push(value);
        Slot(self.slots.len() - 1)
    }

    /// One gradient for a value comes in.
    fn contribute(&mut self, value: Value, stage: usize, source: Source) {
        if !self.needed[value.0] {
            return;
        }
        self.missing[value.0] -= 1;
        let last = self.missing[value.0] == 0;
        let mask = self.masks[value.0].filter(|_| last);
        let so_far = self.so_far[value.0];
        if let (Source::Slot(slot), None, None) = (source, so_far, mask) {
            self.so_far[value.0] = Some(Partial::Shared(slot));
            return;
        }
        let (result, add) = match so_far {
            None => (self.slot(value), Addend::Nothing),
            Some(Partial::Shared(slot)) => (self.slot(value), Addend::Slot(slot)),
            Some(Partial::Own(slot)) => (slot, Addend::Present),
        };
        self.steps.push(Step {
            stage,
            source,
            add,
            mask,
            result,
        });
        self.so_far[value.0] = Some(Partial::Own(result));
    }
}
