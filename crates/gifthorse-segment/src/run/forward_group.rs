//! One group of samples on its way forward.

use std::ops::Range;
use std::time::Instant;

use crate::kernels::contract::{Batch, Forward};
use crate::kernels::norms::batch_norm::Moments;
use crate::lanes::Lane;
use crate::lanes::finish::{Add, Finish, HandOn, Then};
use crate::plan::arena::{Arena, Buffer, Tape};
use crate::plan::compiled::Plan;
use crate::plan::graph::Value;
use crate::plan::profile::Way;
use crate::run::exchange::{export, import};

/// A group between two stages.
#[derive(Debug)]
pub(crate) struct ForwardGroup<'a> {
    /// Number of its first sample in the batch.
    pub(crate) first: usize,
    pub(crate) samples: usize,
    pub(crate) inputs: Vec<&'a [f32]>,
    pub(crate) outputs: Vec<&'a mut [f32]>,
    /// What it has while it is on its way.
    room: Option<Room>,
}

#[derive(Debug)]
struct Room {
    arena: Arena,
    values: Vec<Buffer>,
    /// Where a backward pass will follow.
    tape: Option<Tape>,
}

impl<'a> ForwardGroup<'a> {
    pub(crate) fn new(
        first: usize,
        samples: usize,
        inputs: Vec<&'a [f32]>,
        outputs: Vec<&'a mut [f32]>,
    ) -> Self {
        Self {
            first,
            samples,
            inputs,
            outputs,
            room: None,
        }
    }

    /// Goes through some stages, of which the first are the plan's first. `coefficients` are those
    /// of each stage that has some.
    pub(crate) fn go(
        &mut self,
        plan: &Plan,
        stages: Range<usize>,
        coefficients: &[Vec<Lane>],
        saving: bool,
    ) {
        let room = self.room.take();
        let mut room = room.unwrap_or_else(|| self.begin(plan, saving));
        for at in stages {
            let batch = Batch {
                first: self.first,
                seed: plan.seed,
                coefficients: &coefficients[at],
            };
            room.stage(plan, at, self.samples, batch);
        }
        self.room = Some(room);
    }

    /// What the norm of a stage, which comes next, sums over this group; `None` if it has none.
    pub(crate) fn moments(&self, plan: &Plan, at: usize) -> Option<Moments> {
        let stage = plan.stages.get(at)?;
        let (norm, room) = (stage.norm.as_ref()?, self.room.as_ref()?);
        let start = Instant::now();
        let moments = norm.kernel.moments(&room.values[stage.inputs[0].0]);
        plan.clock.add(at, Way::Forward, start);
        Some(moments)
    }

    fn begin(&self, plan: &Plan, saving: bool) -> Room {
        let mut room = Room {
            arena: plan.arenas.take(),
            values: Vec::new(),
            tape: saving.then(|| plan.tapes.take_for(self.samples)),
        };
        let count = plan.shapes.len();
        room.values.resize_with(count, Buffer::default);
        if let Some(tape) = &mut room.tape {
            tape.values.resize_with(count, Buffer::default);
            tape.passes.resize(plan.stages.len(), Vec::new());
            tape.notes.resize(plan.stages.len(), Vec::new());
        }
        for (&(value, order), input) in plan.inputs.iter().zip(&self.inputs) {
            let mut lanes = room.take(plan, value, self.samples);
            import(plan.isa, input, plan.shape(value), order, &mut lanes);
            room.values[value.0] = lanes;
        }
        room
    }

    /// Writes the outputs; gives what is kept for the backward pass, if one will follow.
    pub(crate) fn end(mut self, plan: &Plan) -> Option<Tape> {
        let Room {
            mut arena,
            mut values,
            tape,
        } = self.room.take()?;
        plan.clock.count(Way::Forward, self.samples);
        for (&(value, order), output) in plan.outputs.iter().zip(self.outputs) {
            export(plan.isa, &values[value.0], plan.shape(value), order, output);
        }
        for (value, lanes) in values.iter_mut().enumerate() {
            if !(plan.kept[value] && tape.is_some()) {
                arena.give(std::mem::take(lanes));
            }
        }
        plan.arenas.give(arena);
        tape.map(|mut tape| {
            tape.values = values;
            tape
        })
    }
}

impl Room {
    /// Memory for a value: the tape's if a backward pass reads it.
    fn take(&mut self, plan: &Plan, value: Value, samples: usize) -> Buffer {
        let length = samples * plan.shape(value).lanes();
        match &mut self.tape {
            Some(tape) if plan.kept[value.0] => {
                std::mem::take(&mut tape.values[value.0]).resized(length)
            }
            _ => self.arena.take(length),
        }
    }

    fn stage(&mut self, plan: &Plan, at: usize, samples: usize, batch: Batch<'_>) {
        let start = Instant::now();
        let stage = &plan.stages[at];
        let mut out = self.take(plan, stage.output, samples);
        let (mut passes, mut notes) = (Vec::new(), Vec::new());
        if let Some(tape) = &mut self.tape {
            passes = std::mem::take(&mut tape.passes[at]);
            notes = std::mem::take(&mut tape.notes[at]);
            if stage.clamp.is_some() {
                passes.resize(out.len(), 0);
            }
            let each = stage.kernel.as_ref().map_or(0, |k| k.needs().notes);
            notes.resize(samples * each, [0; 16]);
        }
        let values = &self.values;
        let finish = Finish {
            add: match stage.add {
                Some(value) => Add::Value(&values[value.0]),
                None => Add::Nothing,
            },
            then: match stage.clamp {
                Some(clamp) => Then::Clamp(clamp, self.tape.is_some().then_some(&mut passes)),
                None => Then::Nothing,
            },
        };
        let inputs: Vec<&[Lane]> = stage.inputs.iter().map(|v| &values[v.0][..]).collect();
        match &stage.kernel {
            Some(kernel) => kernel.forward(Forward {
                samples,
                batch,
                inputs: &inputs,
                out: &mut out,
                finish,
                notes: &mut notes,
            }),
            None => plan.isa.run(HandOn {
                from: inputs[0],
                out: &mut out,
                finish,
            }),
        }
        self.values[stage.output.0] = out;
        if let Some(tape) = &mut self.tape {
            tape.passes[at] = passes;
            tape.notes[at] = notes;
        }
        for dead in &plan.dead_after[at] {
            if !(plan.kept[dead.0] && self.tape.is_some()) {
                self.arena.give(std::mem::take(&mut self.values[dead.0]));
            }
        }
        plan.clock.add(at, Way::Forward, start);
    }
}
