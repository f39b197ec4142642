//! The search of one class at rest.

use serde::{Deserialize, Serialize};

use super::class_search::Smallest;
use super::weight::Weight;
use crate::adam::Moments;
use crate::exact;
use crate::search::{Belongs, SnapshotError};

/// The version of the format that is written and read.
pub const VERSION: u32 = 1;

/// A search between two rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`VERSION`].
    pub version: u32,
    pub belongs: Belongs,
    /// What is added, and after it what is taken away.
    #[serde(with = "exact::singles")]
    pub pattern: Vec<f32>,
    pub moments: Moments,
    pub weight: Weight,
    pub best: Option<Smallest>,
    pub rounds: usize,
    /// Time taken so far.
    pub seconds: f64,
}

impl Snapshot {
    /// Refuses a snapshot of another search, and one whose parts do not fit together.
    ///
    /// # Errors
    /// As [`Belongs::check`] and [`Belongs::check_contents`].
    pub fn check(&self, wanted: &Belongs) -> Result<(), SnapshotError> {
        if self.version == VERSION {
            self.belongs.check(wanted)?;
        }
        let values: usize = wanted.shape.iter().product();
        let fits = |best: &Smallest| best.change.values.len() == values;
        let sound = [
            (
                self.pattern.len() == 2 * values,
                "the pattern is of another size than the images",
            ),
            (
                self.moments.fits(2 * values),
                "the optimiser's moments are of another size than the pattern",
            ),
            (
                self.best.as_ref().is_none_or(fits),
                "the smallest change is of another size than the images",
            ),
        ];
        wanted.check_contents((self.version, VERSION), &sound)
    }
}
