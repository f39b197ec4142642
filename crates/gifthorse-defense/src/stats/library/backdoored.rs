//! Backdoored models with a known truth, for the validation of the verdict. The verdict itself never sees them.

use serde::{Deserialize, Serialize};

use super::super::error::LibraryError;
use super::{LibraryModel, check_version, in_lines, parse};

/// Backdoored models, all scanned with the same settings, in a file like that of a [`Library`](super::Library).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backdoored {
    version: u32,
    search: String,
    models: Vec<BackdooredModel>,
}

/// What the searches found in a backdoored model, and what was planted in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackdooredModel {
    /// What the searches found; the fields stand beside those below.
    #[serde(flatten)]
    pub found: LibraryModel,
    /// Name of the attack or the trigger.
    pub attack: String,
    /// How many pixels the trigger covers; none if it covers the image.
    pub trigger_pixels: Option<f64>,
    /// The classes that a trigger leads to.
    pub targets: Vec<usize>,
}

impl Backdoored {
    /// Backdoored models, in the order given. `search` as in [`Library::new`](super::Library::new).
    ///
    /// # Errors
    /// A model that is none ([`LibraryModel::check`]), or a target that does not exist.
    pub fn new(
        search: impl Into<String>,
        models: Vec<BackdooredModel>,
    ) -> Result<Self, LibraryError> {
        let all = Self {
            version: super::VERSION,
            search: search.into(),
            models,
        };
        all.check()?;
        Ok(all)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Text that is not such a file, another version of it, or models as for [`Self::new`].
    pub fn from_json(text: &str) -> Result<Self, LibraryError> {
        let all: Self = parse(text)?;
        all.check()?;
        Ok(all)
    }

    /// Writes a file, one model a line.
    ///
    /// # Errors
    /// None that [`Self::new`] lets through.
    pub fn to_json(&self) -> Result<String, LibraryError> {
        in_lines(&self.search, &self.models)
    }

    /// The detector and its preset.
    #[must_use]
    pub fn search(&self) -> &str {
        &self.search
    }

    /// The models.
    #[must_use]
    pub fn models(&self) -> &[BackdooredModel] {
        &self.models
    }

    fn check(&self) -> Result<(), LibraryError> {
        check_version(self.version)?;
        for model in &self.models {
            model.found.check()?;
            let missing = |class: &&usize| **class >= model.found.classes();
            if let Some(&class) = model.targets.iter().find(missing) {
                return Err(LibraryError::NoSuchClass {
                    model: model.found.name.clone(),
                    class,
                });
            }
        }
        Ok(())
    }
}
