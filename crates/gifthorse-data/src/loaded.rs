//! What comes of reading an image set.

use crate::{Format, Images, Note, PassedOver};

/// An image set as read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The images, in the order of the image set.
    pub images: Images,
    /// What kind of image set it is.
    pub format: Format,
    /// What was wrong with images that are left out, one warning for each.
    pub warnings: Vec<Warning>,
    /// Places of the images that carry a turn ([`crate::Exif`]), whether it was applied or not.
    pub turned: Vec<usize>,
    /// Files below the path that are not used, by reason. Images that were not drawn are not among
    /// them.
    pub passed_over: Vec<PassedOver>,
    /// What the user should know of how the set was read.
    pub notes: Vec<Note>,
    /// What the image set calls the labels of class 0, 1, ...: names of folders, words or numbers;
    /// empty for a class that it does not have. Empty without labels.
    pub calls: Vec<String>,
    /// How many images the set has (in the part asked for), before any sampling.
    pub available: usize,
    /// SHA-256 of the shape, pixels and labels in `images`, in hexadecimal: equal for equal
    /// content, whatever the files are called and however many threads read them.
    pub sha256: String,
}

/// An image that could not be read and is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The image.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cannot be read: {}", self.name, self.reason)
    }
}
