//! From an ONNX graph to a differentiable classifier.
//!
//! `lower` translates ONNX nodes into a few primitives with known shapes; `reference` computes each
//! primitive with Burn operations on any Burn device; `segments` holds what is faster than that on
//! a CPU. [`Network`] is the raw model, [`Classifier`] takes images in [0, 1] and carries their
//! preprocessing. Nothing here knows of backdoors.

mod array;
mod branch;
mod classifier;
mod compiled;
mod cost;
mod ends;
mod error;
mod lower;
mod memory;
mod mode;
mod network;
mod preprocess;
mod primitive;
mod program;
mod reference;
mod segments;
mod statistics;
mod stored;
mod trainable;

pub use array::Array;
pub use branch::{Branch, BranchScope};
pub use burn_tensor::{Device, Tensor};
pub use classifier::Classifier;
pub use compiled::PlanPart;
pub use ends::Ends;
pub use error::Error;
pub use gifthorse_segment::{
    MapShape, Memory as SegmentMemory, Pass, StageInfo, Work, alone, is_alone,
};
pub use lower::is_supported;
pub use memory::Memory;
pub use mode::{Mode, running_means};
pub use network::{Batching, Network};
pub use preprocess::{Channels, Layout, PixelRange, Preprocess};
pub use statistics::BatchStatistics;
pub use trainable::{Outcome, Trainable};
