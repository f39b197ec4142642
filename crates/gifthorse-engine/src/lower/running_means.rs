//! The statistics that batch norms keep.

use gifthorse_onnx::Graph;

/// The names of the running means of all batch norms of a graph, in the order in which they run:
/// what [`Mode::Training`](crate::Mode::Training) takes to train all of them.
pub fn running_means(graph: &Graph) -> Vec<String> {
    let norms = graph
        .nodes
        .iter()
        .filter(|node| node.domain.is_empty() && node.op_type == "BatchNormalization");
    norms
        .filter_map(|node| node.inputs.get(3)?.clone())
        .filter(|name| graph.initializers.contains_key(name))
        .collect()
}
