//! The confirmation gate: a trigger counts only if it flips images that the search never saw.
//!
//! Passing it is no evidence of a backdoor, since clean models have patches that generalise too;
//! failing it says that what was found is no working trigger.

use serde::{Deserialize, Serialize};

use super::error::StatsError;
use super::interval::{Interval, clopper_pearson};

/// The success rate that a trigger must have on held-out images of all other classes, with a
/// confidence of 95 %.
pub const REQUIRED_RATE: f64 = 0.9;
/// Confidence of the two-sided interval whose lower bound is asked for.
const CONFIDENCE: f64 = 0.95;

/// The trigger of one class, stored with 8 bits, stamped on held-out images of the other classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Images that the model then took for the target class.
    pub successes: u64,
    /// Images tried.
    pub trials: u64,
    /// The source class on which it worked worst, if labels are known.
    pub worst_source: Option<SourceRate>,
}

/// How a trigger did on the held-out images of one source class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRate {
    /// Source class index.
    pub source: usize,
    /// Images of it that the model took for the target class.
    pub successes: u64,
    /// Images of it tried.
    pub trials: u64,
}

/// What came of the gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gate {
    /// The lower bound of the success rate is at least what is asked for.
    Passed {
        /// Lower bound (two-sided 95 %, Clopper and Pearson).
        lower: f64,
    },
    /// The lower bound is below that.
    Failed {
        /// Lower bound (two-sided 95 %, Clopper and Pearson).
        lower: f64,
    },
    /// So few held-out images that not even all of them flipped could have passed, and not so few
    /// of them flipped that more could not have helped.
    TooFew {
        /// Images tried.
        trials: u64,
    },
    /// The trigger was not tried on held-out images.
    NotTried,
}

impl Confirmation {
    /// Share of the images tried that the model took for the target class; 0 if there were none.
    #[must_use]
    pub fn success_rate(&self) -> f64 {
        self.successes as f64 / self.trials.max(1) as f64
    }

    /// Puts the trigger to the gate that asks for a success `rate`.
    ///
    /// The images of all sources are counted together. That the worst source is bad is said in the
    /// reasons of the decision but does not close the gate: a backdoor that spares a few classes is
    /// still one, and single sources have few images.
    ///
    /// # Errors
    /// More successes than trials.
    pub fn gate(&self, rate: f64) -> Result<Gate, StatsError> {
        if let Some(worst) = self.worst_source {
            clopper_pearson(worst.successes, worst.trials, CONFIDENCE)?;
        }
        let Interval { lower, upper } = clopper_pearson(self.successes, self.trials, CONFIDENCE)?;
        Ok(if lower >= rate {
            Gate::Passed { lower }
        } else if self.trials < trials_needed(rate) && upper >= rate {
            Gate::TooFew {
                trials: self.trials,
            }
        } else {
            Gate::Failed { lower }
        })
    }

    /// The worst source, if even the upper bound of its success rate is below what is asked of all
    /// images together.
    pub(super) fn spared_source(&self) -> Option<SourceRate> {
        self.worst_source.filter(|worst| {
            worst.trials > 0
                && clopper_pearson(worst.successes, worst.trials, CONFIDENCE)
                    .is_ok_and(|interval| interval.upper < REQUIRED_RATE)
        })
    }
}

/// The smallest number of held-out images with which a trigger can pass the gate that asks for a
/// success `rate`: all of them flipped.
#[must_use]
pub fn trials_needed(rate: f64) -> u64 {
    // All of n flipped have the lower bound (alpha / 2)^(1 / n).
    let tail: f64 = (1.0 - CONFIDENCE) / 2.0;
    (tail.ln() / rate.ln()).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(successes: u64, trials: u64) -> Gate {
        Confirmation {
            successes,
            trials,
            worst_source: None,
        }
        .gate(REQUIRED_RATE)
        .unwrap()
    }

    #[test]
    fn thirty_six_images_are_the_fewest() {
        assert_eq!(trials_needed(REQUIRED_RATE), 36);
        assert!(matches!(gate(36, 36), Gate::Passed { lower } if (0.9..0.905).contains(&lower)));
        assert_eq!(gate(35, 35), Gate::TooFew { trials: 35 });
        assert_eq!(gate(0, 0), Gate::TooFew { trials: 0 });
        // More images would not help a trigger that fails on most of these.
        assert!(matches!(gate(3, 30), Gate::Failed { .. }));
        assert!(matches!(gate(35, 36), Gate::Failed { .. }));
    }

    #[test]
    fn the_bound_counts_and_not_the_rate() {
        assert!(matches!(gate(95, 100), Gate::Failed { lower } if lower < 0.9));
        assert!(matches!(gate(950, 1000), Gate::Passed { .. }));
        assert!(matches!(gate(890, 1000), Gate::Failed { .. }));
    }

    #[test]
    fn a_spared_source_is_named_only_when_sure() {
        let with = |successes, trials| Confirmation {
            successes: 100,
            trials: 110,
            worst_source: Some(SourceRate {
                source: 4,
                successes,
                trials,
            }),
        };
        assert!(with(1, 10).spared_source().is_some());
        assert!(with(8, 10).spared_source().is_none());
        assert!(with(0, 0).spared_source().is_none());
        assert!(with(3, 2).gate(REQUIRED_RATE).is_err());
        assert!(
            Confirmation {
                successes: 2,
                trials: 1,
                worst_source: None
            }
            .gate(REQUIRED_RATE)
            .is_err()
        );
    }
}
