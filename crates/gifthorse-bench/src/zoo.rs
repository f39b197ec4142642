//! Many models with a known truth: described in one file, made, scanned, and summed up.
//!
//! [`build()`] makes the models of a `zoo.toml` in a folder and lists them in its `zoo.json`;
//! [`scan_zoo`] scans them, and [`summarise`] holds the verdicts against the truth, which no scan
//! is told; [`library()`] collects what the scans of clean models found, by which verdicts are
//! calibrated; [`repair_zoo`] repairs them and measures what was planted, [`filter_zoo`] fits filters
//! to them and holds these against it; [`attempts`] says what evades the verdict, and at which
//! price. Everything is resumable: what is there already and still as it was asked for is left as
//! it is.

mod attempt;
mod build;
mod filter;
mod finding;
mod held;
mod images;
mod index;
mod jobs;
mod kept;
mod library;
mod plan;
mod repair;
mod scan;
mod shortcoming;
mod sift;
mod store;
mod summary;
mod truth;
mod twins;

pub use attempt::{Attempt, Outcome, attempts};
pub use build::{BuildObserver, BuildRequest, build};
pub use filter::{FilterZooObserver, FilterZooRequest, ZooFilter, filter_zoo};
pub use gifthorse_defense::roc::Auroc;
pub use images::{write as write_images, write_training_set};
pub use index::{Entry, State, Zoo};
pub use library::{backdoored, library};
pub use plan::{Plan, Planned};
pub use repair::{AUTO, RepairZooObserver, RepairZooRequest, ZooRepair, repair_zoo};
pub use scan::{ScanZooObserver, ScanZooRequest, scan_zoo};
pub(crate) use store::read_json;
pub use store::write_json;
pub use summary::{Judged, Row, Share, Summary, summarise};
pub use truth::Planted;
