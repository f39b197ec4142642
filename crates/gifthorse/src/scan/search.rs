//! The searches of the detectors, within the time given.

use std::time::{Duration, Instant};

use gifthorse_defense::detect::Detector;
use gifthorse_defense::finding::{Finding, Findings, Unit};
use gifthorse_defense::search::{Keeper, Observer, search};
use gifthorse_defense::subject::Subject;

use super::estimate;
use crate::Error;
use crate::observer::ScanObserver;

/// What the searches of one detector found.
pub struct Searched<'a> {
    /// The detector.
    pub detector: &'a dyn Detector,
    /// One finding for each unit that was to be searched; empty if the searches were left out.
    pub findings: Findings,
    /// Units that were to be searched.
    pub wanted: usize,
    /// Classes that the images do not allow to search, which are not among those wanted.
    pub left_out: Vec<usize>,
    /// Units of the whole model.
    pub all: usize,
    /// Time that all searches took together.
    pub seconds: f64,
}

impl<'a> Searched<'a> {
    /// Says how long the searches take at most, then runs them.
    ///
    /// # Errors
    /// No image to search with, a model that cannot be differentiated, or a keeper that fails.
    pub fn run(
        detector: &'a dyn Detector,
        subject: &Subject<'a>,
        units: &[Unit],
        deadline: Option<Instant>,
        keeper: &dyn Keeper,
        observer: &dyn ScanObserver,
    ) -> Result<Self, Error> {
        let clock = Instant::now();
        let late = deadline.is_some_and(|end| clock >= end);
        let at_most = match late {
            true => Duration::ZERO,
            false => estimate::at_most(detector, subject, units)?,
        };
        observer.detector(detector.about(), units.len(), at_most);
        let watch = Watch { observer, deadline };
        let findings = search(detector, subject, units, &watch, keeper)?;
        Ok(Self {
            findings,
            seconds: clock.elapsed().as_secs_f64(),
            ..Self::none(detector, units.len(), subject.classifier.classes())
        })
    }

    /// The searches were left out.
    pub fn none(detector: &'a dyn Detector, wanted: usize, classes: usize) -> Self {
        Self {
            detector,
            findings: Findings::default(),
            wanted,
            left_out: Vec::new(),
            all: detector.units(classes).len(),
            seconds: 0.0,
        }
    }

    /// Units whose searches were to be made and were neither ended nor eliminated.
    pub fn skipped(&self) -> usize {
        self.wanted - self.findings.ended().count() - self.findings.eliminated()
    }
}

/// When a scan that began at `started` has to be done.
pub fn deadline(started: Instant, max_time: Option<Duration>) -> Option<Instant> {
    max_time.and_then(|limit| started.checked_add(limit))
}

/// Hands a search's news on, and stops it when the time is over.
struct Watch<'a> {
    observer: &'a dyn ScanObserver,
    deadline: Option<Instant>,
}

impl Observer for Watch<'_> {
    fn started(&self, unit: Unit) {
        self.observer.search_started(unit);
    }

    fn progressed(&self, unit: Unit, done: usize, at_most: usize) {
        self.observer.search_progressed(unit, done, at_most);
    }

    fn finished(&self, finding: &Finding) {
        self.observer.search_finished(finding);
    }

    fn stop(&self) -> bool {
        let late = self.deadline.is_some_and(|end| Instant::now() >= end);
        late || self.observer.stop()
    }
}
