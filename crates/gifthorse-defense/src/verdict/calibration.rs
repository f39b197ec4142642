//! What clean models look like, and how a model is measured against them.

mod clean_models;
pub(in crate::verdict) mod library;
mod measured;
mod population;
pub(in crate::verdict) mod reference;
mod references;

pub use clean_models::CleanModels;
pub use library::{Backdoored, BackdooredModel, Entry, Library, LibraryModel, ModelFile};
pub use reference::{EqualClasses, Reference, ScalePrior};
pub use references::References;
