//! The search of one class at rest: everything that it needs to go on as if it had never stopped.

use serde::{Deserialize, Serialize};

use super::cost::Counters;
use super::finding::StepOutcome;
use super::restart::Restart;
use crate::adam::Moments;
use crate::exact;
use crate::search::{Belongs, SnapshotError};
use crate::trigger::Patch;

/// The version of the format that is written and read.
pub const SNAPSHOT_VERSION: u32 = 2;

/// A search between two steps. Any serde format keeps it: every number comes back bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of this format, [`SNAPSHOT_VERSION`].
    pub version: u32,
    /// Whose search it is.
    pub(super) belongs: Belongs,
    /// Position in the class's random stream, in 32-bit words.
    pub(super) random_words: u128,
    /// Positions of images still to come in this round through the search set.
    pub(super) queue: Vec<usize>,
    /// Mask in tanh space, `[height, width]`.
    #[serde(with = "exact::singles")]
    pub(super) mask: Vec<f32>,
    /// Pattern in tanh space, `[channels, height, width]`.
    #[serde(with = "exact::singles")]
    pub(super) pattern: Vec<f32>,
    pub(super) mask_moments: Moments,
    pub(super) pattern_moments: Moments,
    pub(super) schedule: Counters,
    /// The smallest trigger that succeeded so far.
    pub(super) best: Option<Patch>,
    pub(super) trace: Vec<StepOutcome>,
    /// Whether the schedule ended the search.
    pub(super) stopped: bool,
    pub(super) restart: Restart,
    /// Time taken so far.
    pub(super) seconds: f64,
}

impl Snapshot {
    /// Steps made.
    pub fn steps(&self) -> usize {
        self.trace.len()
    }

    /// Refuses a snapshot of another search, and one whose parts do not fit together.
    pub(super) fn check(&self, wanted: &Belongs) -> Result<(), SnapshotError> {
        if self.version == SNAPSHOT_VERSION {
            self.belongs.check(wanted)?;
        }
        let [channels, height, width] = wanted.shape;
        let (mask, pattern) = (height * width, channels * height * width);
        let fits = |trigger: &Patch| trigger.mask.len() == mask && trigger.pattern.len() == pattern;
        let sound = [
            (
                self.mask.len() == mask && self.pattern.len() == pattern,
                "the trigger is of another size than the images",
            ),
            (
                self.mask_moments.fits(mask) && self.pattern_moments.fits(pattern),
                "the optimiser's moments are of another size than the trigger",
            ),
            (
                self.best.as_ref().is_none_or(fits),
                "the best trigger is of another size than the images",
            ),
            (
                match &self.restart {
                    Restart::Begun { first, .. } => fits(&first.trigger),
                    Restart::Due | Restart::Done => true,
                },
                "the first trigger is of another size than the images",
            ),
            (
                self.queue.iter().all(|&at| at < wanted.images),
                "it names images that are not there",
            ),
        ];
        wanted.check_contents((self.version, SNAPSHOT_VERSION), &sound)
    }
}
