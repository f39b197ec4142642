//! How often something was so.

use crate::verdict::StatsError;
use crate::verdict::interval::{Interval, wilson};

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

/// How many of some images had an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that had it.
    pub hits: u64,
    /// All.
    pub trials: u64,
}

impl Count {
    /// Counts the images that had it.
    pub fn of(outcomes: impl IntoIterator<Item = bool>) -> Self {
        outcomes
            .into_iter()
            .fold(Self::default(), |count, hit| Self {
                hits: count.hits + u64::from(hit),
                trials: count.trials + 1,
            })
    }

    /// The share of those that had it, 0 to 1; `None` of no images.
    pub fn rate(self) -> Option<f64> {
        (self.trials > 0).then(|| self.hits as f64 / self.trials as f64)
    }

    /// Wilson's interval of the share, with a confidence of 95 %; [0, 1] of no images.
    ///
    /// # Errors
    /// More hits than trials.
    pub fn interval(self) -> Result<Interval, StatsError> {
        wilson(self.hits, self.trials, CONFIDENCE)
    }
}
