//! Clean models that were scanned before: what a clean model's classes look like, measured.
//!
//! A library is data: one [`LibraryModel`] for each clean model. The file is JSON, made by `gifthorse zoo library`:
//!
//! ```json
//! {
//!   "version": 1,
//!   "search": "neural_cleanse standard",
//!   "models": [
//!     {
//!       "name": "gtsrb5-small-cnn-s1",
//!       "recipe": "small-cnn",
//!       "data": "gtsrb",
//!       "pixels": 1024,
//!       "log_sizes": [-2.3127, -1.8705, null, -2.0412, -2.5501],
//!       "confirmed": [0, 1, 3]
//!     }
//!   ]
//! }
//! ```
//!
//! A file of backdoored models, [`Backdoored`], has the same frame; its models also say what was planted.

mod backdoored;
mod model;

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use backdoored::{Backdoored, BackdooredModel};
pub use model::LibraryModel;

use super::error::LibraryError;

/// Version of the file format.
const VERSION: u32 = 1;

/// Clean models, all scanned with the same settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    version: u32,
    search: String,
    models: Vec<LibraryModel>,
}

impl Library {
    /// A library of `models`, sorted by name. `search` names the detector and its preset, such as `neural_cleanse
    /// standard`: sizes found with other settings are no yardstick.
    ///
    /// # Errors
    /// A model that is none ([`LibraryModel::check`]), or two of one name.
    pub fn new(
        search: impl Into<String>,
        mut models: Vec<LibraryModel>,
    ) -> Result<Self, LibraryError> {
        models.sort_by(|a, b| a.name.cmp(&b.name));
        let library = Self {
            version: VERSION,
            search: search.into(),
            models,
        };
        library.check()?;
        Ok(library)
    }

    /// The library that the program ships with: `data/clean_models.json`, made by `gifthorse zoo library`. It may be
    /// empty.
    ///
    /// # Errors
    /// A program built with a file that is no library.
    pub fn shipped() -> Result<Self, LibraryError> {
        Self::from_json(include_str!("../../data/clean_models.json"))
    }

    /// Reads the file format of the module's documentation.
    ///
    /// # Errors
    /// Text that is not such a file, another version of it, or models as for [`Self::new`].
    pub fn from_json(text: &str) -> Result<Self, LibraryError> {
        let library: Self = parse(text)?;
        library.check()?;
        Ok(library)
    }

    /// Writes the file format of the module's documentation, one model a line.
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

    /// The models, by name.
    #[must_use]
    pub fn models(&self) -> &[LibraryModel] {
        &self.models
    }

    /// The library without the models for which `leave_out` holds.
    #[must_use]
    pub fn without(&self, leave_out: impl Fn(&LibraryModel) -> bool) -> Self {
        let kept = self.models.iter().filter(|model| !leave_out(model));
        Self {
            models: kept.cloned().collect(),
            ..self.clone()
        }
    }

    fn check(&self) -> Result<(), LibraryError> {
        check_version(self.version)?;
        let mut names = HashSet::new();
        for model in &self.models {
            model.check()?;
            if !names.insert(&model.name) {
                return Err(LibraryError::DuplicateName(model.name.clone()));
            }
        }
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, LibraryError> {
    serde_json::from_str(text).map_err(|error| LibraryError::Json(error.to_string()))
}

fn check_version(version: u32) -> Result<(), LibraryError> {
    if version == VERSION {
        Ok(())
    } else {
        Err(LibraryError::Version {
            found: version,
            known: VERSION,
        })
    }
}

/// One model a line, so that a difference between two versions of a library can be read.
fn in_lines<M: Serialize>(search: &str, models: &[M]) -> Result<String, LibraryError> {
    let json = |error: serde_json::Error| LibraryError::Json(error.to_string());
    let search = serde_json::to_string(search).map_err(json)?;
    let lines = models
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()
        .map_err(json)?;
    let models = lines.join(",\n");
    Ok(format!(
        "{{\"version\":{VERSION},\"search\":{search},\"models\":[\n{models}\n]}}\n"
    ))
}
