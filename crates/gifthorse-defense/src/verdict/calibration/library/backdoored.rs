//! A backdoored model with a known truth, for the validation of the verdict. The verdict itself
//! never sees it.

use serde::{Deserialize, Serialize};

use super::{Entry, LibraryModel};
use crate::verdict::error::LibraryError;

/// What the detectors found in a backdoored model, and what was planted in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackdooredModel {
    /// What the detectors found; the fields stand beside those below.
    #[serde(flatten)]
    pub found: LibraryModel,
    /// Name of the attack or the trigger.
    pub attack: String,
    /// How many pixels the trigger covers; none if it covers the image.
    pub trigger_pixels: Option<f64>,
    /// The classes that a trigger leads to.
    pub targets: Vec<usize>,
}

impl Entry for BackdooredModel {
    fn found(&self) -> &LibraryModel {
        &self.found
    }

    /// Also refuses a target that does not exist.
    fn check(&self) -> Result<(), LibraryError> {
        self.found.check()?;
        let missing = |class: &&usize| **class >= self.found.classes;
        match self.targets.iter().find(missing) {
            Some(&class) => Err(LibraryError::NoSuchClass {
                model: self.found.name.clone(),
                class,
            }),
            None => Ok(()),
        }
    }
}
