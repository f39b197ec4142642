//! Images and labels in: folders, GTSRB, IDX, CIFAR and npz become [`Images`], `[0, 1]` pixels of
//! one shape. Knows nothing of models; what a model wants done to its pixels is done later.
//!
//! [`load`] reads an image set of any [`Format`]; [`balanced_sample`] and [`split_holdout`] draw
//! from one; a [`source::Source`] says which images a model is to be trained and tested on. Files
//! are not believed: sizes are limited, and what is broken is an [`Error`] that names the file, or
//! a [`Warning`] where one picture of many cannot be read.

mod archive;
mod class_name_file;
mod classes;
mod decoded;
mod error;
mod folder;
mod format;
pub mod generate;
mod images;
mod jpeg;
mod label_file;
mod label_order;
mod limits;
mod listing;
mod load;
mod loaded;
mod note;
mod numbering;
mod options;
mod other_form;
mod overlay;
mod passed_over;
mod picture;
mod sample;
pub mod source;
mod stack;
mod table;
mod text;
mod walk;

pub use error::Error;
pub use format::Format;
pub use format::npy::open as open_npy;
pub use images::{ImageShape, Images, MAX_CLASSES};
pub use label_order::LabelOrder;
pub use load::load;
pub use loaded::{Loaded, Warning};
pub use note::Note;
pub use options::{Crop, Draw, Exif, LoadOptions, Split};
pub use overlay::{Overlay, read_overlay};
pub use passed_over::{PassedOver, Reason};
pub use sample::{balanced_sample, split_holdout};
