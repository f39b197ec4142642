//! Fits a network to labelled images.
//!
//! Each batch is cut into a fixed number of shards whose gradients are computed side by side and
//! added in a fixed order. So the weights depend on the seed and the recipe, and not on the number
//! of threads or on which of them was faster.

mod augment;
mod checkpoint;
mod exam;
mod gradient;
mod observer;
mod optimiser;
mod progress;
mod recipe;
mod samples;
mod schedule;
mod training;

use gifthorse_onnx::Model;

use crate::Error;
use crate::net::Net;

pub use augment::{Augment, Augmented};
pub use checkpoint::Checkpoint;
pub use exam::{Exam, Marks};
pub use observer::{EpochSummary, Observer, Silent, StepSummary};
pub use optimiser::Optimiser;
pub use recipe::{Recipe, StopAt};
pub use samples::Samples;
pub use schedule::Schedule;
pub use training::Training;

/// A trained network.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The network's model with the trained weights; all else is as it was.
    pub model: Model,
    /// How each epoch went.
    pub epochs: Vec<EpochSummary>,
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
