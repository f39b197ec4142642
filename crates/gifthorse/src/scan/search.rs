//! The searches, within the time given.

use std::time::{Duration, Instant};

use gifthorse_data::Images;
use gifthorse_defense::detect::Observer;
use gifthorse_defense::detect::neural_cleanse::{
    ClassFinding, Config, Findings, Keeper, State, Task, search,
};
use gifthorse_engine::Classifier;

use super::estimate;
use crate::observer::ScanObserver;
use crate::{Error, ScanRequest};

/// What the searches found.
pub struct Searched {
    /// One finding for each class that was to be searched, in class order; empty if the searches were left out.
    pub findings: Vec<ClassFinding>,
    /// Classes that were drawn at random to stand for the eliminated ones.
    pub sampled: Vec<usize>,
    /// Classes that were to be searched.
    pub wanted: usize,
    /// Classes of the model.
    pub classes: usize,
    /// Time that all searches took together.
    pub seconds: f64,
}

impl Searched {
    /// Says how long the searches take at most, then runs them.
    ///
    /// # Errors
    /// No image to search with, a model that cannot be differentiated, or a keeper that fails.
    pub fn run(
        classifier: &Classifier,
        (search_images, holdout): (&Images, &Images),
        config: &Config,
        request: &ScanRequest,
        keeper: &dyn Keeper,
        observer: &dyn ScanObserver,
    ) -> Result<Self, Error> {
        let clock = Instant::now();
        let classes = classifier.classes();
        let wanted = config.classes.as_ref().map_or(classes, Vec::len);
        let at_most = estimate::at_most(classifier, search_images, config, wanted)?;
        observer.estimate(wanted, at_most);
        let watch = Watch {
            observer,
            clock,
            max_time: request.max_time,
        };
        let task = Task {
            classifier,
            search: search_images,
            holdout,
            config,
            seed: request.seed,
        };
        let Findings {
            classes: findings,
            sampled,
        } = search(&task, &watch, keeper)?;
        Ok(Self {
            findings,
            sampled,
            wanted,
            classes,
            seconds: clock.elapsed().as_secs_f64(),
        })
    }

    /// The searches were left out.
    pub fn none(config: &Config, classes: usize) -> Self {
        Self {
            findings: Vec::new(),
            sampled: Vec::new(),
            wanted: config.classes.as_ref().map_or(classes, Vec::len),
            classes,
            seconds: 0.0,
        }
    }

    /// The findings of searches that came to their end.
    pub fn ended(&self) -> impl Iterator<Item = &ClassFinding> {
        let ended =
            |finding: &&ClassFinding| matches!(finding.state, State::Reached | State::Unreached);
        self.findings.iter().filter(ended)
    }

    /// How many classes were eliminated early.
    pub fn eliminated(&self) -> usize {
        let eliminated = |finding: &&ClassFinding| finding.state == State::Eliminated;
        self.findings.iter().filter(eliminated).count()
    }

    /// The classes that stand for the eliminated ones and whose search came to its end.
    pub fn stand_ins(&self) -> Vec<usize> {
        let ended = self.ended().map(|finding| finding.class);
        ended.filter(|class| self.sampled.contains(class)).collect()
    }
}

/// Hands a search's news on, and stops it when the time is over.
struct Watch<'a> {
    observer: &'a dyn ScanObserver,
    clock: Instant,
    max_time: Option<Duration>,
}

impl Observer for Watch<'_> {
    fn started(&self, class: usize) {
        self.observer.class_started(class);
    }

    fn progressed(&self, class: usize, done: usize, at_most: usize) {
        self.observer.class_progressed(class, done, at_most);
    }

    fn finished(&self, finding: &ClassFinding) {
        self.observer.class_finished(finding);
    }

    fn stop(&self) -> bool {
        let late = self
            .max_time
            .is_some_and(|limit| self.clock.elapsed() >= limit);
        late || self.observer.stop()
    }
}
