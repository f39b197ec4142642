//! The file that models are kept in.

use std::collections::{BTreeMap, HashSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::LibraryModel;
use super::model::is_false;
use crate::verdict::error::LibraryError;
use crate::verdict::evidence::Method;

/// Version of the file format.
const VERSION: u32 = 2;

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

/// What a file says of a method whose values it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodTraits {
    /// Whether values of different models may be compared
    /// ([`Statistic::comparable`](crate::verdict::Statistic)).
    pub comparable: bool,
    /// Whether there is one value for the model as a whole, and none for each class.
    #[serde(default, skip_serializing_if = "is_false")]
    pub of_model: bool,
}

/// Models and what detectors found in them; no two have one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile<M> {
    version: u32,
    methods: BTreeMap<Method, MethodTraits>,
    models: Vec<M>,
}

impl<M: Entry> ModelFile<M> {
    /// A file of `models` whose values were found with some of `methods`.
    ///
    /// # Errors
    /// A model that is none ([`Entry::check`]), or has values of another method, or two of one
    /// name.
    pub fn new(
        methods: BTreeMap<Method, MethodTraits>,
        mut models: Vec<M>,
    ) -> Result<Self, LibraryError> {
        models.sort_by(|a, b| a.found().name.cmp(&b.found().name));
        let file = Self {
            version: VERSION,
            methods,
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

    /// Writes a file, one model a line, so that a difference between two versions of it can be
    /// read.
    ///
    /// # Errors
    /// None that [`Self::new`] lets through.
    pub fn to_json(&self) -> Result<String, LibraryError> {
        let methods = serde_json::to_string(&self.methods).map_err(json)?;
        let lines = self.models.iter().map(serde_json::to_string);
        let lines = lines.collect::<Result<Vec<_>, _>>().map_err(json)?;
        let models = lines.join(",\n");
        Ok(format!(
            "{{\"version\":{VERSION},\"methods\":{methods},\"models\":[\n{models}\n]}}\n"
        ))
    }

    /// The methods that values of the models may be of.
    #[must_use]
    pub fn methods(&self) -> &BTreeMap<Method, MethodTraits> {
        &self.methods
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
            let found = model.found();
            let name = &found.name;
            let mut used = found.detectors.keys();
            if let Some(method) = used.find(|&method| !self.methods.contains_key(method)) {
                return Err(LibraryError::UndeclaredMethod {
                    model: name.clone(),
                    method: method.clone(),
                });
            }
            for (method, found) in &found.detectors {
                let wanted = self.methods.get(method).is_some_and(|it| it.of_model);
                if found.of_model != wanted {
                    return Err(LibraryError::OfModel {
                        model: name.clone(),
                        method: method.clone(),
                    });
                }
            }
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
            methods: self.methods.clone(),
        }
    }
}

fn json(error: serde_json::Error) -> LibraryError {
    LibraryError::Json(error.to_string())
}
