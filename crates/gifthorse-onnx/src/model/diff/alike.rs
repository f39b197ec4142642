//! Whether attributes hold the same.

use super::constants::is_same;
use crate::{Attribute, Error, Graph, Node};

/// Whether two attributes hold the same, to the bit and with all that is inside.
pub(super) fn is_alike(one: &Attribute, other: &Attribute) -> Result<bool, Error> {
    let bits = |values: &[f32]| -> Vec<u32> { values.iter().map(|v| v.to_bits()).collect() };
    Ok(match (one, other) {
        (Attribute::Float(a), Attribute::Float(b)) => a.to_bits() == b.to_bits(),
        (Attribute::Floats(a), Attribute::Floats(b)) => bits(a) == bits(b),
        (Attribute::Tensor(a), Attribute::Tensor(b)) => is_same(a, b)?,
        (Attribute::Graph(a), Attribute::Graph(b)) => is_alike_graph(a, b)?,
        _ => one == other,
    })
}

fn is_alike_graph(one: &Graph, other: &Graph) -> Result<bool, Error> {
    let alike = (&one.inputs, &one.outputs) == (&other.inputs, &other.outputs);
    let sizes = |graph: &Graph| (graph.nodes.len(), graph.initializers.len());
    if !alike || sizes(one) != sizes(other) {
        return Ok(false);
    }
    for (name, tensor) in &one.initializers {
        match other.initializers.get(name) {
            Some(other) if is_same(tensor, other)? => {}
            _ => return Ok(false),
        }
    }
    for (one, other) in one.nodes.iter().zip(&other.nodes) {
        let ends = |node: &Node| (node.inputs.clone(), node.outputs.clone());
        let kind = |node: &Node| (node.op_type.clone(), node.domain.clone(), node.opset);
        let attributes = one.attributes.len() == other.attributes.len();
        if !attributes || ends(one) != ends(other) || kind(one) != kind(other) {
            return Ok(false);
        }
        for (name, value) in &one.attributes {
            match other.attributes.get(name) {
                Some(other) if is_alike(value, other)? => {}
                _ => return Ok(false),
            }
        }
    }
    Ok(true)
}
