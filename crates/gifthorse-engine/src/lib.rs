//! From an ONNX graph to a differentiable classifier.
//!
//! `lower` translates ONNX nodes into a `program` of a few primitives with known shapes; `execute`
//! runs it. [`Network`] is the raw model, [`Classifier`] takes images in [0, 1] and carries their
//! preprocessing. Nothing here knows of backdoors.

mod activations;
mod classifier;
mod error;
mod execute;
mod last_layers;
mod layer;
mod lower;
mod mode;
mod network;
mod preprocess;
mod program;
mod trainable;

pub use activations::activations;
pub use burn_tensor::{Device, Gradients, Tensor};
pub use classifier::{Classifier, Feature, Head, Intervention, Tail, Tapped, Taps, answer_of};
pub use error::Error;
pub use execute::array::Array;
pub use execute::compiled::PlanPart;
pub use execute::statistics::BatchStatistics;
pub use gifthorse_segment::{
    MapShape, Memory as SegmentMemory, Pass, StageInfo, Work, alone, is_alone,
};
pub use last_layers::{last_maps, logits_input};
pub use layer::{Hinge, Layer};
pub use lower::weights::{ChannelReader, Role, RunningStatistics, Weight, Wiring};
pub use lower::{Ends, ImageInput, Look, Opening, Output, is_supported, running_means};
pub use mode::Mode;
pub use network::{AffineEnd, Batching, Memory, Network};
pub use preprocess::{Channels, Layout, PixelRange, Preprocess};
pub use program::branch::{Branch, BranchScope};
pub use program::structure::{StructureFinding, StructureRule};
pub use trainable::{Operation, Outcome, Trainable};
