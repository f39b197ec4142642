//! One group of samples on its way backward.

use std::ops::Range;
use std::time::Instant;

use crate::kernels::contract::{Backward, Batch};
use crate::kernels::convolutions::gather_conv::WeightSums;
use crate::kernels::norms::batch_norm::{GradientSums, Moments};
use crate::lanes::Lane;
use crate::lanes::finish::{Add, Finish, HandOn, Then};
use crate::plan::arena::{Arena, Buffer, Tape};
use crate::plan::backward::{Addend, Slot, Source, Step};
use crate::plan::compiled::Plan;
use crate::plan::profile::Way;
use crate::run::exchange::{export, import};

/// A group between two steps of the backward pass.
#[derive(Debug)]
pub(crate) struct BackwardGroup<'a> {
    /// Number of its first sample in the batch.
    pub(crate) first: usize,
    pub(crate) samples: usize,
    pub(crate) tape: Tape,
    /// To each output.
    pub(crate) cotangents: Vec<Option<&'a [f32]>>,
    /// To each input that is to have one.
    pub(crate) gradients: Vec<&'a mut [f32]>,
    /// For each of the plan's steps for weights that were made.
    pub(crate) sums: Vec<WeightSums>,
    /// For each of the plan's steps for norms that were made.
    pub(crate) norms: Vec<GradientSums>,
    room: Option<Room>,
}

/// What a group has on its way.
#[derive(Debug)]
struct Room {
    arena: Arena,
    slots: Vec<Buffer>,
}

impl<'a> BackwardGroup<'a> {
    pub(crate) fn new(
        first: usize,
        samples: usize,
        tape: Tape,
        cotangents: Vec<Option<&'a [f32]>>,
        gradients: Vec<&'a mut [f32]>,
    ) -> Self {
        Self {
            first,
            samples,
            tape,
            cotangents,
            gradients,
            sums: Vec::new(),
            norms: Vec::new(),
            room: None,
        }
    }

    /// Goes through some steps, the plan's first ones first, and makes the sums that can be made
    /// after each. `moments` and `coefficients` are those of each stage that has some.
    pub(crate) fn go(
        &mut self,
        plan: &Plan,
        steps: Range<usize>,
        moments: &[Option<Moments>],
        coefficients: &[Vec<Lane>],
    ) {
        let mut room = match self.room.take() {
            Some(room) => room,
            None => {
                let room = self.begin(plan);
                self.sum(plan, 0, &room, moments);
                room
            }
        };
        for at in steps {
            let step = &plan.backward.steps[at];
            let batch = Batch {
                first: self.first,
                seed: plan.seed,
                coefficients: coefficients.get(step.stage).map_or(&[], Vec::as_slice),
            };
            room.step(plan, step, self.samples, batch, &self.tape);
            self.sum(plan, at + 1, &room, moments);
            for dead in &plan.gradients_dead_after[at] {
                room.arena.give(std::mem::take(&mut room.slots[dead.0]));
            }
        }
        self.room = Some(room);
    }

    fn begin(&self, plan: &Plan) -> Room {
        let mut room = Room {
            arena: plan.arenas.take(),
            slots: Vec::new(),
        };
        room.slots
            .resize_with(plan.backward.slots.len(), Buffer::default);
        let ends = plan.backward.cotangents.iter().zip(&plan.outputs);
        for ((slot, &(value, order)), given) in ends.zip(&self.cotangents) {
            let mut lanes = room.take(plan, *slot, self.samples);
            match given {
                Some(given) => import(plan.isa, given, plan.shape(value), order, &mut lanes),
                None => lanes.fill(Lane::default()),
            }
            room.slots[slot.0] = lanes;
        }
        room
    }

    /// Makes the sums that are complete once `done` steps have run.
    fn sum(&mut self, plan: &Plan, done: usize, room: &Room, moments: &[Option<Moments>]) {
        let steps = plan.backward.weights[self.sums.len()..].iter();
        for step in steps.take_while(|step| step.after == done) {
            let stage = &plan.stages[step.stage];
            let Some(trained) = &stage.trained else {
                continue;
            };
            let start = Instant::now();
            let mut sum = trained.gradient.zeros(step.asked);
            let input = &self.tape.values[stage.inputs[0].0];
            let gradient = &room.slots[step.gradient.0];
            trained
                .gradient
                .add(self.samples, input, gradient, &mut sum);
            self.sums.push(sum);
            plan.clock.add(step.stage, Way::Backward, start);
        }
        let steps = plan.backward.norms[self.norms.len()..].iter();
        for step in steps.take_while(|step| step.after == done) {
            let stage = &plan.stages[step.stage];
            let (Some(norm), Some(moments)) = (&stage.norm, &moments[step.stage]) else {
                continue;
            };
            let start = Instant::now();
            let input = &self.tape.values[stage.inputs[0].0];
            let gradient = &room.slots[step.gradient.0];
            self.norms
                .push(norm.kernel.gradient_sums(moments, input, gradient));
            plan.clock.add(step.stage, Way::Backward, start);
        }
    }

    /// Writes the gradients; gives the sums for weights.
    pub(crate) fn end(self, plan: &Plan) -> Vec<WeightSums> {
        plan.clock.count(Way::Backward, self.samples);
        if let Some(Room { mut arena, slots }) = self.room {
            let ends = plan.backward.gradients.iter().zip(&plan.inputs);
            let ends = ends
                .zip(&plan.wanted.inputs)
                .filter_map(|(end, &wanted)| wanted.then_some(end));
            for ((slot, &(value, order)), out) in ends.zip(self.gradients) {
                if let Some(slot) = slot {
                    export(plan.isa, &slots[slot.0], plan.shape(value), order, out);
                }
            }
            slots.into_iter().for_each(|slot| arena.give(slot));
            plan.arenas.give(arena);
        }
        plan.tapes.give(self.tape);
        self.sums
    }
}

impl Room {
    fn take(&mut self, plan: &Plan, slot: Slot, samples: usize) -> Buffer {
        let shape = plan.shape(plan.backward.slots[slot.0]);
        self.arena.take(samples * shape.lanes())
    }

    fn step(&mut self, plan: &Plan, step: &Step, samples: usize, batch: Batch<'_>, tape: &Tape) {
        let start = Instant::now();
        let mut out = match step.add {
            Addend::Present => std::mem::take(&mut self.slots[step.result.0]),
            _ => self.take(plan, step.result, samples),
        };
        let slots = &self.slots;
        let finish = Finish {
            add: match step.add {
                Addend::Nothing => Add::Nothing,
                Addend::Present => Add::Present,
                Addend::Slot(slot) => Add::Value(&slots[slot.0]),
            },
            then: match step.mask {
                Some(stage) => Then::Mask(&tape.passes[stage]),
                None => Then::Nothing,
            },
        };
        // A plan without stages still adds up the cotangents of an input that is an output twice.
        let stage = plan.stages.get(step.stage);
        match (
            step.source,
            stage.and_then(|stage| stage.kernel.as_ref().map(|kernel| (stage, kernel))),
        ) {
            (Source::Kernel { gradient, to }, Some((stage, kernel))) => {
                let inputs: Vec<&[Lane]> = match kernel.needs().inputs {
                    true => stage.inputs.iter().map(|v| &tape.values[v.0][..]).collect(),
                    false => Vec::new(),
                };
                let output = match kernel.needs().output {
                    true => &tape.values[stage.output.0][..],
                    false => &[],
                };
                kernel.backward(Backward {
                    samples,
                    batch,
                    to,
                    gradient: &slots[gradient.0],
                    inputs: &inputs,
                    output,
                    notes: &tape.notes[step.stage],
                    out: &mut out,
                    finish,
                });
            }
            (Source::Kernel { gradient: slot, .. } | Source::Slot(slot), _) => {
                plan.isa.run(HandOn {
                    from: &slots[slot.0],
                    out: &mut out,
                    finish,
                });
            }
        }
        self.slots[step.result.0] = out;
        plan.clock.add(step.stage, Way::Backward, start);
    }
}
