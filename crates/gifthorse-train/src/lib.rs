//! Networks and their training: what attacks, repairs and zoos all need. Knows neither triggers nor
//! defences.
//!
//! A [`net::Net`] is an ONNX graph from the start, so that what is trained, scanned and written to
//! a file is one and the same definition; [`train`] fits it to labelled images.
//!
//! Each batch is cut into a fixed number of shards whose gradients are computed side by side and
//! added in a fixed order. So the weights depend on the seed and the recipe, and not on the number
//! of threads or on which of them was faster.

mod augment;
mod checkpoint;
mod error;
mod exam;
mod further_losses;
mod gradient;
mod inner;
mod look;
mod loss_graph;
mod min_norm;
pub mod net;
mod observer;
mod optimiser;
mod progress;
mod pullback;
mod random;
mod recipe;
mod samples;
mod schedule;
mod shaping;
mod sharpness;
mod training;

use gifthorse_onnx::Model;

use crate::net::Net;

pub use augment::{Augment, Augmented};
pub use checkpoint::Checkpoint;
pub use error::Error;
pub use exam::{Exam, Marks};
pub use further_losses::{Balance, Change, FurtherLosses, Normalise};
pub use gifthorse_engine::Operation;
pub use inner::{InnerLoss, Inside, Slope};
pub use look::Look;
pub use loss_graph::{Beside, Difference, LossGraphs, NetworkGraph, Seen, StepGraph, Term};
pub use observer::{EpochSummary, Observer, Silent, StepSummary};
pub use optimiser::{Optimiser, State as OptimiserState};
pub use pullback::Pullback;
pub use random::Purpose;
pub use recipe::{Recipe, StopAt};
pub use samples::Samples;
pub use schedule::Schedule;
pub use shaping::Shaping;
pub use sharpness::Sharpness;
pub use training::Training;

/// A trained network.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The network's model with the trained weights; all else is as it was.
    pub model: Model,
    /// How each epoch went.
    pub epochs: Vec<EpochSummary>,
    /// Updates that were made.
    pub updates: usize,
    /// Whether the observer stopped the run before its end. One that is saved goes on from there
    /// later.
    pub stopped: bool,
    /// What the losses of all updates were computed by.
    pub graphs: LossGraphs,
}

/// Trains from the network's first weights, with nothing but an observer; [`Training`] can do more.
///
/// # Errors
/// What [`Training::run`] refuses.
pub fn train(
    net: &Net,
    samples: &dyn Samples,
    recipe: &Recipe,
    observer: &dyn Observer,
) -> Result<Trained, Error> {
    Training::new(net, samples, recipe).observer(observer).run()
}
