//! What a network computes, as a list that two networks can be compared by.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::program::{Operand, Program, ValueId};

/// One operation of a graph in which parents come first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What it is, with all that settles it but its parents: `Relu`, `weight conv1.weight`.
    pub operation: String,
    /// The shape of its result.
    pub shape: Vec<usize>,
    /// Places of what it reads in the list, in the order in which it reads them.
    pub parents: Vec<usize>,
}

impl Operation {
    /// An operation of these parents.
    #[must_use]
    pub fn new(operation: impl Into<String>, shape: &[usize], parents: &[usize]) -> Self {
        Self {
            operation: operation.into(),
            shape: shape.to_vec(),
            parents: parents.to_vec(),
        }
    }

    /// The last operation and all that it goes back to, in the same order; what else was computed
    /// is left out.
    #[must_use]
    pub fn ancestors(operations: &[Self]) -> Vec<Self> {
        let mut kept = BTreeSet::new();
        let mut open: Vec<usize> = operations.len().checked_sub(1).into_iter().collect();
        while let Some(place) = open.pop() {
            if kept.insert(place) {
                open.extend(&operations[place].parents);
            }
        }
        let places: HashMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        let moved = |place: &usize| Self {
            parents: operations[*place]
                .parents
                .iter()
                .map(|parent| places[parent])
                .collect(),
            ..operations[*place].clone()
        };
        kept.iter().map(moved).collect()
    }
}

/// The operations of a program from the image to the logits, which come last. Weights that are
/// trained are told from what is frozen; what their numbers are is not said.
pub(super) fn of(program: &Program) -> Vec<Operation> {
    let mut operations = vec![Operation::new("image", &program.input_shape, &[])];
    let mut values: HashMap<ValueId, usize> = HashMap::from([(program.input, 0)]);
    let mut params = HashMap::new();
    let mut last = 0;
    for step in &program.steps {
        let mut parents = Vec::new();
        for operand in &step.inputs {
            let place = match operand {
                Operand::Value(value) => values.get(value).copied(),
                Operand::Param(id) => Some(*params.entry(*id).or_insert_with(|| {
                    let param = &program.params[id.0];
                    let kind = if param.trained { "weight" } else { "frozen" };
                    let name = format!("{kind} {}", param.name);
                    operations.push(Operation::new(name, param.value.shape(), &[]));
                    operations.len() - 1
                })),
            };
            parents.extend(place);
        }
        let name = format!("{:?}", step.primitive);
        operations.push(Operation::new(name, &step.shape, &parents));
        values.insert(step.output, operations.len() - 1);
        if step.output == program.output {
            last = operations.len() - 1;
        }
    }
    Operation::ancestors(&operations[..=last])
}
