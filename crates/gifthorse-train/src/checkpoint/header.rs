//! The part of a checkpoint that can be read: what the run is of, and how far it is.

use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::progress::Progress;
use crate::{EpochSummary, Marks, Seen};

/// How far a run is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    of: Fingerprint,
    done: usize,
    optimiser_steps: u64,
    loss: Exact,
    right: usize,
    epochs: Vec<Epoch>,
    #[serde(default)]
    graphs: Vec<Seen>,
}

/// A float that is read exactly as it was written: as its bits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
struct Exact(u64);

impl From<f64> for Exact {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl From<Exact> for f64 {
    fn from(value: Exact) -> Self {
        Self::from_bits(value.0)
    }
}

/// An [`EpochSummary`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Epoch {
    epoch: usize,
    loss: Exact,
    accuracy: Exact,
    clean_accuracy: Option<Exact>,
    attack_success: Option<Exact>,
}

impl Header {
    /// That of a run.
    pub fn new(of: &Fingerprint, progress: &Progress) -> Self {
        let epoch = |summary: &EpochSummary| Epoch {
            epoch: summary.epoch,
            loss: summary.loss.into(),
            accuracy: summary.accuracy.into(),
            clean_accuracy: summary.marks.map(|marks| marks.clean_accuracy.into()),
            attack_success: summary
                .marks
                .and_then(|marks| marks.attack_success.map(Exact::from)),
        };
        Self {
            of: of.clone(),
            done: progress.done,
            optimiser_steps: progress.state.steps(),
            loss: progress.loss.into(),
            right: progress.right,
            epochs: progress.epochs.iter().map(epoch).collect(),
            graphs: progress.graphs.graphs.clone(),
        }
    }

    /// Says why another run cannot go on from here, if so.
    pub fn check(&self, of: &Fingerprint) -> Result<(), String> {
        let advice = "remove it to start anew, or name another";
        if self.of.net != of.net {
            return Err(format!("it is of another network; {advice}"));
        }
        if self.of.recipe != of.recipe {
            let (theirs, ours) = (&self.of.recipe, &of.recipe);
            return Err(format!(
                "it is of another recipe, {theirs} and not {ours}; {advice}"
            ));
        }
        if self.of.data != of.data {
            return Err(format!("it is of other images; {advice}"));
        }
        Ok(())
    }

    /// Sets all but the weights and other arrays.
    pub fn restore(self, progress: &mut Progress) {
        progress.done = self.done;
        progress.state.set_steps(self.optimiser_steps);
        progress.loss = self.loss.into();
        progress.right = self.right;
        let epochs = self.epochs.into_iter().map(|epoch| EpochSummary {
            epoch: epoch.epoch,
            loss: epoch.loss.into(),
            accuracy: epoch.accuracy.into(),
            marks: epoch.clean_accuracy.map(|clean_accuracy| Marks {
                clean_accuracy: clean_accuracy.into(),
                attack_success: epoch.attack_success.map(f64::from),
            }),
        });
        progress.epochs = epochs.collect();
        progress.graphs.graphs = self.graphs;
    }
}
