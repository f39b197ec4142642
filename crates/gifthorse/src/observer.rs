//! How a scan tells what it is doing, and is told to stop.

use std::path::Path;
use std::time::Duration;

use gifthorse_defense::detect::About;
use gifthorse_defense::finding::{Finding, Unit};

use crate::memory::ScanMemory;

/// The stages of a scan, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The model file is read and made ready to run.
    Model,
    /// The images are read.
    Images,
    /// Accuracy is measured under the preprocessing given and under the usual alternatives.
    Preflight,
    /// The model's gradients are checked.
    Health,
    /// Triggers are searched.
    Search,
    /// The verdict is drawn.
    Verdict,
}

/// Watches a scan. Every method has a default that does nothing; those about single searches are
/// called from several threads at once.
pub trait ScanObserver: Sync {
    /// A scan begins, which may take so long; as long as it likes if `None`.
    fn begins(&self, _max_time: Option<Duration>) {}

    /// A stage begins.
    fn stage(&self, _stage: Stage) {}

    /// The scan of a reference begins, the one at `place` of `count`, counted from 0; its own
    /// stages follow.
    fn reference(&self, _place: usize, _count: usize, _path: &Path) {}

    /// Something that the user should know but that does not end the scan. The text may quote names
    /// that come from files: escape it where it is shown.
    fn warning(&self, _message: &str) {}

    /// So many searches, of all that are wanted, were begun or ended before and are taken from the
    /// folder in which the scan is kept.
    fn resumed(&self, _begun: usize, _wanted: usize) {}

    /// The model and the images are read; this is the memory that the scan will take at most.
    fn memory(&self, _predicted: &ScanMemory) {}

    /// The searches of a detector begin: so many, and the time that they take at most, judged by a
    /// few updates made before; none where the scan's time is over and they are not made.
    fn detector(&self, _about: &'static About, _searches: usize, _at_most: Duration) {}

    /// The search of `unit` begins; again, if it was in front in an early phase.
    fn search_started(&self, _unit: Unit) {}

    /// `done` of at most `at_most` updates of `unit` are made; counted anew after an early phase.
    fn search_progressed(&self, _unit: Unit, _done: usize, _at_most: usize) {}

    /// A search ended, or was eliminated early.
    fn search_finished(&self, _finding: &Finding) {}

    /// Whether to stop as soon as possible. Units that have not ended then are reported as skipped.
    fn stop(&self) -> bool {
        false
    }
}

/// Watches nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl ScanObserver for Silent {}
