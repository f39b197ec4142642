//! With many classes: a few steps of a few starts tell which classes are worth a full search.

use super::config::{Config, Stop};
use super::detector::MmBd;
use crate::detect::{Detector, Effort};
use crate::finding::Unit;
use crate::search::{Early, Next};

/// With more classes than this, [`Effort::Auto`] eliminates.
const FEW_CLASSES: usize = 100;
/// Classes that go on to a full search because they are ahead.
const FINALISTS: usize = 24;
/// Classes that are drawn from the others.
const SAMPLE: usize = 40;
/// Starts of a short search. With 4 starts and 12 steps the target of a face net is the first of
/// 1,283 classes.
const STARTS: usize = 4;
/// Steps of a short search.
const STEPS: usize = 12;

/// The early phase of a scan of many classes.
pub struct Elimination {
    short: MmBd,
}

impl Elimination {
    /// The early phase for so many classes; `None` if all are searched to the end, as they are
    /// where there are no more than would be. What Neural Cleanse does for many labels has no
    /// counterpart here: it counts as an elimination.
    pub fn of(config: &Config, classes: usize) -> Option<Self> {
        let wanted = match config.effort {
            Effort::Full => false,
            Effort::Auto => classes > FEW_CLASSES,
            Effort::Eliminate | Effort::LowCost => true,
        };
        (wanted && classes > FINALISTS + SAMPLE).then(|| Self {
            short: MmBd::new(Config {
                starts: STARTS.min(config.starts),
                steps: STEPS.min(config.steps),
                stop: Stop::Never,
                ..config.clone()
            }),
        })
    }

    /// The most updates of a scan of so many classes, in passes of a full search.
    pub fn most_updates(config: &Config, classes: usize) -> usize {
        let short = (classes * STEPS * STARTS).div_ceil(config.starts.max(1));
        (FINALISTS + SAMPLE) * config.steps + short
    }
}

impl Early for Elimination {
    fn detector(&self) -> &dyn Detector {
        &self.short
    }

    fn next(&self, units: usize, tops: &[Vec<Unit>]) -> Next {
        if tops.is_empty() {
            Next::Go {
                units,
                steps: STEPS,
            }
        } else {
            Next::Done
        }
    }

    fn finalists(&self) -> usize {
        FINALISTS
    }

    fn sample(&self) -> usize {
        SAMPLE
    }
}
