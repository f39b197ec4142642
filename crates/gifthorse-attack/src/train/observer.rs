//! Who watches a training run, such as a progress bar.

/// How one epoch went, on the images as they were trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochSummary {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch, in nats.
    pub loss: f64,
    /// Share of images that were given their label at the moment that they were trained on.
    pub accuracy: f64,
}

/// Is told how training goes on.
pub trait Observer: Sync {
    /// `done` of `total` updates have been made.
    fn step(&self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// An epoch is over.
    fn epoch(&self, summary: &EpochSummary) {
        let _ = summary;
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silent;

impl Observer for Silent {}
