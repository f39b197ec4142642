//! Other starts for a class whose search may have missed its small trigger.
//!
//! A search begins at random, and where no image reacts to the start as it would to the trigger, no
//! gradient leads there: the search then ends in a large trigger, as for any clean class. A second
//! full search would double a scan. Instead a few short searches ([`short`]) are made from other
//! starts, on a part of the batch, and one that already has a far smaller trigger in sight is
//! followed to its end.
//!
//! The statistic stays what the library of clean models knows, one start for each class: a second
//! search counts only where it found another trigger altogether, of at most [`OTHER`] times the
//! norm, or any where the first found none. The scatter of a clean class from start to start is far
//! less than that.

use serde::{Deserialize, Serialize};

use super::aim::Aim;
use super::batches::Draws;
use super::class_search::{ClassSearch, Task};
use super::finding::StepOutcome;
use super::short;
use crate::error::Error;
use crate::search::Search;
use crate::trigger::Patch;

/// A trigger is another one altogether when its norm is at most this share of the former's.
const OTHER: f64 = 0.5;
/// Updates of a short search.
const UPDATES: usize = 12;
/// The part of a batch that a short search takes.
const PART: usize = 4;

/// What a search from one start came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The smallest trigger that succeeded or, if none did, the last one tried.
    pub trigger: Patch,
    /// Whether it succeeded.
    pub reached: bool,
    /// The course of the search, step by step.
    pub trace: Vec<StepOutcome>,
}

/// Where a search stands with starts other than its first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Restart {
    /// None was tried, and some will be once the search from the first has ended.
    Due,
    /// None was promising, or none is to be tried.
    Done,
    /// One was promising: the search goes on, or went on, from there.
    Begun {
        /// The start, counted from 1.
        start: usize,
        /// What the first gave.
        first: Attempt,
    },
}

/// The start, of those not tried yet, that promises another trigger altogether than the first gave.
///
/// # Errors
/// As the search.
pub fn promising(task: &Task<'_>, aim: Aim, first: &Attempt) -> Result<Option<usize>, Error> {
    let [_, height, width] = task.classifier.shape();
    let mut settings = short::settings(task.config, height * width, UPDATES);
    settings.batch = task.config.batch.div_ceil(PART);
    let reference = match first.trace.last() {
        _ if first.reached => f64::from(settings.initial_cost) * first.trigger.norm(),
        Some(last) => short::objective(&settings, last),
        None => return Ok(None),
    };
    let trial = Task {
        config: &settings,
        ..*task
    };
    let mut best = None;
    let mut bar = OTHER * reference;
    for start in 1..=task.config.restarts {
        let mut search = ClassSearch::begin(trial, aim, Draws::Start(start))?;
        search.advance(UPDATES)?;
        let standing = short::standing(&settings, search.trace());
        if standing < bar {
            (best, bar) = (Some(start), standing);
        }
    }
    Ok(best)
}

/// Whether a second search found another trigger altogether than the first.
pub fn is_another(second: &Attempt, first: &Attempt) -> bool {
    let far_smaller = || second.trigger.norm() <= OTHER * first.trigger.norm();
    second.reached && (!first.reached || far_smaller())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(norm: usize, reached: bool) -> Attempt {
        Attempt {
            trigger: Patch {
                mask: vec![1.0; norm],
                pattern: Vec::new(),
            },
            reached,
            trace: Vec::new(),
        }
    }

    #[test]
    fn only_another_trigger_altogether_counts() {
        let first = attempt(10, true);
        assert!(is_another(&attempt(5, true), &first));
        assert!(!is_another(&attempt(6, true), &first));
        assert!(!is_another(&attempt(1, false), &first));
        let nothing = attempt(10, false);
        assert!(is_another(&attempt(12, true), &nothing));
        assert!(!is_another(&attempt(1, false), &nothing));
    }
}
