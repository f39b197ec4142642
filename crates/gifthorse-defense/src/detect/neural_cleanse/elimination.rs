//! The early phase of a scan of many classes, whichever way its triggers are to lead.

use super::config::Config;
use super::effort::EarlyPhase;
use crate::detect::Detector;
use crate::finding::Unit;
use crate::search::{Early, Next};

/// A detector with the settings of the early phase, and the phase.
pub struct Elimination {
    /// The phase.
    pub phase: EarlyPhase,
    /// The settings of its searches.
    pub settings: Config,
    /// The detector with these settings.
    pub short: Box<dyn Detector>,
}

impl Early for Elimination {
    fn detector(&self) -> &dyn Detector {
        self.short.as_ref()
    }

    fn next(&self, units: usize, tops: &[Vec<Unit>]) -> Next {
        self.phase.next(&self.settings, units, tops)
    }

    fn finalists(&self) -> usize {
        self.phase.finalists
    }

    fn sample(&self) -> usize {
        self.phase.sample
    }
}
