//! The search of one class at rest.

use serde::{Deserialize, Serialize};

use crate::adam::Moments;
use crate::exact;
use crate::search::{Belongs, SnapshotError};

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// Numbers that are searched, and those of their optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// The numbers.
    #[serde(with = "exact::singles")]
    pub values: Vec<f32>,
    /// Those of the optimiser.
    pub moments: Moments,
}

impl Numbers {
    fn fit(&self, count: usize) -> bool {
        self.values.len() == count && self.moments.fits(count)
    }
}

/// How much more some terms count: by how far their bounds were missed in the update before, as a
/// part of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Missed {
    /// That on the share of images led to the class,
    #[serde(with = "exact::double")]
    pub led: f64,
    /// on how much features under their mask vary,
    #[serde(with = "exact::double")]
    pub spread: f64,
    /// and on how unlike themselves images become.
    #[serde(with = "exact::double")]
    pub likeness: f64,
}

/// A search between two updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    belongs: Belongs,
    /// The map into the space.
    pub space: Numbers,
    /// The mask and the pattern, raw.
    pub patch: Numbers,
    /// The mask of the features, raw.
    pub features: Numbers,
    /// What counts more.
    pub missed: Missed,
    /// Updates made.
    pub updates: usize,
    /// Time taken so far, in seconds.
    pub seconds: f64,
}

impl Snapshot {
    /// Of a search that belongs to `belongs`.
    pub fn new(
        belongs: Belongs,
        [space, patch, features]: [Numbers; 3],
        missed: Missed,
        (updates, seconds): (usize, f64),
    ) -> Self {
        Self {
            version: VERSION,
            belongs,
            space,
            patch,
            features,
            missed,
            updates,
            seconds,
        }
    }

    /// Refuses a snapshot of another search, and one that no search of so many numbers of the
    /// space, of mask and pattern, and of features writes.
    ///
    /// # Errors
    /// As [`Belongs::check`] and [`Belongs::check_contents`].
    pub fn check(
        &self,
        wanted: &Belongs,
        [space, patch, features]: [usize; 3],
    ) -> Result<(), SnapshotError> {
        if self.version == VERSION {
            self.belongs.check(wanted)?;
        }
        let sound = [
            (self.space.fit(space), "the space is of other images"),
            (self.patch.fit(patch), "the patch is of another size"),
            (self.features.fit(features), "the layer is another one"),
        ];
        wanted.check_contents((self.version, VERSION), &sound)
    }
}
