//! Stretches of a program that run as compiled segments on the CPU.
//!
//! `batch` finds out where samples do not mix, `translate` turns steps into a segment's graph,
//! `tracked` runs the compiled plan on arrays, `autodiff` enters it in Burn's autodiff. Steps
//! without a kernel stay ordinary operations between segments.

mod autodiff;
mod batch;
mod constants;
mod elementwise;
mod held;
mod linear;
mod moves;
mod tracked;
mod trained;
mod translate;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gifthorse_segment::{Graph, Memory, Pass, Plan, StageInfo, Statistics};

use crate::error::Error;
use crate::execute::array::Array;
use crate::program::stored::Stored;
use crate::program::{Operand, Param, Primitive, Program, Step, ValueId};
use batch::BatchAxis;
pub use batch::{keeps_batch_first, keeps_samples_apart};
use tracked::Weight;
use trained::WeightSource;
use translate::Translator;

/// Bytes of constants from which memory matters more than speed: large weights are then packed
/// once for both directions.
const LARGE_MODEL: usize = 384 << 20;
/// Bytes from which a weight counts as large.
const LARGE_WEIGHT: usize = 4 << 20;

/// One part of a program's execution.
#[derive(Debug)]
pub enum Part {
    /// A step by itself, by number.
    Step(usize),
    /// Several steps as one.
    Segment(Segment),
}

/// A compiled stretch of a program.
#[derive(Debug)]
pub struct Segment {
    plan: Arc<Plan>,
    samples: usize,
    /// Values that it reads.
    pub inputs: Vec<ValueId>,
    /// What its plan's parameters are.
    weights: Vec<WeightSource>,
    /// Values that it makes.
    pub outputs: Vec<ValueId>,
    shapes: Vec<Vec<usize>>,
    /// The steps that it does, for devices that it does not run on.
    pub steps: Vec<usize>,
    /// Whether there is a dropout in it.
    is_random: bool,
}

impl Segment {
    /// Runs it on its inputs and on those operands of the program that [`weights`](Self::weights)
    /// names; `None` if one of them is not in f32 on the `flex` device. With the outputs comes what
    /// its batch norms saw, by tag. `seed` is for what is random in it.
    pub fn run(
        &self,
        inputs: &[Array],
        weights: Vec<Array>,
        seed: u64,
    ) -> Option<(Vec<Array>, Vec<Statistics>)> {
        let weights = weights.into_iter().zip(&self.weights);
        let weights = weights.map(|(value, source)| Weight {
            value,
            order: source.order.clone(),
        });
        let weights = weights.collect();
        let seed = self.is_random.then_some(seed);
        tracked::run(
            &self.plan,
            self.samples,
            inputs,
            weights,
            &self.shapes,
            seed,
        )
    }

    /// What it reads that is not known before the program runs and does not depend on its input.
    pub fn weights(&self) -> impl Iterator<Item = &Operand> {
        self.weights.iter().map(|source| &source.operand)
    }

    /// Whether it runs the same plan as another.
    pub fn shares_plan(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
    }

    /// The memory that it holds after these passes.
    pub fn memory(&self, passes: &[Pass], threads: usize) -> Memory {
        self.plan.memory(passes, threads)
    }

    /// Its stages.
    pub fn describe(&self) -> Vec<StageInfo> {
        self.plan.describe()
    }
}

/// Cuts a program into segments and what is left between them. `wanted` are the values that
/// somebody asks for; those of them in `changed` may be changed before they are read, so that
/// nothing that reads one is in the segment that makes it.
pub fn cut(program: &Program, wanted: &HashSet<ValueId>, changed: &HashSet<ValueId>) -> Vec<Part> {
    let axes = batch::follow(program);
    let samples = program.input_shape.first().copied().unwrap_or(1);
    let mut readers: HashMap<ValueId, Vec<usize>> = HashMap::new();
    let mut shapes = HashMap::from([(program.input, program.input_shape.clone())]);
    for (at, step) in program.steps.iter().enumerate() {
        shapes.insert(step.output, step.shape.clone());
        for input in &step.inputs {
            if let Operand::Value(id) = input {
                readers.entry(*id).or_default().push(at);
            }
        }
    }
    let cutting = Cutting {
        program,
        independent: program.independent(),
        axes,
        samples,
        readers,
        shapes,
        wanted,
        rounds: rounds(program, changed),
    };
    cutting.parts()
}

/// For each step, how many values in `changed` at most are one after the other on a way to it.
fn rounds(program: &Program, changed: &HashSet<ValueId>) -> Vec<usize> {
    let mut after: HashMap<ValueId, usize> = HashMap::new();
    let mut rounds = Vec::with_capacity(program.steps.len());
    for step in &program.steps {
        let read = step.inputs.iter().filter_map(Operand::value);
        let round = read.filter_map(|id| after.get(&id).copied()).max();
        let round = round.unwrap_or(0);
        let change = usize::from(changed.contains(&step.output));
        after.insert(step.output, round + change);
        rounds.push(round);
    }
    rounds
}

/// The parts of a program for another batch size, if one of the `others` computes the same for each
/// sample.
pub fn adapt<'a>(
    program: &Program,
    others: impl Iterator<Item = (&'a Program, &'a [Part])>,
) -> Option<Vec<Part>> {
    let axes = batch::follow(program);
    let samples = program.input_shape.first().copied().unwrap_or(1);
    let mut others = others;
    let (_, parts) = others.find(|(other, _)| same_samples(program, &axes, other))?;
    let shapes: HashMap<ValueId, &Vec<usize>> = program
        .steps
        .iter()
        .map(|step| (step.output, &step.shape))
        .collect();
    let stacked = |id: &ValueId| axes[id.0].is_some_and(|axis| axis.is_stacked());
    let part = |part: &Part| match part {
        Part::Step(step) => Some(Part::Step(*step)),
        Part::Segment(segment) => {
            let followed = |&step: &usize| axes[program.steps[step].output.0].is_some();
            let ends = segment.inputs.iter().chain(&segment.outputs);
            let fits = segment.steps.iter().all(followed) && ends.into_iter().all(stacked);
            fits.then(|| {
                Part::Segment(Segment {
                    plan: segment.plan.clone(),
                    samples,
                    inputs: segment.inputs.clone(),
                    weights: segment.weights.clone(),
                    shapes: segment
                        .outputs
                        .iter()
                        .map(|id| shapes[id].clone())
                        .collect(),
                    outputs: segment.outputs.clone(),
                    steps: segment.steps.clone(),
                    is_random: segment.is_random,
                })
            })
        }
    };
    parts.iter().map(part).collect()
}

/// Whether two programs compute the same for each sample.
fn same_samples(program: &Program, axes: &[Option<BatchAxis>], other: &Program) -> bool {
    let other_axes = batch::follow(other);
    let sample = |axes: &[Option<BatchAxis>], step: &Step| {
        axes[step.output.0].map(|axis| axis.sample(&step.shape))
    };
    let same_step = |(a, b): (&Step, &Step)| {
        a.primitive == b.primitive
            && a.inputs == b.inputs
            && a.output == b.output
            && sample(axes, a) == sample(&other_axes, b)
    };
    let samples = [program, other].map(|p| p.input_shape.first().copied().unwrap_or(1));
    let same_param = |(a, b): (&Param, &Param)| {
        let shapes_agree = a.value.shape() == b.value.shape();
        a.name == b.name
            && match shapes_agree {
                true if a.in_file && b.in_file => true,
                true => a.value.equals(&b.value).unwrap_or(false),
                false => repeats([&a.value, &b.value], samples).unwrap_or(false),
            }
    };
    program.input_shape.get(1..) == other.input_shape.get(1..)
        && program.steps.len() == other.steps.len()
        && program.params.len() == other.params.len()
        && program.steps.iter().zip(&other.steps).all(same_step)
        && program.params.iter().zip(&other.params).all(same_param)
}

/// Whether two constants, compiled for two batch sizes, are the same row repeated for each sample,
/// such as a token that is put before the patches of each image.
fn repeats(constants: [&Stored; 2], samples: [usize; 2]) -> Result<bool, Error> {
    let shapes = constants.map(Stored::shape);
    let of_batch = |axis: &usize| [0, 1].map(|i| shapes[i][*axis]) == samples;
    let differing: Vec<usize> = match shapes[0].len() == shapes[1].len() {
        true => (0..shapes[0].len())
            .filter(|&axis| shapes[0][axis] != shapes[1][axis])
            .collect(),
        false => return Ok(false),
    };
    let [axis] = differing[..] else {
        return Ok(false);
    };
    if !of_batch(&axis) {
        return Ok(false);
    }
    let row = |i: usize, at: usize| -> Result<Vec<f32>, Error> {
        Ok(constants[i].get()?.slice(axis, at, 1, 1).into_vec())
    };
    let first = row(0, 0)?;
    for (i, &count) in samples.iter().enumerate() {
        for at in 0..count {
            if row(i, at)? != first {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

struct Cutting<'p> {
    program: &'p Program,
    /// Values that do not depend on the input.
    independent: HashSet<ValueId>,
    axes: Vec<Option<BatchAxis>>,
    samples: usize,
    readers: HashMap<ValueId, Vec<usize>>,
    shapes: HashMap<ValueId, Vec<usize>>,
    wanted: &'p HashSet<ValueId>,
    /// For each step; those of a round are done before those of the next.
    rounds: Vec<usize>,
}

impl<'p> Cutting<'p> {
    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut done = HashSet::new();
        // What the weights are computed from comes first, so that it does not keep segments apart.
        for (at, step) in self.program.steps.iter().enumerate() {
            if self.independent.contains(&step.output) {
                parts.push(Part::Step(at));
                done.insert(at);
            }
        }
        for round in 0..=self.rounds.iter().copied().max().unwrap_or(0) {
            self.round(round, &mut parts, &mut done);
        }
        parts
    }

    /// The parts of one round's steps, but for those that are done.
    fn round(&self, round: usize, parts: &mut Vec<Part>, done: &mut HashSet<usize>) {
        let skips =
            |at: usize, done: &HashSet<usize>| done.contains(&at) || self.rounds[at] != round;
        let mut at = 0;
        while at < self.program.steps.len() {
            if skips(at, done) {
                at += 1;
                continue;
            }
            let mut translator = self.translator();
            let mut steps = Vec::new();
            let mut end = at;
            while end < self.program.steps.len() {
                if !skips(end, done) && !translator.done.contains(&end) {
                    if translator.add(end).is_none() {
                        break;
                    }
                    steps.push(end);
                }
                end += 1;
            }
            match self.segment(translator, &mut steps) {
                Some(segment) => {
                    done.extend(steps);
                    parts.push(Part::Segment(segment));
                    at = end;
                }
                None => {
                    parts.push(Part::Step(at));
                    done.insert(at);
                    at += 1;
                }
            }
        }
    }

    fn translator(&self) -> Translator<'_> {
        let mut graph = Graph::new();
        if self.program.read_bytes() >= LARGE_MODEL {
            graph.pack_once(LARGE_WEIGHT);
        }
        Translator {
            program: self.program,
            independent: &self.independent,
            axes: &self.axes,
            samples: self.samples,
            readers: &self.readers,
            wanted: self.wanted,
            shapes: &self.shapes,
            graph,
            held: HashMap::new(),
            inputs: Vec::new(),
            weights: Vec::new(),
            done: HashSet::new(),
        }
    }

    /// The segment of some steps; `None` if they are none, or cannot be one because of what goes in
    /// or comes out.
    fn segment(&self, translator: Translator<'_>, steps: &mut Vec<usize>) -> Option<Segment> {
        steps.extend(&translator.done);
        steps.sort_unstable();
        if steps.is_empty() {
            return None;
        }
        let inside: HashSet<usize> = steps.iter().copied().collect();
        let read_outside = |id: &ValueId| {
            let readers = self.readers.get(id);
            readers.is_some_and(|readers| readers.iter().any(|reader| !inside.contains(reader)))
        };
        let made = steps.iter().map(|&step| self.program.steps[step].output);
        let outputs: Vec<ValueId> = made
            .filter(|id| self.wanted.contains(id) || read_outside(id))
            .collect();
        let mut graph = translator.graph;
        for id in &outputs {
            let held = translator.held.get(id)?;
            self.axes[id.0].filter(BatchAxis::is_stacked)?;
            graph.output(held.value, held.order);
        }
        Some(Segment {
            plan: Arc::new(Plan::new(&graph)),
            samples: self.samples,
            inputs: translator.inputs,
            weights: translator.weights,
            shapes: outputs.iter().map(|id| self.shapes[id].clone()).collect(),
            outputs,
            is_random: steps
                .iter()
                .any(|&at| matches!(self.program.steps[at].primitive, Primitive::Dropout { .. })),
            steps: steps.clone(),
        })
    }
}
