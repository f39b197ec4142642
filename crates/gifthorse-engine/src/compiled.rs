//! A program made ready to run many times: what depends on weights alone is computed
//! once, values are dropped after their last use, kernels stand in where there is one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gifthorse_segment::StageInfo;

use crate::array::Array;
use crate::error::Error;
use crate::kernels::{MaxPool, Pointwise};
use crate::program::{Operand, Param, ParamId, Primitive, Program, Step, ValueId};
use crate::reference::evaluate;
use crate::segments::{self, Part, Segment};

/// What runs a step faster than the reference.
#[derive(Clone, Debug)]
enum Kernel {
    Pointwise(Pointwise),
    MaxPool(MaxPool),
}

impl Kernel {
    /// The kernel for a step without weights, if there is one. Only exact ones give the
    /// results of the reference to the last bit.
    fn without_weights(step: &Step, only_exact: bool) -> Option<Self> {
        match &step.primitive {
            Primitive::Unary(function) => Pointwise::new(*function)
                .filter(|kernel| kernel.is_exact() || !only_exact)
                .map(Self::Pointwise),
            Primitive::MaxPool(window) => MaxPool::new(window).map(Self::MaxPool),
            _ => None,
        }
    }

    /// Runs the step, by the reference where the kernel does not take the tensor (another
    /// device).
    fn run(&self, step: &Step, operands: Vec<Array>) -> Result<Array, Error> {
        let mut operands = operands.into_iter();
        let Some(x) = operands.next() else {
            return Err(Error::Internal(format!(
                "node `{}` has no operand",
                step.node
            )));
        };
        let x = x.into_dispatch();
        let made = match self {
            Self::Pointwise(kernel) => kernel.apply(x),
            Self::MaxPool(kernel) => kernel.apply(x),
        };
        match made {
            Ok(made) => Ok(Array::from_dispatch(made)),
            Err(x) => {
                let operands = std::iter::once(Array::from_dispatch(x)).chain(operands);
                evaluate(&step.primitive, operands.collect(), &step.shape)
            }
        }
    }
}

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
        /// Time spent so far over all threads, forward. (Backward it is one of many operations of Burn's autodiff.)
        time: Duration,
    },
}

/// A program with its execution plan.
#[derive(Debug)]
pub struct Compiled {
    program: Program,
    /// For each step, its kernel for when it runs by itself.
    kernels: Vec<Option<Kernel>>,
    parts: Vec<Part>,
    /// For each step, the nanoseconds that it took by itself.
    nanoseconds: Vec<AtomicU64>,
    /// For each part, the values that nothing reads after it.
    dead_after: Vec<Vec<ValueId>>,
}

impl Compiled {
    /// Prepares a program whose weights stay as they are. `taps` are values that runs may ask for besides the logits.
    /// `others` are programs of the same model and taps for other batch sizes: what was compiled for one of them is
    /// used again where it is the same for each sample.
    ///
    /// # Errors
    /// As the reference's, while constants are folded.
    pub fn frozen(program: Program, taps: &[ValueId], others: &[Arc<Self>]) -> Result<Self, Error> {
        let mut program = fold_constants(program)?;
        for other in others {
            share_constants(&mut program, &other.program);
        }
        // Some kernels round differently from the reference. Where a later step jumps
        // (a binarised network takes the sign of sums that are often exactly zero), that
        // would change the logits, not just their last digits.
        if program.steps.iter().any(|step| step.primitive.jumps()) {
            return Ok(Self::trainable(program));
        }
        let wanted = taps.iter().copied().chain([program.output]).collect();
        let others = others
            .iter()
            .map(|other| (&other.program, &other.parts[..]));
        let parts = match segments::adapt(&program, others) {
            Some(parts) => parts,
            None => segments::cut(&program, &wanted),
        };
        let kernels = program.steps.iter().map(|_| None).collect();
        Ok(Self::with_parts(program, kernels, parts))
    }

    /// Prepares a program whose weights may be replaced on each run (training).
    pub fn trainable(program: Program) -> Self {
        let jumps = program.steps.iter().any(|step| step.primitive.jumps());
        let kernel_of = |step| Kernel::without_weights(step, jumps);
        let kernels = program.steps.iter().map(kernel_of).collect();
        let parts = (0..program.steps.len()).map(Part::Step).collect();
        Self::with_parts(program, kernels, parts)
    }

    fn with_parts(program: Program, kernels: Vec<Option<Kernel>>, parts: Vec<Part>) -> Self {
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
        Self {
            nanoseconds: program.steps.iter().map(|_| AtomicU64::new(0)).collect(),
            program,
            kernels,
            parts,
            dead_after,
        }
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

    /// Runs the program on a raw input of its input shape; gives the logits and, in order,
    /// the values in `taps`. `params` replaces the program's own constants if given.
    ///
    /// # Errors
    /// `Error::Internal` when the program is inconsistent.
    pub fn run(
        &self,
        input: Array,
        params: Option<&[Array]>,
        taps: &[ValueId],
    ) -> Result<Vec<Array>, Error> {
        let wanted: Vec<ValueId> = std::iter::once(self.program.output)
            .chain(taps.iter().copied())
            .collect();
        let mut values = HashMap::from([(self.program.input, input)]);
        for (part, dead) in self.parts.iter().zip(&self.dead_after) {
            match part {
                Part::Step(step) => self.run_step(*step, params, &mut values)?,
                Part::Segment(segment) => self.run_segment(segment, params, &mut values)?,
            }
            for id in dead.iter().filter(|id| !wanted.contains(id)) {
                values.remove(id);
            }
        }
        wanted.iter().map(|id| value_of(&values, *id)).collect()
    }

    fn run_step(
        &self,
        at: usize,
        params: Option<&[Array]>,
        values: &mut HashMap<ValueId, Array>,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let step = &self.program.steps[at];
        let operand = |input: &Operand| match *input {
            Operand::Value(id) => value_of(values, id),
            Operand::Param(id) => Ok(match params {
                Some(params) => params[id.0].clone(),
                None => self.program.params[id.0].value.clone(),
            }),
        };
        let operands = step.inputs.iter().map(operand).collect::<Result<_, _>>()?;
        let made = match &self.kernels[at] {
            Some(kernel) => kernel.run(step, operands)?,
            None => evaluate(&step.primitive, operands, &step.shape)?,
        };
        values.insert(step.output, made);
        let nanoseconds = start.elapsed().as_nanos() as u64;
        self.nanoseconds[at].fetch_add(nanoseconds, Ordering::Relaxed);
        Ok(())
    }

    fn run_segment(
        &self,
        segment: &Segment,
        params: Option<&[Array]>,
        values: &mut HashMap<ValueId, Array>,
    ) -> Result<(), Error> {
        let inputs = segment.inputs.iter().map(|&id| value_of(values, id));
        match segment.run(&inputs.collect::<Result<Vec<_>, _>>()?) {
            Some(outputs) => values.extend(segment.outputs.iter().copied().zip(outputs)),
            None => {
                for &step in &segment.steps {
                    self.run_step(step, params, values)?;
                }
            }
        }
        Ok(())
    }
}

fn value_of(values: &HashMap<ValueId, Array>, id: ValueId) -> Result<Array, Error> {
    let missing = || Error::Internal(format!("value {} is not there", id.0));
    values.get(&id).cloned().ok_or_else(missing)
}

/// Takes over the memory of constants that another program of the model has as well.
fn share_constants(program: &mut Program, other: &Program) {
    for (param, known) in program.params.iter_mut().zip(&other.params) {
        let alike = !param.in_file && param.value.shape() == known.value.shape();
        if alike && param.value.clone().into_vec() == known.value.clone().into_vec() {
            param.value = known.value.clone();
        }
    }
}

/// Runs every step that reads only constants, once; its result becomes a constant.
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
        let constants: Option<Vec<Array>> = step
            .inputs
            .iter()
            .map(|input| match input {
                Operand::Param(id) => Some(program.params[id.0].value.clone()),
                Operand::Value(_) => None,
            })
            .collect();
        match constants {
            Some(operands) => {
                let value = evaluate(&step.primitive, operands, &step.shape)?;
                folded.insert(step.output, ParamId(program.params.len()));
                program.params.push(Param {
                    name: step.node,
                    value,
                    in_file: false,
                });
            }
            None => steps.push(step),
        }
    }
    program.steps = steps;
    program.names.retain(|_, id| !folded.contains_key(id));
    if folded.contains_key(&program.output) {
        let reason = "its output does not depend on its input".to_string();
        return Err(Error::NotAClassifier(reason));
    }
    Ok(program)
}
