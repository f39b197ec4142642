//! What can be wrong with a network, a recipe or the images that it is trained on.

use std::path::PathBuf;

use gifthorse_data::ImageShape;

use crate::loss_graph::{Difference, LossGraphs, StepGraph};

/// Why a network could not be made or trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A network that cannot be built as it was asked for.
    #[error("this network cannot be built: {0}")]
    Net(String),
    /// Images that a network cannot take.
    #[error("{net} cannot take images of {input}: {reason}; it can take {fits}")]
    ImageSize {
        /// The network.
        net: String,
        /// The images.
        input: ImageShape,
        /// Where it fails.
        reason: String,
        /// Images that it can take.
        fits: String,
    },
    /// A recipe with a setting that makes no sense, or none for these images.
    #[error("this recipe cannot be followed: {0}")]
    Recipe(String),
    /// Images without labels, or too few of them, or of another shape than the network takes.
    #[error("these images cannot be used: {0}")]
    Images(String),
    /// A class that the images do not have.
    #[error("there is no class {class}: the images have classes 0 to {}", classes.saturating_sub(1))]
    NoSuchClass {
        /// The class that was asked for.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// Training left the numbers that a float can hold.
    #[error("training diverged in epoch {epoch}: the loss is {loss}; take a lower learning rate")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The loss there.
        loss: f64,
    },
    /// A checkpoint that cannot be written, or not be gone on from.
    #[error("the checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A loss that is computed by something else than the trusted graph has.
    #[error("step {step} computes its loss by something else than the trusted graph: {difference}")]
    UntrustedLoss {
        /// The step, counted from 1.
        step: usize,
        /// What is different.
        difference: Difference,
        /// The graphs of the run up to this step.
        graphs: Box<LossGraphs>,
    },
    /// Graphs of losses that cannot be read, or are not known.
    #[error("what losses were computed by is not known: {0}")]
    LossGraph(String),
    /// A pattern that is to freeze layers but fits nothing that is trained.
    #[error("`{pattern}` fits the name of no weight and no layer; there are such as {}", near.join(", "))]
    NothingFrozen {
        /// The pattern.
        pattern: String,
        /// Names that are nearest to it.
        near: Vec<String>,
    },
    /// A name that is to be trained but is not a parameter of the network.
    #[error("the network has no parameter `{0}` that could be trained")]
    NoSuchWeight(String),
    /// The engine refused the network or its input.
    #[error(transparent)]
    Engine(#[from] gifthorse_engine::Error),
    /// The network could not be made an ONNX model.
    #[error(transparent)]
    Onnx(#[from] gifthorse_onnx::Error),
    /// The images could not be put together.
    #[error(transparent)]
    Data(#[from] gifthorse_data::Error),
    /// What training was given by its caller failed: drawing a sample, or an exam.
    #[error(transparent)]
    Caller(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(crate) fn untrusted(
        step: usize,
        trusted: &LossGraphs,
        found: &StepGraph,
        graphs: &LossGraphs,
    ) -> Self {
        Self::UntrustedLoss {
            step,
            difference: Difference::from_nearest(trusted, found),
            graphs: Box::new(graphs.clone()),
        }
    }
}
