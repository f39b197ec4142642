//! What can go wrong in a detector.

use thiserror::Error;

/// Errors of detectors and of the checks before them.
#[derive(Debug, Error)]
pub enum Error {
    /// The model could not be run.
    #[error(transparent)]
    Engine(#[from] gifthorse_engine::Error),
    /// A detector needs to know which class each image is of.
    #[error("the images have no labels; use the model's own predictions for them")]
    NoLabels,
    /// Nothing to search with.
    #[error("no image is left to search a trigger to class {0} with: give images of other classes")]
    NoImages(usize),
    /// Autodiff gave nothing back.
    #[error("the model's output does not depend on its image, so that no gradient comes back")]
    NoGradient,
    /// A search that was kept does not belong to this scan.
    #[error(transparent)]
    Snapshot(#[from] crate::detect::neural_cleanse::SnapshotError),
    /// Searches could not be kept or read back.
    #[error("the search for class {class} could not be kept or taken up again")]
    Keeper {
        /// Target class.
        class: usize,
        /// What the keeper said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The statistics refused their input.
    #[error(transparent)]
    Stats(#[from] crate::verdict::StatsError),
    /// The pre-flight refused its input.
    #[error(transparent)]
    Preflight(#[from] crate::preflight_stats::PreflightError),
}
