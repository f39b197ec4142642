//! A stretch of a model between two of its values, and where it can be looked into.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::error::Error;
use crate::program::{Operand, Program, Step, ValueId};

/// What of a model is compiled together. Layers are named as the file names their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Section {
    /// The layer that is its input; `None` for the model's.
    pub from: Option<String>,
    /// The layer that is its output; `None` for the logits.
    pub to: Option<String>,
    /// Layers whose values are given besides.
    pub taps: BTreeSet<String>,
    /// Layers whose values can be changed while it runs: all that reads them runs in a later part.
    pub cuts: BTreeSet<String>,
}

impl Section {
    /// All of a model, with nothing but its logits.
    pub fn whole() -> Self {
        Self::default()
    }

    /// The part of a model's program that is between the ends.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that the program does not have, [`Error::NoCut`] where values
    /// pass by the layer that the section begins at.
    pub fn of(&self, program: Program) -> Result<Program, Error> {
        if self.from.is_none() && self.to.is_none() {
            return Ok(program);
        }
        let end = |name: &Option<String>| name.as_deref().map(|name| value_named(&program, name));
        let (from, to) = (end(&self.from).transpose()?, end(&self.to).transpose()?);
        let (from, to) = (from.unwrap_or(program.input), to.unwrap_or(program.output));
        let crossing = crossing(&program, from, to);
        if !crossing.is_empty() {
            return Err(Error::NoCut {
                layer: self.from.clone().unwrap_or_default(),
                crossing: crossing.iter().map(|id| name_of(&program, *id)).collect(),
            });
        }
        Ok(between(program, from, to))
    }
}

/// The value that an ONNX name stands for.
///
/// # Errors
/// [`Error::Input`] if the program has no such value.
pub fn value_named(program: &Program, name: &str) -> Result<ValueId, Error> {
    program.names.get(name).copied().ok_or_else(|| {
        let reason = format!("the model has no value `{name}` that depends on the image");
        Error::Input(reason)
    })
}

/// The steps that the value `to` is computed by when `from` is known, in order.
fn needed(program: &Program, from: ValueId, to: ValueId) -> Vec<&Step> {
    let mut wanted = HashSet::from([to]);
    let mut steps: Vec<&Step> = Vec::new();
    for step in program.steps.iter().rev() {
        if step.output != from && wanted.contains(&step.output) {
            wanted.extend(step.inputs.iter().filter_map(Operand::value));
            steps.push(step);
        }
    }
    steps.reverse();
    steps
}

/// Values that depend on the program's input, but not by way of `from`, and that `to` is computed
/// from all the same: in the order of the program.
fn crossing(program: &Program, from: ValueId, to: ValueId) -> Vec<ValueId> {
    let independent = program.independent();
    let mut behind = HashSet::from([from]);
    for step in &program.steps {
        let mut read = step.inputs.iter().filter_map(Operand::value);
        if read.any(|id| behind.contains(&id)) {
            behind.insert(step.output);
        }
    }
    let passes_by = |id: &ValueId| !behind.contains(id) && !independent.contains(id);
    let steps = needed(program, from, to).into_iter();
    let read = steps
        .filter(|step| behind.contains(&step.output))
        .flat_map(|step| step.inputs.iter().filter_map(Operand::value));
    let mut found: Vec<ValueId> = read.chain([to]).filter(passes_by).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The steps from one value to another as a program. Nothing may pass by `from`.
fn between(mut program: Program, from: ValueId, to: ValueId) -> Program {
    let independent = program.independent();
    let mut shapes = HashMap::from([(program.input, program.input_shape.clone())]);
    let mut jumps = program.jumps_outside;
    for step in &program.steps {
        shapes.insert(step.output, step.shape.clone());
        jumps |= step.primitive.jumps() && !independent.contains(&step.output);
    }
    let [input_shape, output_shape] =
        [from, to].map(|end| shapes.get(&end).cloned().unwrap_or_default());
    let steps: Vec<Step> = needed(&program, from, to).into_iter().cloned().collect();
    let mut inside: HashSet<ValueId> = steps.iter().map(|step| step.output).collect();
    inside.insert(from);
    program.choices.retain(|c| inside.contains(&c.condition));
    program.names.retain(|_, id| inside.contains(id));
    Program {
        input: from,
        input_shape,
        output_shape,
        output: to,
        steps,
        jumps_outside: jumps,
        ..program
    }
}

/// The shortest name that the file has for a value, or the node that it is made in.
fn name_of(program: &Program, value: ValueId) -> String {
    let names = program.names.iter().filter(|(_, id)| **id == value);
    let shortest = names.map(|(name, _)| name).min_by_key(|n| (n.len(), *n));
    let made = || program.steps.iter().find(|step| step.output == value);
    match (shortest, made()) {
        (Some(name), _) => name.clone(),
        (None, Some(step)) => format!("a value within node {}", step.node),
        (None, None) => "the image".to_owned(),
    }
}
