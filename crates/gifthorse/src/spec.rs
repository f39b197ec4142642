//! A model to be made, described: its images, its network, how it is trained, and what is planted in it.

use std::path::Path;

use gifthorse_attack::net::AnyNet;
use gifthorse_attack::plant::Poison;
use gifthorse_attack::train::Recipe;
use gifthorse_data::source::Source;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::hash;
use crate::zoo::ZooError;

/// Largest file of settings that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 22;

/// Everything that a model depends on. The same description gives the same weights, whatever the number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// What the model is called, and its files.
    pub name: String,
    /// Settles the first weights, the order of the images, and which of them are poisoned.
    #[serde(default)]
    pub seed: u64,
    /// The images that it is trained and tested on. They have a seed of their own.
    pub data: Source,
    /// The network. Shape of the images and number of classes come from the data.
    pub net: AnyNet,
    /// How it is trained.
    #[serde(default)]
    pub train: Recipe,
    /// What is planted in it; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poison: Option<Poison>,
}

impl ModelSpec {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`ZooError::System`], or [`ZooError::Settings`] with the key that is wrong.
    pub fn read(path: &Path) -> Result<Self, ZooError> {
        let text = read_settings(path)?;
        let spec: Self = parse(&text).map_err(|reason| ZooError::Settings {
            path: path.to_owned(),
            reason,
        })?;
        spec.check().map_err(|reason| ZooError::Settings {
            path: path.to_owned(),
            reason,
        })?;
        Ok(spec)
    }

    /// Refuses what no other part looks at.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_name(&self.name).map_err(|reason| format!("`name`: {reason}"))?;
        match self.train.seed {
            0 => Ok(()),
            _ => Err("`train.seed`: the `seed` of the model settles it; leave it out here".to_owned()),
        }
    }

    /// The same model without a backdoor, if this has one: its clean twin.
    #[must_use]
    pub fn twin(&self) -> Option<Self> {
        self.poison.as_ref()?;
        Some(Self {
            poison: None,
            ..self.clone()
        })
    }

    /// A hash over everything but the name, by which a model is known to be made already.
    ///
    /// # Errors
    /// Numbers that JSON does not have.
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        let nameless = Self {
            name: String::new(),
            ..self.clone()
        };
        Ok(hash::digest(&serde_json::to_vec(&nameless)?))
    }
}

/// Reads a file of settings, which is at most a few mebibytes.
pub(crate) fn read_settings(path: &Path) -> Result<String, ZooError> {
    let failed = |source| ZooError::System {
        path: path.to_owned(),
        done: "read",
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > LARGEST_FILE {
        return Err(ZooError::Settings {
            path: path.to_owned(),
            reason: format!("it is larger than {LARGEST_FILE} bytes, and TOML is expected"),
        });
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Settings from TOML; an error names the key that is wrong.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let deserializer = toml::Deserializer::parse(text).map_err(|error| error.to_string())?;
    serde_path_to_error::deserialize(deserializer).map_err(|error| in_words(&error))
}

/// What is wrong with which key.
pub(crate) fn in_words(error: &serde_path_to_error::Error<toml::de::Error>) -> String {
    let path = error.path().to_string();
    let inner = error.inner().to_string();
    let said = inner.trim_end();
    match path.as_str() {
        "." => said.to_owned(),
        path => format!("`{path}`: {said}"),
    }
}

/// Refuses names that are no names of files.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.is_empty() && name.len() <= 200 && name.chars().all(plain) && !name.starts_with('.') {
        return Ok(());
    }
    Err(format!(
        "{name:?} cannot be the name of a file; take letters, digits, dots, dashes and underscores"
    ))
}
