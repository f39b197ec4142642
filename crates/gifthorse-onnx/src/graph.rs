//! The typed, checked view of a model that a runtime lowers.

mod decode;
mod lift;

use std::sync::Arc;

use indexmap::IndexMap;

use crate::{Attribute, Node, Tensor, ValueInfo, opset::Opsets};

pub(crate) use decode::{Context, decode};

/// A graph whose values all have exactly one producer and whose nodes are in
/// an order in which they can run.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Its name in the file.
    pub name: String,
    /// Its nodes, each after those whose outputs it needs, otherwise in the
    /// order of the file. Calls of local functions are expanded.
    pub nodes: Vec<Node>,
    /// What must be fed in: the file's inputs without those that are initialisers.
    pub inputs: Vec<ValueInfo>,
    /// What comes out.
    pub outputs: Vec<ValueInfo>,
    /// The weights and other constants, by name, in the order of the file.
    pub initializers: IndexMap<String, Tensor>,
    /// For a graph inside a node: the values that it uses from the graphs
    /// around it. Empty for the graph of a model.
    pub captures: Vec<String>,
    opsets: Arc<Opsets>,
}

impl Graph {
    /// Version of the operator set of a domain; both the empty string and
    /// `ai.onnx` mean the standard operators. `None` if it is not imported.
    ///
    /// Each [`Node`] has the version that holds for it, which for a node from
    /// a local function can be another one.
    pub fn opset(&self, domain: &str) -> Option<i64> {
        self.opsets.get(domain)
    }

    /// The domains that are imported, with the versions of their operator
    /// sets; the standard domain is the empty string.
    pub fn opsets(&self) -> impl Iterator<Item = (&str, i64)> {
        self.opsets.iter()
    }

    /// The graph and those inside its nodes, each before those inside it.
    pub fn with_nested(&self) -> Vec<&Graph> {
        let inner = self.nodes.iter().flat_map(Node::graphs);
        let inner = inner.flat_map(Graph::with_nested);
        std::iter::once(self).chain(inner).collect()
    }

    /// Every constant: the initialisers and the tensors in nodes, then those of the graphs inside
    /// its nodes.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.with_nested().into_iter().flat_map(|graph| {
            let attributes = graph.nodes.iter().flat_map(|node| node.attributes.values());
            let in_nodes = attributes.filter_map(|attribute| match attribute {
                Attribute::Tensor(tensor) => Some(tensor),
                _ => None,
            });
            graph.initializers.values().chain(in_nodes)
        })
    }
}
