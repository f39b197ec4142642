//! The search of one class at rest: everything that it needs to go on as if it had never stopped.

use serde::{Deserialize, Serialize};

use super::ascent::Moments;
use super::finding::StepOutcome;
use super::start::Start;
use crate::exact;
use crate::search::{Belongs, SnapshotError};

/// The version of the format that is written and read.
pub const SNAPSHOT_VERSION: u32 = 1;

/// A search between two steps. Any serde format keeps it: every number comes back bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of this format, [`SNAPSHOT_VERSION`].
    pub version: u32,
    /// Whose search it is.
    pub(super) belongs: Belongs,
    /// The pixels that climb, `[starts, channels, height, width]`.
    #[serde(with = "exact::singles")]
    pub(super) pixels: Vec<f32>,
    pub(super) moments: Moments,
    pub(super) starts: Vec<Start>,
    /// The image with the largest margin so far, `[channels, height, width]`; empty before the
    /// first step.
    #[serde(with = "exact::singles")]
    pub(super) best: Vec<f32>,
    pub(super) trace: Vec<StepOutcome>,
    /// Time taken so far, in seconds.
    pub(super) seconds: f64,
}

impl Snapshot {
    /// Refuses a snapshot of another search, and one whose parts do not fit together.
    pub(super) fn check(&self, wanted: &Belongs, starts: usize) -> Result<(), SnapshotError> {
        if self.version == SNAPSHOT_VERSION {
            self.belongs.check(wanted)?;
        }
        let image: usize = wanted.shape.iter().product();
        let best = if self.trace.is_empty() { 0 } else { image };
        let sound = [
            (
                self.pixels.len() == starts * image && self.starts.len() == starts,
                "the starts are others in number or size",
            ),
            (
                self.moments.fit(self.pixels.len()),
                "the optimiser's moments are of another size than the images",
            ),
            (
                self.best.len() == best || self.best.is_empty(),
                "the best image is of another size",
            ),
        ];
        wanted.check_contents((self.version, SNAPSHOT_VERSION), &sound)
    }
}
