//! What can be wrong with images, labels and the files that hold them.

use std::path::PathBuf;

use crate::Split;

/// Why images could not be had. Each message names the input that is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Parts of an image set do not fit each other.
    #[error("inconsistent images: {0}")]
    Inconsistent(String),
    /// The path holds none of the layouts that can be read.
    #[error(
        "{path} holds no known kind of image set ({found}); give a folder of class folders, a flat folder of images, \
         the GTSRB layout, a folder of IDX files or CIFAR batches, a .zip, .tar or .tar.gz of one of these, or an .npz file"
    )]
    UnknownFormat {
        /// What was given.
        path: PathBuf,
        /// What was found there instead.
        found: String,
    },
    /// A form of image set that is known and not read.
    #[error("{path} is {what}, which is not read: {instead}")]
    OtherForm {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to take in its place.
        instead: &'static str,
    },
    /// The image set is there, but not the part of it that was asked for.
    #[error("{path} has no {split} images; it holds {found}: --split says which part to take")]
    MissingSplit {
        /// The image set.
        path: PathBuf,
        /// The part that was asked for.
        split: Split,
        /// What is there.
        found: String,
    },
    /// A file's content breaks its format, claims more than it holds, or is larger than allowed.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A label or class-name file does not go with the images.
    #[error("{path} does not fit the images: {reason}")]
    Labels {
        /// The label or class-name file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// An order of labels that is none.
    #[error("the order of the labels (--label-order) cannot be used: {0}")]
    Order(String),
    /// Regions of interest were asked for, but the image set gives none.
    #[error(
        "{path} ({format}) gives no regions of interest to crop to; the GTSRB layout does, and a table of labels (--labels) with its columns"
    )]
    NoRegions {
        /// The image set.
        path: PathBuf,
        /// What it is.
        format: crate::Format,
    },
    /// Images differ in size and no size was asked for.
    #[error(
        "the images in {path} differ in size ({first_name} is {first}, {other_name} is {other}, as height x width); \
         give a target size to resize them to"
    )]
    MixedSizes {
        /// The image set.
        path: PathBuf,
        /// An image.
        first_name: String,
        /// Its size, `height x width`.
        first: String,
        /// Another image.
        other_name: String,
        /// Its size, `height x width`.
        other: String,
    },
    /// Not one of the images could be read.
    #[error("none of the {count} images in {path} can be read; the first, {name}: {reason}")]
    AllUnreadable {
        /// The image set.
        path: PathBuf,
        /// How many were tried.
        count: usize,
        /// The first of them.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The decoded images would take more memory than allowed.
    #[error(
        "{images} images of shape {shape} need {needed} MiB, more than the {limit} MiB allowed; take fewer with a maximum number of images"
    )]
    TooLarge {
        /// How many images were asked for.
        images: usize,
        /// Their shape.
        shape: crate::ImageShape,
        /// What they would need, in MiB.
        needed: usize,
        /// What is allowed, in MiB.
        limit: usize,
    },
    /// A data set of this name has no folder to be read from.
    #[error(
        "the data set {set} is not generated but read: name the folder that holds the data sets with the variable \
         GIFTHORSE_DATA or with --data"
    )]
    NoDataFolder {
        /// The data set.
        set: crate::source::Set,
    },
    /// The folder of data sets lacks this one.
    #[error(
        "the data set {set} is not there: {path} does not exist; `gifthorse data list` says what is, and `gifthorse data fetch` \
         downloads public sets"
    )]
    NoDataSet {
        /// The data set.
        set: crate::source::Set,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A class that the data set does not have.
    #[error("there is no class {class} ({key}): {set} has the classes 0 to {}", classes.saturating_sub(1))]
    NoSuchClass {
        /// The setting that names it.
        key: &'static str,
        /// The class.
        class: usize,
        /// Where it was looked for.
        set: String,
        /// How many classes there are.
        classes: usize,
    },
    /// A description of training and test images that cannot be followed.
    #[error("these data cannot be had: {0}")]
    Source(String),
    /// Signs that cannot be generated.
    #[error(transparent)]
    Signs(Box<crate::generate::SignError>),
}
