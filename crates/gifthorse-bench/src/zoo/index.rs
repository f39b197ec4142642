//! `zoo.json`: the models of a folder, and where their files are.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::store::{read_json, write_json};
use crate::Error;

/// Version of the file format.
const VERSION: u32 = 1;

/// The models of a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoo {
    version: u32,
    /// The models, in the order in which they are to be made.
    pub models: Vec<Entry>,
}

/// One model. Paths are relative to the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name, which no other model of the folder has.
    pub name: String,
    /// Whether it is as it should be.
    pub state: State,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ONNX file.
    pub model: String,
    /// The truth about it, as JSON. No scan is told.
    pub truth: String,
    /// Clean images to scan it with, never trained on.
    pub images: String,
    /// Names of their classes.
    pub class_names: String,
    /// Hash of its description.
    pub spec_hash: String,
    /// Models of one recipe are left out together when a library is validated.
    pub recipe: String,
    /// Its data set; likewise.
    pub data: String,
    /// The name of what was planted; `null` in a clean model.
    pub attack: Option<String>,
    /// Its seed.
    pub seed: u64,
    /// Share of clean test images that it gives their label; `null` if it was not made.
    pub clean_accuracy: Option<f64>,
    /// Wall-clock time that it took to make, in seconds.
    pub seconds: f64,
}

/// What became of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is as good as was asked for.
    Good,
    /// It was made, but is right on too few images, or its backdoor did not take.
    Collapsed,
    /// It could not be made.
    Failed,
}

impl Zoo {
    /// The models that came out well; of a clean one no target can be `told`.
    pub(super) fn good(&self, told: bool) -> Vec<&Entry> {
        let good = self.models.iter().filter(|it| it.state == State::Good);
        good.filter(|it| !told || it.attack.is_some()).collect()
    }

    /// No model yet.
    pub(super) fn empty() -> Self {
        Self {
            version: VERSION,
            models: Vec::new(),
        }
    }

    /// Reads the `zoo.json` of a folder.
    ///
    /// # Errors
    /// [`Error::Request`] if there is none, [`Error::Damaged`] if it is not one.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        Self::read_if_there(folder)?.ok_or_else(|| {
            Error::Request(format!(
                "{} has no zoo.json; `gifthorse zoo build` makes it",
                folder.display()
            ))
        })
    }

    pub(super) fn read_if_there(folder: &Path) -> Result<Option<Self>, Error> {
        let path = path_in(folder);
        let zoo: Option<Self> = read_json(&path)?;
        match zoo {
            Some(zoo) if zoo.version != VERSION => Err(Error::Damaged {
                path,
                reason: format!("it has version {}, not {VERSION}", zoo.version),
            }),
            zoo => Ok(zoo),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        write_json(&path_in(folder), self)
    }

    /// Puts a model in, in the place of one of its name.
    pub(super) fn put(&mut self, entry: Entry) {
        match self.models.iter_mut().find(|it| it.name == entry.name) {
            Some(old) => *old = entry,
            None => self.models.push(entry),
        }
    }
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join("zoo.json")
}
