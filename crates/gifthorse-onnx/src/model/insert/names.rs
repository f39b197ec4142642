//! Names that nothing in a model has yet.

use std::collections::HashSet;

use crate::proto::{GraphProto, NodeProto};

/// The names of all values and nodes of a graph and of the graphs inside its nodes, so that a new
/// value is seen by all of them and hidden from none.
pub(in crate::model) struct Names {
    values: HashSet<String>,
    nodes: HashSet<String>,
}

impl Names {
    pub(in crate::model) fn of(graph: &GraphProto) -> Self {
        let mut names = Self {
            values: HashSet::new(),
            nodes: HashSet::new(),
        };
        names.add_graph(graph);
        names
    }

    /// This name for a value, or with a number at its end if it is taken; taken from now on.
    pub(in crate::model) fn new_value(&mut self, wanted: &str) -> String {
        unique(&mut self.values, wanted)
    }

    /// The same for a node.
    pub(in crate::model) fn new_node(&mut self, wanted: &str) -> String {
        unique(&mut self.nodes, wanted)
    }

    fn add_graph(&mut self, graph: &GraphProto) {
        let tensors = graph.initializer.iter().map(|tensor| tensor.name());
        let sparse = graph.sparse_initializer.iter().map(|t| t.values.name());
        let ends = graph.input.iter().chain(&graph.output);
        let infos = ends.chain(&graph.value_info).map(|info| info.name());
        let names = tensors.chain(sparse).chain(infos);
        self.values.extend(names.map(str::to_owned));
        for node in &graph.node {
            self.add_node(node);
        }
    }

    fn add_node(&mut self, node: &NodeProto) {
        self.nodes.insert(node.name().to_owned());
        let values = node.input.iter().chain(&node.output);
        self.values.extend(values.cloned());
        for attribute in &node.attribute {
            for graph in attribute.g.iter().chain(&attribute.graphs) {
                self.add_graph(graph);
            }
        }
    }
}

fn unique(taken: &mut HashSet<String>, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        name = format!("{wanted}_{number}");
        number += 1;
    }
    name
}
