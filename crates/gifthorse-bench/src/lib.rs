//! Models with a known truth, made and scanned by the hundred, to measure detectors on.
//!
//! [`ModelSpec`] describes one model and [`make()`] makes it; [`zoo`] does that for many, scans
//! them and holds the verdicts against the truth.

mod cleanse;
mod error;
pub mod loss_graph;
mod make;
mod planted;
mod settings;
mod spec;
mod training_set;
pub mod zoo;

pub use error::Error;
pub use make::{Made, Making, classifier, generator_of, make};
pub use planted::{planted, poisoned};
pub use spec::{AuditSpec, Change, ModelSpec, Start};
pub use training_set::TrainingSet;
