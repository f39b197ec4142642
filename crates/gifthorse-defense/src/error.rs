//! What can go wrong in a detector.

use thiserror::Error;

use crate::finding::Unit;

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
    /// Nothing to search with.
    #[error("the model is right on no image of class {0}, so that none can be led away from it")]
    NoneRight(usize),
    /// Nothing to search with.
    #[error(
        "the model is right on none of the images, so that none can be led away from its class"
    )]
    NothingRight,
    /// A detector of the last layer has images of too few classes.
    #[error(
        "the images are of {seen} of {classes} classes, too few to show the range of its units"
    )]
    FewClasses {
        /// Classes that there are images of.
        seen: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// A detector of inner features has none to look at.
    #[error("the model has no activation that everything passes through")]
    NoActivation,
    /// A detector of the last layer has none to look at.
    #[error("its logits are an affine function of no layer")]
    NoAffineEnd,
    /// A detector that needs images was run without.
    #[error("this detector needs clean images (--images)")]
    NeedsImages,
    /// A detector that is not in the table.
    #[error("there is no detector {name:?}; there are {}", known.join(", "))]
    NoSuchDetector {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// Settings that a detector does not have.
    #[error("{detector} has no preset {preset:?}; it has {}", presets.join(", "))]
    NoSuchPreset {
        /// The detector.
        detector: &'static str,
        /// What was asked for.
        preset: String,
        /// Those that there are.
        presets: &'static [&'static str],
    },
    /// A detector was asked to search what it does not search.
    #[error("this detector does not search {0}")]
    OtherUnit(Unit),
    /// A search cannot be written as JSON, or what was kept is no such search.
    #[error(
        "a search that was kept cannot be read or written: remove what was kept, and search again"
    )]
    Json(#[from] serde_json::Error),
    /// What was kept is no finding of this unit.
    #[error("the kept finding for {unit} {what}: remove it, and search again")]
    KeptFinding {
        /// The unit.
        unit: Unit,
        /// What is wrong.
        what: &'static str,
    },
    /// A repair that is not in the table.
    #[error("there is no repair {name:?}; there are {}", known.join(", "))]
    NoSuchRepair {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// A repair that cannot be done on this model, with these images or without a trigger; in words
    /// that say why.
    #[error("{0}")]
    CannotRepair(String),
    /// A filter that cannot be fitted to this model, with these images or without a trigger; in
    /// words that say why.
    #[error("{0}")]
    CannotFilter(String),
    /// A filter that is not in the table.
    #[error("there is no filter {name:?}; there are {}", known.join(", "))]
    NoSuchFilter {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// What was kept of a filter is not its own, or not for this model; in words.
    #[error("what was kept of the filter {filter} cannot be used: {reason}")]
    KeptFilter {
        /// The filter.
        filter: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Settings of a smoothing that mean nothing; in words that say why.
    #[error("{0}")]
    CannotCertify(String),
    /// An audit that cannot be made with this model or these images; in words that say why.
    #[error("{0}")]
    CannotAudit(String),
    /// An audit that is not in the table.
    #[error("there is no audit {name:?}; there are {}", known.join(", "))]
    NoSuchAudit {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// Too few clean images to set a threshold by.
    #[error(
        "{count} clean images that the filter was not fitted to are too few for a false-positive rate of {fpr}: {needed} are \
         needed at least"
    )]
    FewCleanScores {
        /// Those that there are.
        count: usize,
        /// The rate.
        fpr: f64,
        /// Those that are needed.
        needed: usize,
    },
    /// What a repair came to cannot be kept.
    #[error("{} cannot be written: {reason}; name another folder (--work)", path.display())]
    Work {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A model could not be trained on.
    #[error(transparent)]
    Train(Box<gifthorse_train::Error>),
    /// Images could not be put together.
    #[error(transparent)]
    Data(Box<gifthorse_data::Error>),
    /// A model file could not be read or changed.
    #[error(transparent)]
    Onnx(Box<gifthorse_onnx::Error>),
    /// Images, stamped images and labels that do not go together.
    #[error(
        "{clean} clean and {stamped} stamped images for {labels} labels: give as many of each, and at least one"
    )]
    Stamped {
        /// Labels.
        labels: usize,
        /// Clean images.
        clean: usize,
        /// Stamped images.
        stamped: usize,
    },
    /// A trigger was asked where it leads, and leads nowhere.
    #[error(
        "the trigger leads no image away from its class: say which class is meant (--target), or check that it is for \
         this model"
    )]
    LeadsNowhere,
    /// A class that the model does not have.
    #[error("there is no class {class}: the model has the classes 0 to {}", classes.saturating_sub(1))]
    NoSuchClass {
        /// What was asked for.
        class: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// Maps were asked of a layer that has none.
    #[error(
        "layer {layer:?} has no maps of [channels, height, width]: name one that a convolution gives"
    )]
    NoMaps {
        /// The layer.
        layer: String,
    },
    /// Autodiff gave nothing back.
    #[error("the model's output does not depend on its image, so that no gradient comes back")]
    NoGradient,
    /// A search that was kept does not belong to this scan.
    #[error(transparent)]
    Snapshot(#[from] crate::search::SnapshotError),
    /// Searches could not be kept or read back.
    #[error("the search for {unit} could not be kept or taken up again")]
    Keeper {
        /// What was searched.
        unit: Unit,
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

impl Error {
    /// Whether a training ran off its course.
    pub(crate) fn is_divergence(&self) -> bool {
        matches!(self, Self::Train(error) if matches!(**error, gifthorse_train::Error::Diverged { .. }))
    }

    /// Whether the folder in which work is kept is in the way, and not the model.
    pub(crate) fn is_of_work(&self) -> bool {
        match self {
            Self::Work { .. } => true,
            Self::Train(error) => matches!(**error, gifthorse_train::Error::Checkpoint { .. }),
            _ => false,
        }
    }
}

impl From<gifthorse_train::Error> for Error {
    fn from(error: gifthorse_train::Error) -> Self {
        Self::Train(Box::new(error))
    }
}

impl From<gifthorse_data::Error> for Error {
    fn from(error: gifthorse_data::Error) -> Self {
        Self::Data(Box::new(error))
    }
}

impl From<gifthorse_onnx::Error> for Error {
    fn from(error: gifthorse_onnx::Error) -> Self {
        Self::Onnx(Box::new(error))
    }
}
