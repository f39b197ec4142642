//! The search of one class at rest.

use serde::{Deserialize, Serialize};

use super::unit_search::Reversed;
use crate::search::{Belongs, SnapshotError};
use crate::trigger::Trigger;

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// A search between two units. That of the unit under way is made again: it has no random numbers
/// and takes seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    belongs: Belongs,
    /// What the units so far came to.
    pub done: Vec<Reversed>,
    /// Time taken so far, in seconds.
    pub seconds: f64,
}

impl Snapshot {
    /// Of a search that belongs to `belongs`.
    pub fn new(belongs: Belongs, done: Vec<Reversed>, seconds: f64) -> Self {
        Self {
            version: VERSION,
            belongs,
            done,
            seconds,
        }
    }

    /// Refuses a snapshot of another search, and one that no search of these units, layers and
    /// channels, writes.
    ///
    /// # Errors
    /// As [`Belongs::check`] and [`Belongs::check_contents`].
    pub fn check(&self, wanted: &Belongs, units: &[(&str, usize)]) -> Result<(), SnapshotError> {
        if self.version == VERSION {
            self.belongs.check(wanted)?;
        }
        let done = self.done.iter();
        let done = done.map(|unit| (unit.layer.as_str(), unit.channel));
        let mut triggers = self.done.iter().filter_map(|unit| unit.trigger.clone());
        let sound = [
            (
                done.eq(units.iter().take(self.done.len()).copied()),
                "it is of other units",
            ),
            (
                triggers.all(|patch| Trigger::Patch(patch).problem(wanted.shape).is_none()),
                "a trigger is of another size",
            ),
        ];
        wanted.check_contents((self.version, VERSION), &sound)
    }
}
