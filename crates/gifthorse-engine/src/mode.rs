//! What batch norms and dropouts do while a network runs.

use std::collections::HashSet;

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
        /// Names of initialisers that hold running means; see
        /// [`running_means`](crate::running_means). Names of anything else mean nothing.
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
