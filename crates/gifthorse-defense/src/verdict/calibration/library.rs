//! Clean models that were scanned before: what a clean model's classes look like, measured.
//!
//! A library is data: one [`LibraryModel`] for each clean model, with the values that each detector
//! gave its classes. The file is JSON, made by `gifthorse zoo library`:
//!
//! ```json
//! {
//!   "version": 2,
//!   "methods": {
//!     "neural_cleanse standard": {"comparable": true},
//!     "mm_bd standard": {"comparable": false}
//!   },
//!   "models": [
//!     {
//!       "name": "gtsrb5-small-cnn-s1",
//!       "recipe": "small-cnn",
//!       "data": "gtsrb",
//!       "pixels": 1024,
//!       "classes": 5,
//!       "detectors": {
//!         "neural_cleanse standard": {
//!           "values": [-2.3127, -1.8705, null, -2.0412, -2.5501],
//!           "confirmed": [0, 1, 3]
//!         },
//!         "mm_bd standard": {"values": [-2.91, -3.02, -2.88, -2.75, -2.97]}
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! A model need not have gone through every method. A file of backdoored models, [`Backdoored`],
//! has the same frame; its models also say what was planted.

mod backdoored;
mod file;
mod model;
mod span;

pub use backdoored::BackdooredModel;
pub use file::{Entry, MethodTraits, ModelFile};
pub use model::{ClassValues, LibraryModel};
pub use span::OutOfSpan;
pub(super) use span::Span;

use crate::verdict::error::LibraryError;

/// Clean models.
pub type Library = ModelFile<LibraryModel>;

/// Backdoored models.
pub type Backdoored = ModelFile<BackdooredModel>;

impl Library {
    /// The library that the program ships with: `data/clean_models.json`, made by `gifthorse zoo
    /// library`. It may be empty.
    ///
    /// # Errors
    /// A program built with a file that is no library.
    pub fn shipped() -> Result<Self, LibraryError> {
        Self::from_json(include_str!("../../../data/clean_models.json"))
    }

    /// Whether models with so many pixels and classes lie within what those of the library span.
    ///
    /// # Errors
    /// They do not, and in what.
    pub fn spans(&self, pixels: usize, classes: usize) -> Result<(), OutOfSpan> {
        Span::of(self.models()).check(pixels, classes)
    }
}
