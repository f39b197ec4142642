//! Clean models that were scanned before: what a clean model's classes look like, measured.
//!
//! A library is data: one [`LibraryModel`] for each clean model. The file is JSON, made by `gifthorse zoo library`:
//!
//! ```json
//! {
//!   "version": 1,
//!   "search": "neural_cleanse standard",
//!   "models": [
//!     {
//!       "name": "gtsrb5-small-cnn-s1",
//!       "recipe": "small-cnn",
//!       "data": "gtsrb",
//!       "pixels": 1024,
//!       "log_sizes": [-2.3127, -1.8705, null, -2.0412, -2.5501],
//!       "confirmed": [0, 1, 3]
//!     }
//!   ]
//! }
//! ```
//!
//! A file of backdoored models, [`Backdoored`], has the same frame; its models also say what was planted.

mod backdoored;
mod file;
mod model;

pub use backdoored::BackdooredModel;
pub use file::{Entry, ModelFile};
pub use model::LibraryModel;

use crate::verdict::error::LibraryError;

/// Clean models, all scanned with the same settings.
pub type Library = ModelFile<LibraryModel>;

/// Backdoored models, all scanned with the same settings.
pub type Backdoored = ModelFile<BackdooredModel>;

impl Library {
    /// The library that the program ships with: `data/clean_models.json`, made by `gifthorse zoo library`. It may be
    /// empty.
    ///
    /// # Errors
    /// A program built with a file that is no library.
    pub fn shipped() -> Result<Self, LibraryError> {
        Self::from_json(include_str!("../../../data/clean_models.json"))
    }
}
