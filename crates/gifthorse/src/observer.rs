//! How a scan tells what it is doing, and is told to stop.

use std::path::Path;
use std::time::Duration;

use gifthorse_defense::detect::neural_cleanse::ClassFinding;

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

/// Watches a scan. Every method has a default that does nothing; those about classes are called from several threads
/// at once.
pub trait ScanObserver: Sync {
    /// A stage begins.
    fn stage(&self, _stage: Stage) {}

    /// The scan of a reference begins, the one at `place` of `count`, counted from 0; its own stages follow.
    fn reference(&self, _place: usize, _count: usize, _path: &Path) {}

    /// Something that the user should know but that does not end the scan. The text may quote names that come from
    /// files: escape it where it is shown.
    fn warning(&self, _message: &str) {}

    /// The searches of so many classes, of all that are wanted, were begun or ended before and are taken from the folder in
    /// which the scan is kept.
    fn resumed(&self, _begun: usize, _wanted: usize) {}

    /// The model and the images are read; this is the memory that the scan will take at most.
    fn memory(&self, _predicted: &ScanMemory) {}

    /// The searches begin: so many classes, and the time that they take at most, judged by a few updates made before.
    fn estimate(&self, _classes: usize, _at_most: Duration) {}

    /// The search for a trigger to `class` begins; again, if it was in front in an early phase.
    fn class_started(&self, _class: usize) {}

    /// `done` of at most `at_most` updates of the trigger to `class` are made; counted anew after an early phase.
    fn class_progressed(&self, _class: usize, _done: usize, _at_most: usize) {}

    /// The search for a class ended, or was eliminated early.
    fn class_finished(&self, _finding: &ClassFinding) {}

    /// Whether to stop as soon as possible. Classes that have not ended then are reported as skipped.
    fn stop(&self) -> bool {
        false
    }
}

/// Watches nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl ScanObserver for Silent {}
