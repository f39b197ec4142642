//! The clean images of a scan, and how they become the model's input.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Layout;

/// The clean images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Images {
    /// Path as it was given.
    pub path: String,
    /// The format that was recognised: `class folders`, `GTSRB`, `IDX`, `CIFAR-10`, `npz`, ...
    pub format: String,
    /// Images used.
    pub count: usize,
    /// Images that the source holds.
    pub available: usize,
    /// Whether the source has labels; without, the model's own predictions stand in for them.
    pub labelled: bool,
    /// Path of the file whose labels replaced those of the source, as it was given; null if none
    /// did.
    #[serde(default)]
    pub labels: Option<String>,
    /// Path of the file whose class names replaced those of the source, as it was given; null if
    /// none did.
    #[serde(default)]
    pub class_names: Option<String>,
    /// The order of the labels that was asked for: `text`, `value`, or what the source calls the
    /// labels of class 0, 1, ... with commas between; null if none was.
    #[serde(default)]
    pub label_order: Option<String>,
    /// The part of the source that was used, `train` or `test`, where it has several.
    #[serde(default = "test_split")]
    pub split: String,
    /// Most images that were to be drawn from the source, evenly over its classes and by the
    /// report's seed; null for all.
    #[serde(default)]
    pub max_images: Option<usize>,
    /// SHA-256 over the decoded pixels and labels that were used, 64 lower-case hexadecimal digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Images that the search for triggers saw.
    pub search: usize,
    /// Images held out to confirm triggers, disjoint from the search images.
    pub holdout: usize,
    /// What was wrong with single images, and how often.
    pub warnings: Vec<String>,
    /// Images whose files note a turn (EXIF).
    #[serde(default)]
    pub turned: usize,
    /// What was done with these turns, `applied` or `ignored`; null where there are none.
    #[serde(default)]
    pub exif: Option<String>,
    /// Files below the path that were not used, by reason.
    #[serde(default)]
    pub passed_over: Vec<PassedOver>,
}

/// Files that were not used for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PassedOver {
    /// Why, in words, such as `hidden`.
    pub reason: String,
    /// How many files; folders where none of their files was looked at.
    pub count: usize,
    /// The first of them, from the path on.
    pub first: String,
}

/// What reports say that do not name a split.
fn test_split() -> String {
    "test".to_owned()
}

/// How a pixel in [0, 1] became the model's input: scaled to `range`, then `(value - mean) / std`
/// for each channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preprocess {
    /// The values that black and white are scaled to, such as `[0, 1]` or `[0, 255]`.
    pub range: [f64; 2],
    /// Mean for each channel in units of `range`; empty if none is subtracted.
    pub mean: Vec<f64>,
    /// Standard deviation for each channel in units of `range`; empty if nothing is divided by.
    pub std: Vec<f64>,
    /// Order of the channels: `rgb`, `bgr` or `grey`.
    pub channels: String,
    /// Order of the dimensions.
    pub layout: Layout,
    /// The part of each image that was used, such as `roi`; null for the whole frame.
    pub crop: Option<String>,
    /// How images of another size were fitted to the model's input; null if none had to be.
    pub resize: Option<String>,
    /// Who chose this.
    pub chosen_by: ChosenBy,
}

/// Who chose the preprocessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChosenBy {
    /// Given by the user.
    User,
    /// Chosen by the program, because accuracy was best with it.
    Auto,
    /// Nobody: the default was used.
    Default,
}
