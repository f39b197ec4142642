//! Images and labels in: folders, GTSRB, IDX, CIFAR and npz become [`Images`], `[0, 1]` pixels of
//! one shape. Knows nothing of models; what a model wants done to its pixels is done later.

mod error;
mod images;
mod options;

pub use error::Error;
pub use images::{ImageShape, Images, MAX_CLASSES};
pub use options::{Crop, LoadOptions, Split};
