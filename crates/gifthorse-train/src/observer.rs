//! Who watches a training run, such as a progress bar.

use crate::Marks;

/// How far training is after an update of the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepSummary {
    /// Updates that have been made, of all epochs.
    pub done: usize,
    /// Updates that there will be if it does not stop early.
    pub total: usize,
    /// The epoch that the update belongs to, counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over this epoch so far, in nats.
    pub loss: f64,
}

/// How one epoch went, on the images as they were trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochSummary {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch, in nats.
    pub loss: f64,
    /// Share of images that were given their label at the moment that they were trained on.
    pub accuracy: f64,
    /// How the model did in the exam after the epoch, if there is one.
    pub marks: Option<Marks>,
}

/// Is told how training goes on.
pub trait Observer: Sync {
    /// The weights have been updated.
    fn step(&self, step: &StepSummary) {
        let _ = step;
    }

    /// An epoch is over.
    fn epoch(&self, summary: &EpochSummary) {
        let _ = summary;
    }

    /// Whether the run is to stop: asked before each update.
    fn stop(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silent;

impl Observer for Silent {}
