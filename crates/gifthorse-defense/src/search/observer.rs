//! How searches tell what they are doing, and are told to stop.

use crate::finding::{Finding, Unit};

/// Watches the searches of a detector. Methods are called from several threads at once.
pub trait Observer: Sync {
    /// The search of `unit` begins; again, if it was in front in an early phase.
    fn started(&self, unit: Unit);
    /// `done` of at most `at_most` updates of `unit` are made; counted anew after an early phase.
    fn progressed(&self, unit: Unit, done: usize, at_most: usize);
    /// A search ended, or was eliminated early.
    fn finished(&self, finding: &Finding);
    /// Whether to stop as soon as possible (the time is over, the user gave up). Units that
    /// have not ended then are reported as skipped.
    fn stop(&self) -> bool;
}

/// Watches nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn started(&self, _: Unit) {}
    fn progressed(&self, _: Unit, _: usize, _: usize) {}
    fn finished(&self, _: &Finding) {}
    fn stop(&self) -> bool {
        false
    }
}
