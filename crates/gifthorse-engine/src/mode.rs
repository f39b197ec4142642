//! What batch norms and dropouts do while a network runs.

use std::collections::HashSet;

use gifthorse_onnx::Graph;

/// Whether a network runs as it does in use, or as it does while it is trained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Batch norms use their running statistics, dropouts do nothing.
    #[default]
    Inference,
    /// Dropouts drop. A batch norm whose running mean is one of these initialisers normalises with
    /// the mean and (biased) variance of the batch that it is given; the others stay as in
    /// inference.
    Training {
        /// Names of initialisers that hold running means; see [`running_means`]. Names of anything
        /// else mean nothing.
        statistics: HashSet<String>,
    },
}

impl Mode {
    /// Whether a batch norm with this running mean normalises with the batch's statistics.
    pub(crate) fn trains_statistics(&self, mean: &str) -> bool {
        match self {
            Self::Inference => false,
            Self::Training { statistics } => statistics.contains(mean),
        }
    }
}

/// The names of the running means of all batch norms of a graph, in the order in which they run:
/// what [`Mode::Training`] takes to train all of them.
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
