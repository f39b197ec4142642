//! `Constant` nodes as initialisers.

use std::collections::HashSet;

use super::Graph;
use crate::{Attribute, Error, Node, Tensor};

impl Graph {
    /// Makes initialisers, at the end of the list, of what the `Constant` nodes give that produce
    /// these values. Integers and strings that are given without a tensor stay nodes.
    pub(crate) fn lift(&mut self, names: &HashSet<&str>) -> Result<(), Error> {
        let mut kept = Vec::with_capacity(self.nodes.len());
        for node in std::mem::take(&mut self.nodes) {
            let output = node.output(0).filter(|name| names.contains(name));
            let given = output.map(|name| value_of(&node, name)).transpose()?;
            match given.flatten() {
                Some(tensor) => {
                    self.initializers.insert(tensor.name().to_owned(), tensor);
                }
                None => kept.push(node),
            }
        }
        self.nodes = kept;
        Ok(())
    }
}

/// What a `Constant` node gives, under the name of the value.
fn value_of(node: &Node, name: &str) -> Result<Option<Tensor>, Error> {
    if node.op_type != "Constant" || !node.domain.is_empty() {
        return Ok(None);
    }
    let mut attributes = node.attributes.iter();
    let found = attributes.find_map(|(key, value)| match (key.as_str(), value) {
        ("value", Attribute::Tensor(tensor)) => Some(Ok(tensor.clone().named(name))),
        ("value_floats", Attribute::Floats(values)) => {
            Some(Tensor::from_f32(name, &[values.len()], values))
        }
        ("value_float", Attribute::Float(value)) => Some(Tensor::from_f32(name, &[], &[*value])),
        _ => None,
    });
    found.transpose()
}
