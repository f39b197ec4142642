//! Whether a search that was kept is the one that is to go on.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::finding::Unit;

/// What a search depends on beside the model's weights and the pixels of the images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Belongs {
    /// What is searched.
    pub unit: Unit,
    /// Seed of the scan.
    pub seed: u64,
    /// Channels, height and width of the model's images.
    pub shape: [usize; 3],
    /// Images searched with; 0 for a search that needs none.
    pub images: usize,
    /// All settings that the search depends on, as one line of text.
    pub settings: String,
}

/// Why a search cannot be taken up again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Written by another version of the program.
    #[error(
        "the kept search is of format {found}, and this program reads format {known}: \
         remove what was kept, and search again"
    )]
    Version {
        /// The version found.
        found: u32,
        /// The version that is read.
        known: u32,
    },
    /// Another unit, seed, model, image set or other settings.
    #[error(
        "the kept search for {unit} was made with another {what} ({found}, now {wanted}): go \
         on with what it was made with, or keep this scan elsewhere"
    )]
    OtherSearch {
        /// The unit that was to go on.
        unit: Unit,
        /// What differs.
        what: &'static str,
        /// As kept.
        found: String,
        /// As asked for.
        wanted: String,
    },
    /// Contents that no search writes.
    #[error("the kept search for {unit} is damaged ({what}): remove it, and search again")]
    Damaged {
        /// The unit that was to go on.
        unit: Unit,
        /// What is wrong.
        what: &'static str,
    },
}

impl Belongs {
    /// Refuses a search that depends on other things than `wanted`.
    ///
    /// # Errors
    /// [`SnapshotError::OtherSearch`] with the first thing that differs.
    pub fn check(&self, wanted: &Self) -> Result<(), SnapshotError> {
        let parts = [
            ("class", self.unit.to_string(), wanted.unit.to_string()),
            ("seed", self.seed.to_string(), wanted.seed.to_string()),
            (
                "shape of the images",
                format!("{:?}", self.shape),
                format!("{:?}", wanted.shape),
            ),
            (
                "number of images",
                self.images.to_string(),
                wanted.images.to_string(),
            ),
            ("setting", self.settings.clone(), wanted.settings.clone()),
        ];
        for (what, found, wanted_part) in parts {
            if found != wanted_part {
                return Err(SnapshotError::OtherSearch {
                    unit: wanted.unit,
                    what,
                    found,
                    wanted: wanted_part,
                });
            }
        }
        Ok(())
    }

    /// Refuses a search of another format, or one of which something does not fit, as `sound` says
    /// with the words for what is wrong where it does not.
    ///
    /// # Errors
    /// [`SnapshotError::Version`], [`SnapshotError::Damaged`].
    pub fn check_contents(
        &self,
        (found, known): (u32, u32),
        sound: &[(bool, &'static str)],
    ) -> Result<(), SnapshotError> {
        if found != known {
            return Err(SnapshotError::Version { found, known });
        }
        match sound.iter().find(|(sound, _)| !sound) {
            Some(&(_, what)) => Err(SnapshotError::Damaged {
                unit: self.unit,
                what,
            }),
            None => Ok(()),
        }
    }
}
