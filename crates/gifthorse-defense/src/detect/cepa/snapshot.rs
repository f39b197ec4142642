//! The search of one class at rest.

use serde::{Deserialize, Serialize};

use super::consensus::Consensus;
use crate::search::{Belongs, SnapshotError};

/// The version of the format that is written and read.
const VERSION: u32 = 2;

/// A search between two layers. The search of the layer under way is made again: it has no random
/// numbers and takes seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    belongs: Belongs,
    /// What the layers so far came to, for each group of images.
    pub done: Vec<Consensus>,
    /// Time taken so far, in seconds.
    pub seconds: f64,
}

impl Snapshot {
    /// Of a search that belongs to `belongs`.
    pub fn new(belongs: Belongs, done: Vec<Consensus>, seconds: f64) -> Self {
        Self {
            version: VERSION,
            belongs,
            done,
            seconds,
        }
    }

    /// Refuses a snapshot of another search, and one that no search at these layers writes.
    ///
    /// # Errors
    /// As [`Belongs::check`] and [`Belongs::check_contents`].
    pub fn check(&self, wanted: &Belongs, layers: &[String]) -> Result<(), SnapshotError> {
        if self.version == VERSION {
            self.belongs.check(wanted)?;
        }
        let image: usize = wanted.shape.iter().product();
        let names = self.done.iter().map(|consensus| &consensus.layer);
        let sound = [
            (
                names.eq(layers.iter().take(self.done.len())) && self.done.len() <= layers.len(),
                "it is of other layers",
            ),
            (
                self.done
                    .iter()
                    .all(|consensus| consensus.delta.len() == image),
                "an image is of another size",
            ),
        ];
        wanted.check_contents((self.version, VERSION), &sound)
    }
}
