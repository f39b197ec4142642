//! A search that has nothing to search with, and says so.

use super::Search;
use crate::error::Error;
use crate::finding::{Finding, State, Unit};

/// It is over before its first step.
pub struct Nothing {
    /// What was to be searched.
    pub unit: Unit,
    /// Why it cannot be, in words that go after "class 3: ".
    pub reason: String,
}

impl Search for Nothing {
    fn advance(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }

    fn has_ended(&self) -> bool {
        true
    }

    fn steps(&self) -> usize {
        0
    }

    fn updates(&self) -> usize {
        0
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok("null".to_owned())
    }

    fn finding(&self) -> Result<Finding, Error> {
        Ok(self.unfinished(State::Unreached))
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            reason: Some(self.reason.clone()),
            ..Finding::skipped(self.unit)
        }
    }
}
