//! A fitted filter as a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use gifthorse_defense::filter::Threshold;
use gifthorse_report::report;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::seen::Seen;
use crate::repair::record::ModelFile;
use crate::{Error, replace_file};

/// Version of the format of filter files.
pub const FILTER_VERSION: u32 = 1;
/// No filter is larger than this: most of it are the clean images that some of them keep.
const LARGEST: u64 = 1 << 28;

/// A fitted filter: all that is needed to run it, beside the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilterFile {
    /// Version of this format, [`FILTER_VERSION`].
    pub filter_version: u32,
    /// Name of the method.
    pub method: String,
    /// Its name for people.
    pub title: String,
    /// Forward passes for an image, that of the model itself included.
    pub passes: f64,
    /// What it cannot see, in words.
    pub misses: Vec<String>,
    /// The model that it filters for.
    pub model: ModelFile,
    /// The repaired model that it asks as well; null if it asks none.
    pub repaired: Option<ModelFile>,
    /// Number of classes.
    pub classes: usize,
    /// Names of the classes, not to be trusted; may be fewer than the classes.
    pub class_names: Vec<String>,
    /// Shape of an image, `[channels, height, width]`.
    pub shape: [usize; 3],
    /// How pixels in [0, 1] become the model's input.
    pub preprocess: report::Preprocess,
    /// Name of the output whose scores are taken.
    pub output: String,
    /// Values of the inputs beside the image, by name.
    pub given: BTreeMap<String, f32>,
    /// The clean images that it was fitted with.
    pub images: FitImages,
    /// Triggers that it goes by.
    pub triggers: usize,
    /// Where the line is drawn.
    pub threshold: Threshold,
    /// What a user should know, in sentences.
    pub notes: Vec<String>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
    /// What the method has kept.
    pub state: Value,
}

/// The clean images that a filter was fitted with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitImages {
    /// Where they are.
    pub path: String,
    /// Images that the score was fitted to.
    pub fit: usize,
    /// Other images, which the threshold was set by.
    pub threshold: usize,
    /// Whether they have labels of their own; if not, the model's answers stand in.
    pub labelled: bool,
    /// Which they were, and which its triggers were searched with, so that a filter is never
    /// evaluated on them.
    pub seen: Seen,
}

impl FilterFile {
    /// Reads a filter.
    ///
    /// # Errors
    /// A file that cannot be read, that is no filter or one of another version.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unread = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        let refused =
            |why: String| Error::Request(format!("{} is no filter: {why}", path.display()));
        // A pipe would keep a reader waiting.
        if !std::fs::metadata(path).map_err(unread)?.is_file() {
            return Err(refused("it is no regular file".to_owned()));
        }
        let file = File::open(path).map_err(unread)?;
        let size = file
            .take(LARGEST + 1)
            .read_to_string(&mut text)
            .map_err(unread)?;
        if size as u64 > LARGEST {
            return Err(refused("it is larger than any".to_owned()));
        }
        #[derive(Deserialize)]
        struct Version {
            filter_version: u32,
        }
        let version = serde_json::from_str::<Version>(&text)
            .map_err(|error| refused(error.to_string()))?
            .filter_version;
        if version != FILTER_VERSION {
            return Err(refused(format!(
                "it has version {version} of the format, this program reads version {FILTER_VERSION}; fit it anew"
            )));
        }
        serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
    }

    /// Writes the filter, in one step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::Request(format!("the filter cannot be written: {error}")))?;
        replace_file(path, format!("{text}\n").as_bytes()).map_err(|source| Error::Write {
            path: PathBuf::from(path),
            source,
        })
    }
}
