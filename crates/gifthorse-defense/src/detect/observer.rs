//! How a search tells what it is doing, and is told to stop.

use crate::detect::neural_cleanse::ClassFinding;

/// Watches a search. Methods are called from several threads at once.
pub trait Observer: Sync {
    /// The search for a trigger to `class` begins; again, if it was in front in an early phase.
    fn started(&self, class: usize);
    /// `done` of at most `at_most` updates of the trigger to `class` are made; counted anew after an early phase.
    fn progressed(&self, class: usize, done: usize, at_most: usize);
    /// The search for a class ended, or was eliminated early.
    fn finished(&self, finding: &ClassFinding);
    /// Whether to stop as soon as possible (the time is over, the user gave up). Classes that
    /// have not ended then are reported as skipped.
    fn stop(&self) -> bool;
}

/// Watches nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn started(&self, _: usize) {}
    fn progressed(&self, _: usize, _: usize, _: usize) {}
    fn finished(&self, _: &ClassFinding) {}
    fn stop(&self) -> bool {
        false
    }
}
