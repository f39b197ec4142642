//! The search of one class at rest.

use serde::{Deserialize, Serialize};

use crate::adam::Moments;
use crate::exact;
use crate::search::{Belongs, SnapshotError};

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// A search between two updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    belongs: Belongs,
    /// The numbers of the transformation.
    #[serde(with = "exact::singles")]
    pub parameters: Vec<f32>,
    /// Those of the optimiser.
    pub moments: Moments,
    /// Updates made.
    pub updates: usize,
    /// Time taken so far, in seconds.
    pub seconds: f64,
}

impl Snapshot {
    /// Of a search that belongs to `belongs`.
    pub fn new(
        belongs: Belongs,
        parameters: Vec<f32>,
        moments: Moments,
        updates: usize,
        seconds: f64,
    ) -> Self {
        Self {
            version: VERSION,
            belongs,
            parameters,
            moments,
            updates,
            seconds,
        }
    }

    /// Refuses a snapshot of another search, and one that no search with so many numbers writes.
    ///
    /// # Errors
    /// As [`Belongs::check`] and [`Belongs::check_contents`].
    pub fn check(&self, wanted: &Belongs, numbers: usize) -> Result<(), SnapshotError> {
        if self.version == VERSION {
            self.belongs.check(wanted)?;
        }
        let sound = [
            (
                self.parameters.len() == numbers,
                "the transformation is of another family",
            ),
            (
                self.moments.fits(numbers),
                "the optimiser's moments are of another size than the transformation",
            ),
        ];
        wanted.check_contents((self.version, VERSION), &sound)
    }
}
