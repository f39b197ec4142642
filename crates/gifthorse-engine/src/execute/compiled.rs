//! A program made ready to run many times: what depends on frozen weights alone is computed
//! once, values are dropped after their last use, segments stand in where they can.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gifthorse_segment::{StageInfo, Statistics};

use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::edit::Edits;
use crate::execute::reference::{dropout, evaluate, moments};
use crate::execute::segments::{self, Part, Segment};
use crate::execute::statistics::BatchStatistics;
use crate::program::cost::Cost;
use crate::program::stored::Stored;
use crate::program::{Operand, Param, ParamId, Primitive, Program, ValueId};

/// A part of a plan, described.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanPart {
    /// Stages compiled together.
    Segment(Vec<StageInfo>),
    /// An operation by itself, because it has no kernel.
    Step {
        /// Name of the ONNX node that it came from.
        name: String,
        /// What is computed.
        operation: String,
        /// Shape of the result, for the whole batch.
        shape: Vec<usize>,
        /// Time spent so far over all threads, forward. (Backward it is one of many operations of
        /// Burn's autodiff.)
        time: Duration,
    },
}

/// A program with its execution plan.
#[derive(Debug)]
pub struct Compiled {
    program: Program,
    /// The constants that each run is given.
    trained: Vec<ParamId>,
    parts: Vec<Part>,
    /// For each step, the nanoseconds that it took by itself.
    nanoseconds: Vec<AtomicU64>,
    /// For each part, the values that nothing reads after it.
    dead_after: Vec<Vec<ValueId>>,
}

impl Compiled {
    /// Prepares a program of which nothing but the output is reached.
    #[cfg(test)]
    pub fn new(program: Program) -> Result<Self, Error> {
        Self::open_at(program, &[], &[], &[])
    }

    /// Prepares a program. Its constants stay as they are but for the trained ones. Values can be
    /// reached from outside: `taps` are those that runs may ask for besides the output, `cuts`
    /// those that they may change. `others` are programs of the same model, taps and cuts for other
    /// batch sizes: what was compiled for one of them is used again where it is the same for each
    /// sample.
    ///
    /// # Errors
    /// As the reference's, while constants are folded; [`Error::TooMuchWork`].
    pub fn open_at(
        program: Program,
        taps: &[ValueId],
        cuts: &[ValueId],
        others: &[Arc<Self>],
    ) -> Result<Self, Error> {
        Cost::of(&program).check(program.input_shape[0])?;
        let mut program = fold_constants(program)?;
        for other in others {
            share_constants(&mut program, &other.program)?;
        }
        // Segments round differently from the reference. Where a later step jumps
        // (a binarised network takes the sign of sums that are often exactly zero), that
        // would change the logits, not just their last digits.
        if program.jumps_outside || program.steps.iter().any(|step| step.primitive.jumps()) {
            let parts = (0..program.steps.len()).map(Part::Step).collect();
            return Ok(Self::with_parts(program, parts));
        }
        let changed: HashSet<ValueId> = cuts.iter().copied().collect();
        let wanted = taps.iter().chain(cuts).copied();
        let wanted = wanted.chain([program.output]).collect();
        let others = others
            .iter()
            .map(|other| (&other.program, &other.parts[..]));
        let parts = match segments::adapt(&program, others) {
            Some(parts) => parts,
            None => segments::cut(&program, &wanted, &changed),
        };
        Ok(Self::with_parts(program, parts))
    }

    /// Prepares a program to run step by step, by the reference alone.
    #[cfg(test)]
    pub fn by_steps(program: Program) -> Self {
        let parts = (0..program.steps.len()).map(Part::Step).collect();
        Self::with_parts(program, parts)
    }

    fn with_parts(program: Program, parts: Vec<Part>) -> Self {
        let mut last_use = HashMap::new();
        for (at, part) in parts.iter().enumerate() {
            let steps = match part {
                Part::Step(step) => std::slice::from_ref(step),
                Part::Segment(segment) => &segment.steps,
            };
            for step in steps.iter().map(|&step| &program.steps[step]) {
                last_use.insert(step.output, at);
                for input in &step.inputs {
                    if let Operand::Value(id) = input {
                        last_use.insert(*id, at);
                    }
                }
            }
        }
        let mut dead_after = vec![Vec::new(); parts.len()];
        for (value, part) in last_use {
            dead_after[part].push(value);
        }
        let trained = (0..program.params.len()).map(ParamId);
        Self {
            trained: trained.filter(|id| program.params[id.0].trained).collect(),
            nanoseconds: program.steps.iter().map(|_| AtomicU64::new(0)).collect(),
            program,
            parts,
            dead_after,
        }
    }

    /// The constants that each run is given.
    pub fn trained(&self) -> impl ExactSizeIterator<Item = &Param> {
        self.trained.iter().map(|id| &self.program.params[id.0])
    }

    /// The program that is run.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What runs, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether all segments are those of another program.
    pub fn shares_plans(&self, other: &Self) -> bool {
        let alike = |(one, other): (&Part, &Part)| match (one, other) {
            (Part::Segment(one), Part::Segment(other)) => one.shares_plan(other),
            (Part::Step(one), Part::Step(other)) => one == other,
            _ => false,
        };
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(alike)
    }

    /// What runs, in order: the stages of segments, and steps by themselves.
    pub fn describe(&self) -> Vec<PlanPart> {
        let part = |part: &Part| match part {
            Part::Segment(segment) => PlanPart::Segment(segment.describe()),
            Part::Step(at) => {
                let step = &self.program.steps[*at];
                PlanPart::Step {
                    name: step.node.clone(),
                    operation: format!("{:?}", step.primitive),
                    shape: step.shape.clone(),
                    time: Duration::from_nanos(self.nanoseconds[*at].load(Ordering::Relaxed)),
                }
            }
        };
        self.parts.iter().map(part).collect()
    }

    /// Runs a program without trained constants on an input of its input shape; gives the output
    /// and, in order, the values in `taps`. What `edits` name has to be among the cuts.
    ///
    /// # Errors
    /// `Error::Internal` when the program is inconsistent.
    pub fn run(&self, input: Array, taps: &[ValueId], edits: &Edits) -> Result<Vec<Array>, Error> {
        let mut values = Values::new(self, input, &[], edits, 0);
        values.run(taps)
    }

    /// Runs the program on a raw input of its input shape; gives the logits, the values of the taps,
    /// and what batch norms in training mode saw, in the order of the program. `given` are the
    /// values of the trained constants, in their order, `seed` is for what is random. What `edits`
    /// name has to be among the cuts.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub fn run_seeded(
        &self,
        input: Array,
        given: &[Array],
        taps: &[ValueId],
        edits: &Edits,
        seed: u64,
    ) -> Result<(Array, Vec<Array>, Vec<BatchStatistics>), Error> {
        let mut values = Values::new(self, input, given, edits, seed);
        let mut made = values.run(taps)?;
        let features = made.split_off(1);
        let logits = made.swap_remove(0);
        let statistics = values.statistics.into_values().collect();
        Ok((logits, features, statistics))
    }
}

/// What there is while a program runs.
struct Values<'a> {
    compiled: &'a Compiled,
    given: HashMap<ParamId, &'a Array>,
    edits: &'a Edits,
    made: HashMap<ValueId, Array>,
    seed: u64,
    /// By the tag of the batch norm.
    statistics: BTreeMap<usize, BatchStatistics>,
}

impl<'a> Values<'a> {
    fn new(
        compiled: &'a Compiled,
        input: Array,
        given: &'a [Array],
        edits: &'a Edits,
        seed: u64,
    ) -> Self {
        Self {
            compiled,
            given: compiled.trained.iter().copied().zip(given).collect(),
            edits,
            made: HashMap::from([(compiled.program.input, input)]),
            seed,
            statistics: BTreeMap::new(),
        }
    }

    /// Runs all parts; gives the program's output and the values in `taps`.
    fn run(&mut self, taps: &[ValueId]) -> Result<Vec<Array>, Error> {
        let compiled = self.compiled;
        let wanted: Vec<ValueId> = std::iter::once(compiled.program.output)
            .chain(taps.iter().copied())
            .collect();
        for (part, dead) in compiled.parts.iter().zip(&compiled.dead_after) {
            match part {
                Part::Step(step) => self.run_step(*step)?,
                Part::Segment(segment) => self.run_segment(segment)?,
            }
            for id in dead.iter().filter(|id| !wanted.contains(id)) {
                self.made.remove(id);
            }
        }
        wanted.iter().map(|id| self.value(*id)).collect()
    }

    /// Puts a value down, as the edits leave it.
    fn keep(&mut self, id: ValueId, value: Array) -> Result<(), Error> {
        let mut edits = self.edits.get(&id).into_iter().flatten();
        let edited = edits.try_fold(value, |value, edit| edit.apply(value))?;
        self.made.insert(id, edited);
        Ok(())
    }

    fn run_step(&mut self, at: usize) -> Result<(), Error> {
        let start = Instant::now();
        let step = &self.compiled.program.steps[at];
        let operands = step.inputs.iter().map(|input| self.operand(input));
        let mut operands: Vec<Array> = operands.collect::<Result<_, _>>()?;
        let made = match step.primitive {
            Primitive::Dropout { ratio, site } => {
                let samples = self.compiled.program.input_shape[0];
                dropout(operands.swap_remove(0), ratio, site, samples, self.seed)
            }
            Primitive::BatchNormOfBatch { tag, .. } => {
                let statistics = statistics_of(&operands[0], tag);
                self.note(statistics);
                evaluate(&step.primitive, operands, &step.shape)?
            }
            _ => evaluate(&step.primitive, operands, &step.shape)?,
        };
        self.keep(step.output, made)?;
        let nanoseconds = start.elapsed().as_nanos() as u64;
        self.compiled.nanoseconds[at].fetch_add(nanoseconds, Ordering::Relaxed);
        Ok(())
    }

    fn run_segment(&mut self, segment: &Segment) -> Result<(), Error> {
        let inputs = segment.inputs.iter().map(|&id| self.value(id));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let weights = segment.weights().map(|operand| self.operand(operand));
        match segment.run(&inputs, weights.collect::<Result<_, _>>()?, self.seed) {
            Some((outputs, statistics)) => {
                statistics.into_iter().for_each(|s| self.note(s));
                for (&id, value) in segment.outputs.iter().zip(outputs) {
                    self.keep(id, value)?;
                }
            }
            None => {
                for &step in &segment.steps {
                    self.run_step(step)?;
                }
            }
        }
        Ok(())
    }

    /// Writes down what a batch norm saw, under the names of its running statistics.
    fn note(&mut self, seen: Statistics) {
        let running = &self.compiled.program.running[seen.tag];
        let statistics = BatchStatistics {
            running_mean: running.mean.clone(),
            running_variance: running.variance.clone(),
            rate: running.rate,
            count: seen.count,
            mean: seen.mean,
            variance: seen.variance,
        };
        self.statistics.insert(seen.tag, statistics);
    }

    fn operand(&self, operand: &Operand) -> Result<Array, Error> {
        match *operand {
            Operand::Value(id) => self.value(id),
            Operand::Param(id) => Ok(match self.given.get(&id) {
                Some(&given) => given.clone(),
                None => self.compiled.program.params[id.0].value.keep()?,
            }),
        }
    }

    fn value(&self, id: ValueId) -> Result<Array, Error> {
        let missing = || Error::Internal(format!("value {} is not there", id.0));
        self.made.get(&id).cloned().ok_or_else(missing)
    }
}

/// What a batch norm sees of its input.
fn statistics_of(x: &Array, tag: usize) -> Statistics {
    let shape = x.shape();
    let count = shape.iter().product::<usize>() / shape[1];
    let (mean, variance) = moments(x.clone());
    let unbiased = count as f32 / (count - 1) as f32;
    Statistics {
        tag,
        count,
        mean: mean.into_vec(),
        variance: variance.mul_scalar(unbiased).into_vec(),
    }
}

/// Takes over the memory of constants that another program of the model has as well.
fn share_constants(program: &mut Program, other: &Program) -> Result<(), Error> {
    for (param, known) in program.params.iter_mut().zip(&other.params) {
        if !param.in_file && param.value.equals(&known.value)? {
            param.value = known.value.clone();
        }
    }
    Ok(())
}

/// Runs every step that reads only constants that are not trained, once; its result becomes a
/// constant.
fn fold_constants(mut program: Program) -> Result<Program, Error> {
    let mut folded: HashMap<ValueId, ParamId> = HashMap::new();
    let mut steps = Vec::with_capacity(program.steps.len());
    for mut step in program.steps {
        for input in &mut step.inputs {
            if let Operand::Value(id) = *input
                && let Some(&param) = folded.get(&id)
            {
                *input = Operand::Param(param);
            }
        }
        let constants: Option<Vec<&Stored>> = step
            .inputs
            .iter()
            .map(|input| match input {
                Operand::Param(id) if !program.params[id.0].trained => {
                    Some(&program.params[id.0].value)
                }
                _ => None,
            })
            .collect();
        match constants {
            Some(operands) => {
                let value = Stored::made(&step.primitive, &operands, &step.shape)?;
                folded.insert(step.output, ParamId(program.params.len()));
                program.params.push(Param {
                    name: step.node,
                    value,
                    in_file: false,
                    trained: false,
                });
            }
            None => steps.push(step),
        }
    }
    program.steps = steps;
    // Intermediate constants are dropped. Their slots stay, so that each `ParamId` remains valid.
    let read = program.read();
    for (at, param) in program.params.iter_mut().enumerate() {
        let on_the_way = !param.in_file && !param.trained && !read.contains(&ParamId(at));
        if on_the_way {
            param.value = param.value.given_up();
        }
    }
    program.names.retain(|_, id| !folded.contains_key(id));
    if folded.contains_key(&program.output) {
        let reason = "its output does not depend on its input".to_string();
        return Err(Error::NotAClassifier(reason));
    }
    Ok(program)
}
