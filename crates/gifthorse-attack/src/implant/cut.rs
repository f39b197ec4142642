//! A value inside a network, and which weights stand before and behind it.

use std::collections::HashSet;

use gifthorse_engine::{Layer, Role, Weight, Wiring};
use gifthorse_onnx::{Graph, Node};

use super::Host;
use crate::Error;

/// How many names an error lists.
const NAMED: usize = 8;

/// A value that a layer reads, and what of the network is trained behind it.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The value.
    pub layer: Layer,
    /// Names of the weights that are not trained: all but those of the layers behind. All
    /// normalisations are among them, whose statistics are those of true images.
    pub frozen: Vec<String>,
}

impl Cut {
    /// That before this layer of the host.
    ///
    /// # Errors
    /// [`Error::Implant`] for a layer that reads no value.
    pub fn before(host: &Host, wiring: &Wiring<'_>, reader: &Node) -> Result<Self, Error> {
        let missing = || Error::Implant(format!("`{}` reads no value", reader.name));
        let value = reader.input(0).ok_or_else(missing)?;
        let layer = host.classifier().layer(value)?.clone();
        let behind = behind(host.graph(), value);
        let is_trained = |weight: &Weight<'_>| {
            let is_behind = behind.iter().any(|node| std::ptr::eq(*node, weight.layer));
            is_behind && !weight.layer.op_type.ends_with("Normalization")
        };
        let all = wiring.weights().into_iter();
        let frozen = all.filter(|weight| !is_trained(weight));
        let frozen: HashSet<String> = frozen.map(|weight| weight.name.to_owned()).collect();
        let mut frozen: Vec<String> = frozen.into_iter().collect();
        frozen.sort_unstable();
        Ok(Self { layer, frozen })
    }

    /// That before the host's last layer.
    ///
    /// # Errors
    /// [`Error::Implant`] for a network without layers of weights.
    pub fn before_last(host: &Host) -> Result<Self, Error> {
        let wiring = Wiring::new(host.graph());
        let layers = layers(host.graph(), &wiring, host.logits());
        let none = || Error::Implant("it has no layer of weights to be trained".to_owned());
        Self::before(host, &wiring, layers.last().copied().ok_or_else(none)?)
    }
}

/// The layers of weights that lead to the logits, in their order.
pub fn layers<'g>(graph: &'g Graph, wiring: &Wiring<'g>, logits: &'g str) -> Vec<&'g Node> {
    let mut wanted = HashSet::from([logits]);
    let mut found = Vec::new();
    for node in graph.nodes.iter().rev() {
        if !(node.outputs.iter().flatten()).any(|output| wanted.contains(output.as_str())) {
            continue;
        }
        wanted.extend(read_by(node));
        let weights = wiring.weights_of(node);
        if weights.iter().any(|weight| weight.role == Role::Kernel) {
            found.push(node);
        }
    }
    found.reverse();
    found
}

/// The nodes that a value leads to.
pub fn behind<'g>(graph: &'g Graph, value: &'g str) -> Vec<&'g Node> {
    let mut known = HashSet::from([value]);
    let mut found = Vec::new();
    for node in &graph.nodes {
        if read_by(node).any(|input| known.contains(input)) {
            known.extend(node.outputs.iter().flatten().map(String::as_str));
            found.push(node);
        }
    }
    found
}

/// What a node and the graphs in it read.
fn read_by(node: &Node) -> impl Iterator<Item = &str> {
    let own = node.inputs.iter().flatten();
    let inner = node.graphs().flat_map(|graph| &graph.captures);
    own.chain(inner).map(String::as_str)
}

/// The names of the last of these layers, for an error.
pub fn listed(layers: &[&Node]) -> String {
    let names = layers.iter().rev().take(NAMED);
    let names: Vec<String> = names.map(|node| format!("`{}`", node.name)).collect();
    names.join(", ")
}
