//! Nodes read another value.

use super::Readers;
use crate::{
    InsertProblem,
    proto::{GraphProto, NodeProto},
};

/// Makes readers of `from` in a graph read `to`.
pub(super) fn redirect(
    graph: &mut GraphProto,
    from: &str,
    to: &str,
    readers: Readers<'_>,
) -> Result<(), InsertProblem> {
    match readers {
        Readers::All => {
            if redirect_nodes(&mut graph.node, from, to) == 0 {
                return Err(InsertProblem::NoReader);
            }
        }
        Readers::Nodes([]) => return Err(InsertProblem::NoReader),
        Readers::Nodes(names) => {
            for &name in names {
                let nodes = graph.node.iter_mut().filter(|node| node.name() == name);
                let found = nodes.filter_map(|node| (in_node(node, from, to) > 0).then_some(()));
                match found.count() {
                    0 => return Err(InsertProblem::NotAReader(name.to_owned())),
                    1 => {}
                    _ => return Err(InsertProblem::AmbiguousReader(name.to_owned())),
                }
            }
        }
    }
    Ok(())
}

/// Makes all of these nodes read `to`, with the graphs inside them, and gives how many times `from`
/// was read.
pub(in crate::model) fn redirect_nodes(nodes: &mut [NodeProto], from: &str, to: &str) -> usize {
    nodes.iter_mut().map(|node| in_node(node, from, to)).sum()
}

/// Gives how many times the value was read.
fn in_node(node: &mut NodeProto, from: &str, to: &str) -> usize {
    let mut count = in_names(&mut node.input, from, to);
    for attribute in &mut node.attribute {
        for graph in attribute
            .g
            .as_mut()
            .into_iter()
            .chain(&mut attribute.graphs)
        {
            count += in_inner(graph, from, to);
        }
    }
    count
}

/// A graph inside a node sees the value, unless it has one of its own of this name.
fn in_inner(graph: &mut GraphProto, from: &str, to: &str) -> usize {
    let own_tensor = graph.initializer.iter().any(|t| t.name() == from);
    let own_input = graph.input.iter().any(|input| input.name() == from);
    let made = |node: &NodeProto| node.output.iter().any(|output| output == from);
    if own_tensor || own_input || graph.node.iter().any(made) {
        return 0;
    }
    let mut count = 0;
    for node in &mut graph.node {
        count += in_node(node, from, to);
    }
    for output in &mut graph.output {
        if output.name() == from {
            output.set_name(to.to_owned());
            count += 1;
        }
    }
    count
}

fn in_names(names: &mut [String], from: &str, to: &str) -> usize {
    let read = names.iter_mut().filter(|name| *name == from);
    read.map(|name| to.clone_into(name)).count()
}
