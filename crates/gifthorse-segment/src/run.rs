//! Running a plan: groups of samples go through all stages one after the other, so that what one
//! stage writes is still in the cache when the next one reads it.

use std::time::Instant;

use rayon::prelude::*;

use crate::alone::is_alone;
use crate::arena::{Arena, Buffer, Tape};
use crate::backward::{Addend, Slot, Source, Step};
use crate::exchange::{export, import};
use crate::finish::{Add, Finish, Then};
use crate::gather_conv::WeightSums;
use crate::graph::Value;
use crate::kernel::{Backward, Forward};
use crate::lanes::{Lane, Lanes, Task};
use crate::plan::Plan;
use crate::profile::Way;
use crate::stage::Stage;

/// Most samples of a group. More would read the weights less often, but they need more memory.
const MOST_SAMPLES: usize = 32;

/// How many groups a batch that fits into them becomes where gradients to parameters are wanted. They are sums over samples, so how
/// these are grouped may not depend on the number of threads.
const TRAINED_GROUPS: usize = 4;

/// What a backward pass gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// For each input, in its order; `None` if the plan was bound without.
    pub inputs: Vec<Option<Vec<f32>>>,
    /// For each parameter, summed over all samples; `None` if the plan was bound without, or nothing reads it.
    pub parameters: Vec<Option<Vec<f32>>>,
}

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub struct Saved {
    samples: usize,
    group: usize,
    tapes: Vec<Tape>,
}

impl Saved {
    /// Samples of the forward pass.
    pub fn samples(&self) -> usize {
        self.samples
    }
}

impl Plan {
    /// The outputs of `samples` samples, each in its order. Work is shared out over the current rayon pool; results do
    /// not depend on its size.
    ///
    /// # Panics
    ///
    /// Unless there is a slice of the right length for each input.
    pub fn forward(&self, samples: usize, inputs: &[&[f32]]) -> Vec<Vec<f32>> {
        self.run_forward(samples, inputs, false).0
    }

    /// As [`forward`](Self::forward), with what [`backward`](Self::backward) needs.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn forward_saving(&self, samples: usize, inputs: &[&[f32]]) -> (Vec<Vec<f32>>, Saved) {
        let (outputs, group, tapes) = self.run_forward(samples, inputs, true);
        let saved = Saved {
            samples,
            group,
            tapes,
        };
        (outputs, saved)
    }

    fn run_forward(
        &self,
        samples: usize,
        inputs: &[&[f32]],
        saving: bool,
    ) -> (Vec<Vec<f32>>, usize, Vec<Tape>) {
        self.check(samples, inputs, self.inputs());
        let mut outputs: Vec<Vec<f32>> = self
            .outputs()
            .map(|(shape, _)| vec![0.0; samples * shape.elements()])
            .collect();
        let group = self.group_size(samples);
        let parts = cut(
            &mut outputs,
            group,
            self.outputs().map(|(s, _)| s.elements()),
        );
        let tapes = for_groups(parts, |(i, mut outputs)| {
            let sizes = self.inputs().map(|(shape, _)| shape.elements());
            let inputs: Vec<&[f32]> = inputs
                .iter()
                .zip(sizes)
                .map(|(all, size)| part(all, i, group * size))
                .collect();
            let count = group.min(samples - i * group);
            let mut arena = self.arenas.take();
            let mut tape = saving.then(|| self.tapes.take());
            self.group_forward(count, &inputs, &mut outputs, &mut arena, tape.as_mut());
            self.arenas.give(arena);
            tape
        });
        (outputs, group, tapes.into_iter().flatten().collect())
    }

    /// The gradients to the inputs and parameters that are to have one, from those to the outputs; `None` stands for zeros, as
    /// an output that nothing was made from has. Each is in the order of its end.
    ///
    /// # Panics
    ///
    /// Unless there is a slice of the right length for each output that has one.
    pub fn backward(&self, saved: Saved, cotangents: &[Option<&[f32]>]) -> Gradients {
        let Saved {
            samples,
            group,
            tapes,
        } = saved;
        assert_eq!(cotangents.len(), self.outputs.len(), "number of cotangents");
        for (cotangent, (shape, _)) in cotangents.iter().zip(self.outputs()) {
            let given = cotangent.map_or(samples * shape.elements(), <[f32]>::len);
            assert_eq!(given, samples * shape.elements(), "length of a cotangent");
        }
        self.prepare_backward();
        let wanted = self.wanted.inputs.iter();
        let sizes: Vec<usize> = self
            .inputs()
            .zip(wanted.clone())
            .filter_map(|((shape, _), &wanted)| wanted.then_some(shape.elements()))
            .collect();
        let mut gradients: Vec<Vec<f32>> =
            sizes.iter().map(|size| vec![0.0; samples * size]).collect();
        let mut parts = cut(&mut gradients, group, sizes.into_iter());
        parts.resize_with(tapes.len(), Vec::new);
        let groups = tapes.into_iter().zip(parts).collect();
        let sums = for_groups(groups, |(i, (tape, mut gradients)): (usize, (Tape, _))| {
            let sizes = self.outputs().map(|(shape, _)| shape.elements());
            let cotangents: Vec<Option<&[f32]>> = cotangents
                .iter()
                .zip(sizes)
                .map(|(all, size)| all.map(|all| part(all, i, group * size)))
                .collect();
            let count = group.min(samples - i * group);
            let mut arena = self.arenas.take();
            let sums = self.group_backward(count, &tape, &cotangents, &mut gradients, &mut arena);
            self.arenas.give(arena);
            self.tapes.give(tape);
            sums
        });
        let mut gradients = gradients.into_iter();
        Gradients {
            inputs: wanted
                .map(|&wanted| if wanted { gradients.next() } else { None })
                .collect(),
            parameters: self.to_parameters(&sums),
        }
    }

    /// Packs what the backward pass reads, on the first one. A thread that is to be alone waits for no other here either.
    fn prepare_backward(&self) {
        let prepare = |step: &Step| {
            if let Source::Kernel { .. } = step.source
                && let Some(kernel) = &self.stages[step.stage].kernel
            {
                kernel.prepare_backward();
            }
        };
        match is_alone() {
            true => self.backward.steps.iter().for_each(prepare),
            false => self.backward.steps.par_iter().for_each(prepare),
        }
    }

    /// How many samples go through together.
    fn group_size(&self, samples: usize) -> usize {
        let groups = match self.backward.weights.is_empty() {
            true => threads(),
            false => TRAINED_GROUPS,
        };
        group_size(samples, groups)
    }

    fn check(
        &self,
        samples: usize,
        slices: &[&[f32]],
        ends: impl Iterator<Item = (crate::MapShape, crate::Order)>,
    ) {
        let wanted: Vec<usize> = ends.map(|(shape, _)| samples * shape.elements()).collect();
        let given: Vec<usize> = slices.iter().map(|slice| slice.len()).collect();
        assert_eq!(given, wanted, "lengths of the inputs");
    }

    fn group_forward(
        &self,
        samples: usize,
        inputs: &[&[f32]],
        outputs: &mut [&mut [f32]],
        arena: &mut Arena,
        mut tape: Option<&mut Tape>,
    ) {
        let mut values: Vec<Buffer> = Vec::new();
        values.resize_with(self.shapes.len(), Buffer::default);
        if let Some(tape) = &mut tape {
            tape.values.resize_with(self.shapes.len(), Buffer::default);
            tape.passes.resize(self.stages.len(), Vec::new());
            tape.notes.resize(self.stages.len(), Vec::new());
        }
        for (&(value, order), input) in self.inputs.iter().zip(inputs) {
            let mut lanes = self.room(value, samples, arena, tape.as_deref_mut());
            import(self.isa, input, self.shape(value), order, &mut lanes);
            values[value.0] = lanes;
        }
        for (at, stage) in self.stages.iter().enumerate() {
            let start = Instant::now();
            let mut out = self.room(stage.output, samples, arena, tape.as_deref_mut());
            let (mut passes, mut notes) = (Vec::new(), Vec::new());
            if let Some(tape) = &mut tape {
                passes = std::mem::take(&mut tape.passes[at]);
                notes = std::mem::take(&mut tape.notes[at]);
                if stage.clamp.is_some() {
                    passes.resize(out.len(), 0);
                }
                let each = stage.kernel.as_ref().map_or(0, |k| k.needs().notes);
                notes.resize(samples * each, [0; 16]);
            }
            let finish = Finish {
                add: match stage.add {
                    Some(value) => Add::Value(&values[value.0]),
                    None => Add::Nothing,
                },
                then: match stage.clamp {
                    Some(clamp) => Then::Clamp(clamp, tape.is_some().then_some(&mut passes)),
                    None => Then::Nothing,
                },
            };
            self.stage_forward(stage, samples, &values, &mut out, finish, &mut notes);
            values[stage.output.0] = out;
            if let Some(tape) = &mut tape {
                tape.passes[at] = passes;
                tape.notes[at] = notes;
            }
            for dead in &self.dead_after[at] {
                if !(self.kept[dead.0] && tape.is_some()) {
                    arena.give(std::mem::take(&mut values[dead.0]));
                }
            }
            self.clock.add(at, Way::Forward, start);
        }
        self.clock.count(Way::Forward, samples);
        for (&(value, order), output) in self.outputs.iter().zip(outputs) {
            export(self.isa, &values[value.0], self.shape(value), order, output);
        }
        for (value, lanes) in values.iter_mut().enumerate() {
            if !(self.kept[value] && tape.is_some()) {
                arena.give(std::mem::take(lanes));
            }
        }
        if let Some(tape) = tape {
            tape.values = values;
        }
    }

    /// Memory for a value: the tape's if a backward pass reads it.
    fn room(
        &self,
        value: Value,
        samples: usize,
        arena: &mut Arena,
        tape: Option<&mut Tape>,
    ) -> Buffer {
        let length = samples * self.shape(value).lanes();
        match tape {
            Some(tape) if self.kept[value.0] => {
                std::mem::take(&mut tape.values[value.0]).resized(length)
            }
            _ => arena.take(length),
        }
    }

    fn stage_forward(
        &self,
        stage: &Stage,
        samples: usize,
        values: &[Buffer],
        out: &mut [Lane],
        finish: Finish<'_>,
        notes: &mut [crate::kernel::Notes],
    ) {
        let inputs: Vec<&[Lane]> = stage.inputs.iter().map(|v| &values[v.0][..]).collect();
        match &stage.kernel {
            Some(kernel) => kernel.forward(Forward {
                samples,
                inputs: &inputs,
                out,
                finish,
                notes,
            }),
            None => self.isa.run(HandOn {
                from: inputs[0],
                out,
                finish,
            }),
        }
    }

    fn group_backward(
        &self,
        samples: usize,
        tape: &Tape,
        cotangents: &[Option<&[f32]>],
        gradients: &mut [&mut [f32]],
        arena: &mut Arena,
    ) -> Vec<WeightSums> {
        let plan = &self.backward;
        let length = |slot: Slot| samples * self.shape(plan.slots[slot.0]).lanes();
        let mut slots: Vec<Buffer> = Vec::new();
        slots.resize_with(plan.slots.len(), Buffer::default);
        for ((slot, &(value, order)), given) in
            plan.cotangents.iter().zip(&self.outputs).zip(cotangents)
        {
            let mut lanes = arena.take(length(*slot));
            match given {
                Some(given) => import(self.isa, given, self.shape(value), order, &mut lanes),
                None => lanes.fill(Lane::default()),
            }
            slots[slot.0] = lanes;
        }
        let mut sums = Vec::with_capacity(plan.weights.len());
        self.weights_backward(0, samples, tape, &slots, &mut sums);
        for (at, step) in plan.steps.iter().enumerate() {
            let start = Instant::now();
            let mut out = match step.add {
                Addend::Present => std::mem::take(&mut slots[step.result.0]),
                _ => arena.take(length(step.result)),
            };
            self.step_backward(step, samples, tape, &slots, &mut out);
            slots[step.result.0] = out;
            self.clock.add(step.stage, Way::Backward, start);
            self.weights_backward(at + 1, samples, tape, &slots, &mut sums);
            for dead in &self.gradients_dead_after[at] {
                arena.give(std::mem::take(&mut slots[dead.0]));
            }
        }
        self.clock.count(Way::Backward, samples);
        let ends = plan.gradients.iter().zip(&self.inputs);
        let ends = ends
            .zip(&self.wanted.inputs)
            .filter_map(|(end, &wanted)| wanted.then_some(end));
        for ((slot, &(value, order)), out) in ends.zip(gradients) {
            if let Some(slot) = slot {
                export(self.isa, &slots[slot.0], self.shape(value), order, out);
            }
        }
        slots.into_iter().for_each(|slot| arena.give(slot));
        sums
    }

    fn step_backward(
        &self,
        step: &Step,
        samples: usize,
        tape: &Tape,
        slots: &[Buffer],
        out: &mut [Lane],
    ) {
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
        let stage = self.stages.get(step.stage);
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
                    to,
                    gradient: &slots[gradient.0],
                    inputs: &inputs,
                    output,
                    notes: &tape.notes[step.stage],
                    out,
                    finish,
                });
            }
            (Source::Kernel { gradient: slot, .. } | Source::Slot(slot), _) => {
                self.isa.run(HandOn {
                    from: &slots[slot.0],
                    out,
                    finish,
                });
            }
        }
    }
}

/// Takes values over as they are, but for the finish.
struct HandOn<'a, 'b> {
    from: &'a [Lane],
    out: &'a mut [Lane],
    finish: Finish<'b>,
}

impl Task for HandOn<'_, '_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        for (at, from) in self.from.iter().enumerate() {
            let value = lanes.load(&from.0);
            self.finish.store(lanes, self.out, at, value);
        }
    }
}

/// How many samples go through together on so many threads.
pub(crate) fn group_size(samples: usize, threads: usize) -> usize {
    samples.div_ceil(threads).clamp(1, MOST_SAMPLES)
}

/// Threads that the groups of a batch are shared out to.
fn threads() -> usize {
    match is_alone() {
        true => 1,
        false => rayon::current_num_threads(),
    }
}

/// Does something for each group, side by side unless this thread is to be alone.
fn for_groups<T: Send, R: Send>(
    groups: Vec<T>,
    run: impl Fn((usize, T)) -> R + Send + Sync,
) -> Vec<R> {
    match is_alone() {
        true => groups.into_iter().enumerate().map(run).collect(),
        false => {
            let groups = groups.into_par_iter().enumerate().with_max_len(1);
            groups.map(run).collect()
        }
    }
}

/// Part `i` of the whole, in pieces of `size`.
fn part<T>(all: &[T], i: usize, size: usize) -> &[T] {
    &all[(i * size).min(all.len())..((i + 1) * size).min(all.len())]
}

/// Cuts each whole into pieces of `group` samples; gives the pieces of each group.
fn cut(
    wholes: &mut [Vec<f32>],
    group: usize,
    sizes: impl Iterator<Item = usize>,
) -> Vec<Vec<&mut [f32]>> {
    let mut parts: Vec<Vec<&mut [f32]>> = Vec::new();
    for (whole, size) in wholes.iter_mut().zip(sizes) {
        for (i, piece) in whole.chunks_mut(group * size).enumerate() {
            match parts.get_mut(i) {
                Some(pieces) => pieces.push(piece),
                None => parts.push(vec![piece]),
            }
        }
    }
    parts
}
