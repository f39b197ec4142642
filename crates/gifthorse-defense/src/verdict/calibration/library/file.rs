//! The file that models are kept in.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::LibraryModel;
use crate::verdict::error::LibraryError;

/// Version of the file format.
const VERSION: u32 = 1;

/// A model as a file holds it: what the searches found in it, and perhaps more.
pub trait Entry: Serialize + DeserializeOwned {
    /// What the searches found.
    fn found(&self) -> &LibraryModel;

    /// Whether the numbers can be those of a model.
    ///
    /// # Errors
    /// As [`LibraryModel::check`], and what else is wrong with the entry.
    fn check(&self) -> Result<(), LibraryError>;
}

/// Models, all scanned with the same settings; no two have one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile<M> {
    version: u32,
    search: String,
    models: Vec<M>,
}

impl<M: Entry> ModelFile<M> {
    /// A file of `models`. `search` names the detector and its preset, such as `neural_cleanse standard`: sizes found with
    /// other settings are no yardstick.
    ///
    /// # Errors
    /// A model that is none ([`Entry::check`]), or two of one name.
    pub fn new(search: impl Into<String>, mut models: Vec<M>) -> Result<Self, LibraryError> {
        models.sort_by(|a, b| a.found().name.cmp(&b.found().name));
        let file = Self {
            version: VERSION,
            search: search.into(),
            models,
        };
        file.check()?;
        Ok(file)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Text that is not such a file, another version of it, or models as for [`Self::new`].
    pub fn from_json(text: &str) -> Result<Self, LibraryError> {
        let file: Self = serde_json::from_str(text).map_err(json)?;
        file.check()?;
        Ok(file)
    }

    /// Writes a file, one model a line, so that a difference between two versions of it can be read.
    ///
    /// # Errors
    /// None that [`Self::new`] lets through.
    pub fn to_json(&self) -> Result<String, LibraryError> {
        let search = serde_json::to_string(&self.search).map_err(json)?;
        let lines = self.models.iter().map(serde_json::to_string);
        let lines = lines.collect::<Result<Vec<_>, _>>().map_err(json)?;
        let models = lines.join(",\n");
        Ok(format!(
            "{{\"version\":{VERSION},\"search\":{search},\"models\":[\n{models}\n]}}\n"
        ))
    }

    /// The detector and its preset.
    #[must_use]
    pub fn search(&self) -> &str {
        &self.search
    }

    /// The models: in the order of the file if they were read from one, else by name.
    #[must_use]
    pub fn models(&self) -> &[M] {
        &self.models
    }

    fn check(&self) -> Result<(), LibraryError> {
        if self.version != VERSION {
            return Err(LibraryError::Version {
                found: self.version,
                known: VERSION,
            });
        }
        let mut names = HashSet::new();
        for model in &self.models {
            model.check()?;
            let name = &model.found().name;
            if !names.insert(name) {
                return Err(LibraryError::DuplicateName(name.clone()));
            }
        }
        Ok(())
    }
}

impl<M: Entry + Clone> ModelFile<M> {
    /// The file without the models for which `leave_out` holds.
    #[must_use]
    pub fn without(&self, leave_out: impl Fn(&M) -> bool) -> Self {
        let kept = self.models.iter().filter(|model| !leave_out(model));
        Self {
            models: kept.cloned().collect(),
            version: self.version,
            search: self.search.clone(),
        }
    }
}

fn json(error: serde_json::Error) -> LibraryError {
    LibraryError::Json(error.to_string())
}
