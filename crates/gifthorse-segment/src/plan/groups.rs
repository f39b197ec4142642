//! How many samples go through a plan together.

use crate::alone::threads;
use crate::plan::compiled::Plan;

/// Most samples of a group. More would read the weights less often, but they need more memory.
const MOST_SAMPLES: usize = 32;

/// How many groups a batch that fits into them becomes where gradients to parameters are wanted, or
/// statistics of the batch. They are sums over samples, so how these are grouped may not depend on
/// the number of threads.
pub(crate) const TRAINED_GROUPS: usize = 4;

impl Plan {
    /// How many samples go through together.
    pub(crate) fn group_size(&self, samples: usize) -> usize {
        let sums = !self.backward.weights.is_empty() || self.looks_at_batches();
        let groups = if sums { TRAINED_GROUPS } else { threads() };
        group_size(samples, groups)
    }
}

/// Samples in a group: `samples` shared out among `threads`, and at most [`MOST_SAMPLES`].
pub(crate) fn group_size(samples: usize, threads: usize) -> usize {
    samples.div_ceil(threads).clamp(1, MOST_SAMPLES)
}
