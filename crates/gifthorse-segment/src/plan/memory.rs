//! How much memory a plan will take: its passes, walked through without computing anything.

use std::collections::HashMap;

use crate::lanes::{Lane, Notes};
use crate::plan::arena::choose;
use crate::plan::backward::Addend;
use crate::plan::compiled::Plan;
use crate::plan::graph::Value;
use crate::plan::groups::group_size;

/// Walks through the same passes until memory that is used again and again has found its size.
const ROUNDS: usize = 3;

/// A pass over a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Samples of the batch.
    pub samples: usize,
    /// Whether a backward pass follows.
    pub backward: bool,
    /// Whether all threads work on this batch together, or each on one of its own (within
    /// [`alone`](crate::alone())).
    pub together: bool,
}

/// Memory of a plan in bytes, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Constants, packed for forward passes and for backward passes if there are any.
    pub constants: usize,
    /// Values and gradients, and what forward passes note for backward ones.
    pub values: usize,
    /// What the kernels keep for their next call.
    pub scratch: usize,
    /// The row-major numbers that come in and go out, and their gradients.
    pub ends: usize,
}

impl Memory {
    /// All of it.
    pub fn total(&self) -> usize {
        self.constants + self.values + self.scratch + self.ends
    }

    /// With another plan's, where both are used by the same threads, one after the other. `scratch`
    /// is shared.
    pub fn and(self, other: Self) -> Self {
        Self {
            constants: self.constants + other.constants,
            values: self.values + other.values,
            scratch: self.scratch.max(other.scratch),
            ends: self.ends + other.ends,
        }
    }
}

impl Plan {
    /// The memory that the plan holds when `threads` threads have made these passes, one after the
    /// other, each thread with a batch of its own or all with one.
    ///
    /// That is an upper bound on the values, which a thread may be done with while another still
    /// needs its own.
    pub fn memory(&self, passes: &[Pass], threads: usize) -> Memory {
        let mut held = Held::default();
        for _ in 0..ROUNDS {
            for pass in passes {
                self.walk(pass, threads, &mut held);
            }
        }
        let kernels = || self.stages.iter().filter_map(|stage| stage.kernel.as_ref());
        let backward = passes.iter().any(|pass| pass.backward);
        let constants = kernels().map(|kernel| match backward {
            true => kernel.held(),
            false => kernel.work().constants,
        });
        let groups = passes.iter().map(|pass| group(pass, threads));
        let largest = groups.max().unwrap_or(0);
        let mut scratch: HashMap<&str, usize> = HashMap::new();
        for kernel in kernels() {
            for (name, bytes) in kernel.scratch(largest) {
                let most = scratch.entry(name).or_default();
                *most = bytes.max(*most);
            }
        }
        let shapes = self.inputs().chain(self.outputs());
        let numbers: usize = shapes.map(|(shape, _)| shape.elements()).sum();
        let ends = passes.iter().map(|pass| {
            let both = if pass.backward { 2 } else { 1 };
            let batches = if pass.together { 1 } else { threads };
            both * batches * pass.samples * numbers * size_of::<f32>()
        });
        Memory {
            constants: constants.sum(),
            values: threads * held.bytes(),
            scratch: threads * scratch.values().sum::<usize>(),
            ends: ends.max().unwrap_or(0),
        }
    }

    /// One batch: its groups one after the other, forward and then backward.
    fn walk(&self, pass: &Pass, threads: usize, held: &mut Held) {
        let group = group(pass, threads);
        let groups = (0..pass.samples).step_by(group);
        // The first thread's groups, which are the largest.
        let share = groups.len().div_ceil(sharing(pass, threads));
        let counts = groups.map(|at| group.min(pass.samples - at)).take(share);
        let counts: Vec<usize> = counts.collect();
        for (number, &samples) in counts.iter().enumerate() {
            if pass.backward {
                held.tape(number, self.tape(samples));
            }
            self.walk_forward(samples, pass.backward, &mut held.arena);
        }
        if pass.backward {
            for samples in counts {
                self.walk_backward(samples, &mut held.arena);
            }
        }
    }

    /// As a forward pass over a group takes and gives, but for what is kept for the backward pass,
    /// which lies on the tape.
    fn walk_forward(&self, samples: usize, saving: bool, arena: &mut Lengths) {
        let mut values = vec![0; self.shapes.len()];
        let lanes = |value: Value| samples * self.shape(value).lanes();
        let kept = |value: usize| saving && self.kept[value];
        for (input, _) in self.inputs.iter().filter(|(input, _)| !kept(input.0)) {
            values[input.0] = arena.take(lanes(*input));
        }
        for (stage, dead) in self.stages.iter().zip(&self.dead_after) {
            if !kept(stage.output.0) {
                values[stage.output.0] = arena.take(lanes(stage.output));
            }
            for dead in dead {
                arena.give(std::mem::take(&mut values[dead.0]));
            }
        }
        values.into_iter().for_each(|value| arena.give(value));
    }

    fn walk_backward(&self, samples: usize, arena: &mut Lengths) {
        let plan = &self.backward;
        let mut slots = vec![0; plan.slots.len()];
        let lanes = |slot: usize| samples * self.shape(plan.slots[slot]).lanes();
        for slot in &plan.cotangents {
            slots[slot.0] = arena.take(lanes(slot.0));
        }
        for (step, dead) in plan.steps.iter().zip(&self.gradients_dead_after) {
            if !matches!(step.add, Addend::Present) {
                slots[step.result.0] = arena.take(lanes(step.result.0));
            }
            for dead in dead {
                arena.give(std::mem::take(&mut slots[dead.0]));
            }
        }
        slots.into_iter().for_each(|slot| arena.give(slot));
    }

    /// Bytes that the forward pass over a group leaves on its tape: values, bits and notes.
    fn tape(&self, samples: usize) -> usize {
        let values = (0..self.shapes.len()).filter(|&value| self.kept[value]);
        let values = values.map(|value| self.shapes[value].lanes() * size_of::<Lane>());
        let stages = self.stages.iter().map(|stage| {
            let bits = match stage.clamp {
                Some(_) => self.shape(stage.output).lanes() * size_of::<u16>(),
                None => 0,
            };
            let kernel = stage.kernel.as_ref();
            bits + kernel.map_or(0, |kernel| kernel.needs().notes * size_of::<Notes>())
        });
        samples * values.chain(stages).sum::<usize>()
    }
}

/// Threads that work on one batch.
fn sharing(pass: &Pass, threads: usize) -> usize {
    if pass.together { threads } else { 1 }
}

/// Samples of a group.
fn group(pass: &Pass, threads: usize) -> usize {
    group_size(pass.samples, sharing(pass, threads))
}

/// What one thread's passes have made so far.
#[derive(Debug, Default)]
struct Held {
    arena: Lengths,
    /// Bytes of each tape.
    tapes: Vec<usize>,
}

impl Held {
    fn tape(&mut self, number: usize, bytes: usize) {
        self.tapes.resize(self.tapes.len().max(number + 1), 0);
        self.tapes[number] = bytes.max(self.tapes[number]);
    }

    fn bytes(&self) -> usize {
        self.arena.made * size_of::<Lane>() + self.tapes.iter().sum::<usize>()
    }
}

/// An arena without memory: the lengths of its free buffers.
#[derive(Debug, Default)]
struct Lengths {
    free: Vec<usize>,
    /// Lanes of all buffers, free or lent.
    made: usize,
}

impl Lengths {
    /// Length of the buffer that is lent.
    fn take(&mut self, wanted: usize) -> usize {
        let best = choose(self.free.len(), |i| self.free[i], wanted);
        let taken = best.map_or(0, |i| self.free.swap_remove(i));
        if taken >= wanted {
            return taken;
        }
        self.made = self.made - taken + wanted;
        wanted
    }

    fn give(&mut self, length: usize) {
        if length > 0 {
            self.free.push(length);
        }
    }
}

#[cfg(test)]
mod tests;
