//! A program made ready to run many times: what depends on weights alone is computed
//! once, values are dropped after their last use, kernels stand in where there is one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::array::Array;
use crate::error::Error;
use crate::kernels::{FrozenConv, MaxPool, Pointwise};
use crate::program::{Operand, Param, ParamId, Primitive, Program, Step, ValueId};
use crate::reference::evaluate;

/// Convolutions already packed, by the names and values of their weight and bias.
pub type KernelStore = HashMap<String, Arc<FrozenConv>>;

/// What runs a step faster than the reference.
#[derive(Clone, Debug)]
enum Kernel {
    Conv(Arc<FrozenConv>),
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
            Self::Conv(kernel) => kernel.apply(x),
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

/// A program with its execution plan.
#[derive(Debug)]
pub struct Compiled {
    program: Program,
    kernels: Vec<Option<Kernel>>,
    /// For each step, the values that nothing reads after it.
    dead_after: Vec<Vec<ValueId>>,
}

impl Compiled {
    /// Prepares a program whose weights stay as they are.
    ///
    /// # Errors
    /// As the reference's, while constants are folded.
    pub fn frozen(program: Program, store: &mut KernelStore) -> Result<Self, Error> {
        let program = fold_constants(program)?;
        // Some kernels round differently from the reference. Where a later step jumps
        // (a binarised network takes the sign of sums that are often exactly zero), that
        // would change the logits, not just their last digits.
        let jumps = program.steps.iter().any(|step| step.primitive.jumps());
        let kernel_of = |step| match Kernel::without_weights(step, jumps) {
            None if !jumps => frozen_conv(&program, step, store).map(Kernel::Conv),
            found => found,
        };
        let kernels = program.steps.iter().map(kernel_of).collect();
        Ok(Self::with_kernels(program, kernels))
    }

    /// Prepares a program whose weights may be replaced on each run (training).
    pub fn trainable(program: Program) -> Self {
        let jumps = program.steps.iter().any(|step| step.primitive.jumps());
        let kernel_of = |step| Kernel::without_weights(step, jumps);
        let kernels = program.steps.iter().map(kernel_of).collect();
        Self::with_kernels(program, kernels)
    }

    fn with_kernels(program: Program, kernels: Vec<Option<Kernel>>) -> Self {
        let mut last_use = HashMap::new();
        for (i, step) in program.steps.iter().enumerate() {
            last_use.insert(step.output, i);
            for input in &step.inputs {
                if let Operand::Value(id) = input {
                    last_use.insert(*id, i);
                }
            }
        }
        let mut dead_after = vec![Vec::new(); program.steps.len()];
        for (value, step) in last_use {
            dead_after[step].push(value);
        }
        Self {
            program,
            kernels,
            dead_after,
        }
    }

    /// The program that is run.
    pub fn program(&self) -> &Program {
        &self.program
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
        let mut kept: HashMap<ValueId, Array> = HashMap::new();
        let mut values: HashMap<ValueId, Array> = HashMap::from([(self.program.input, input)]);
        let missing = |id: ValueId| Error::Internal(format!("value {} is not there", id.0));
        for (i, step) in self.program.steps.iter().enumerate() {
            let mut operands = Vec::with_capacity(step.inputs.len());
            for input in &step.inputs {
                operands.push(match *input {
                    Operand::Value(id) => values.get(&id).cloned().ok_or_else(|| missing(id))?,
                    Operand::Param(id) => match params {
                        Some(params) => params[id.0].clone(),
                        None => self.program.params[id.0].value.clone(),
                    },
                });
            }
            for id in &self.dead_after[i] {
                if let Some(value) = values.remove(id)
                    && wanted.contains(id)
                {
                    kept.insert(*id, value);
                }
            }
            let made = match &self.kernels[i] {
                Some(kernel) => kernel.run(step, operands)?,
                None => evaluate(&step.primitive, operands, &step.shape)?,
            };
            if wanted.contains(&step.output) {
                kept.insert(step.output, made.clone());
            }
            if !self.dead_after[i].contains(&step.output) {
                values.insert(step.output, made);
            }
        }
        let result = |id: &ValueId| {
            kept.get(id)
                .or_else(|| values.get(id))
                .cloned()
                .ok_or_else(|| missing(*id))
        };
        wanted.iter().map(result).collect()
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

/// The convolution of a step, packed once for all programs of a network.
fn frozen_conv(program: &Program, step: &Step, store: &mut KernelStore) -> Option<Arc<FrozenConv>> {
    let Primitive::Conv { window, groups } = &step.primitive else {
        return None;
    };
    let param = |i: usize| match step.inputs.get(i) {
        Some(Operand::Param(id)) => Some(&program.params[id.0]),
        _ => None,
    };
    let weight = param(1)?;
    let shape = <[usize; 4]>::try_from(weight.value.shape()).ok()?;
    let bias = match step.inputs.len() {
        2 => None,
        _ => Some(param(2)?),
    };
    if !FrozenConv::supports(shape, window, *groups) {
        return None;
    }
    let bias_name = bias.map(|bias| &bias.name);
    let weights = weight.value.clone().into_vec();
    let bias = bias.map(|bias| bias.value.clone().into_vec());
    // Names alone do not do: all that is folded from one node has its name, and what is
    // folded may depend on the batch size.
    let name = format!(
        "{}+{bias_name:?}{:?}{shape:?}{:x}",
        weight.name,
        window.pads,
        digest(&weights, bias.as_deref())
    );
    if let Some(kernel) = store.get(&name) {
        return Some(kernel.clone());
    }
    let kernel = Arc::new(FrozenConv::new(
        &weights,
        shape,
        bias.as_deref(),
        window.pads,
    ));
    store.insert(name, kernel.clone());
    Some(kernel)
}

fn digest(weights: &[f32], bias: Option<&[f32]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let values = weights.iter().chain(bias.unwrap_or_default());
    values.for_each(|value| value.to_bits().hash(&mut hasher));
    hasher.finish()
}
