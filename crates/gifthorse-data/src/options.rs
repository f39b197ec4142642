//! What a caller may ask of the loaders.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{ImageShape, LabelOrder};

/// Which part of an image set to read, where it has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// The images that models are trained on.
    Train,
    /// The images kept out of training.
    #[default]
    Test,
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Test => "test",
        })
    }
}

/// Which part of each picture to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crop {
    /// The whole frame.
    #[default]
    None,
    /// The region of interest that the image set gives for each frame (GTSRB).
    Roi,
}

/// What to do with the turn that a camera notes beside a picture instead of turning its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exif {
    /// Take the pixels as they are stored, as most training pipelines do.
    #[default]
    Ignore,
    /// Turn the picture upright, as viewers do.
    Apply,
}

/// Which images are taken where there are more than wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Draw {
    /// As evenly over the classes as they allow ([`crate::balanced_sample`]), where labels are
    /// known.
    #[default]
    Balanced,
    /// Any, so that classes have the shares that they have in the whole set.
    Plain,
}

/// How to read an image set; the default reads all of the test part as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadOptions {
    /// Shape to bring images to (a model's input): resized to its height and width, grey and colour
    /// converted to its channels. `None` keeps them as they are, which needs them to be of one
    /// size.
    pub target: Option<ImageShape>,
    /// Which part to read.
    pub split: Split,
    /// Which part of each frame to take.
    pub crop: Crop,
    /// What to do with turns that pictures carry.
    pub exif: Exif,
    /// Labels that replace those of the image set: a table of files and labels, or one label a
    /// line.
    pub labels: Option<PathBuf>,
    /// Names of the classes that replace those of the image set: one a line, `index,name`, or JSON
    /// (a list, a map, or a Hugging Face `config.json`). Class folders and labels that are called by
    /// these names get their index.
    pub class_names: Option<PathBuf>,
    /// How the labels are ordered, if not as they are called.
    pub label_order: LabelOrder,
    /// How many classes the model has, if there is a model: names of folders that are numbers below
    /// this are class indices.
    pub classes: Option<usize>,
    /// Take at most this many images.
    pub max_images: Option<usize>,
    /// Which ones, where there are more.
    pub draw: Draw,
    /// Seed of that draw.
    pub seed: u64,
}
