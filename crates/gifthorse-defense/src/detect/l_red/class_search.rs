//! The search of one class.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::perturbation::{Case, Perturbation, STEPS, Weighed, step};
use super::sources::Sources;
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search};
use crate::subject::Subject;

/// Images of each source class,
pub const IMAGES_OF_ONE: usize = 6;
/// and of all together.
pub const IMAGES: usize = 60;
/// The weighted share of images that have to go to the class.
pub const RATE: f64 = 0.8;
/// Version of what is kept.
const VERSION: u32 = 1;

/// For how many source classes the change is.
const SOURCES: &str = "source_classes";

/// The search as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    belongs: Belongs,
    change: Perturbation,
    /// As the bits of each.
    weights: Vec<u64>,
    #[serde(with = "crate::exact::double")]
    seconds: f64,
}

/// A search for the change that leads images of other classes to a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    images: Vec<f32>,
    sources: Sources,
    weighs: bool,
    change: Perturbation,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `target` at its beginning. If it `weighs`, source classes of which more
    /// images go count more; else all count alike to the end.
    ///
    /// # Errors
    /// Images without labels, or none of another class that the model is right on.
    pub fn new(subject: Subject<'a>, target: usize, weighs: bool) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let of_others: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != target).collect();
        let most = IMAGES.min(IMAGES_OF_ONE * subject.classifier.classes().saturating_sub(1));
        let chosen = subject.facts.right_and_spread(&subject, &of_others, most)?;
        if chosen.is_empty() {
            return Err(Error::NoImages(target));
        }
        let size = subject.classifier.shape().iter().product();
        let of_chosen: Vec<usize> = chosen.iter().map(|&place| labels[place]).collect();
        Ok(Self {
            subject,
            images: search.subset(&chosen).pixels().to_vec(),
            sources: Sources::new(&of_chosen),
            weighs,
            change: Perturbation::new(target, size),
            seconds: 0.0,
        })
    }

    /// The search where [`Search::snapshot`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(
        subject: Subject<'a>,
        target: usize,
        weighs: bool,
        kept: &str,
    ) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_str(kept)?;
        let new = Self::new(subject, target, weighs)?;
        kept.belongs.check(&new.belongs())?;
        let weights: Vec<f64> = kept.weights.into_iter().map(f64::from_bits).collect();
        let sound = [
            (
                weights.len() == new.sources.weights().len()
                    && weights.iter().all(|weight| (0.0..=1.0).contains(weight)),
                "weights of the source classes",
            ),
            (
                kept.change
                    .fits(target, subject.classifier.shape().iter().product()),
                "change of the images",
            ),
        ];
        kept.belongs
            .check_contents((kept.version, VERSION), &sound)?;
        Ok(Self {
            sources: new.sources.with_weights(weights),
            change: kept.change,
            seconds: kept.seconds,
            ..new
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.change.target),
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.sources.of_images().len(),
            settings: format!("{RATE}, {STEPS} steps, weighs: {}", self.weighs),
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        let shown = Weighed {
            images: &self.images,
            weights: &self.sources.of_images(),
            rate: RATE,
        };
        let change = &mut self.change;
        let there = step(self.subject.classifier, &mut [Case { shown, change }])?;
        if let (true, false, Some(there)) = (self.weighs, self.change.reached, there.first()) {
            self.sources.weigh(there);
        }
        Ok(())
    }
}

impl Search for ClassSearch<'_> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.step()?;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.change.has_ended()
    }

    fn steps(&self) -> usize {
        self.change.steps
    }

    fn updates(&self) -> usize {
        self.change.steps
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&Kept {
            version: VERSION,
            belongs: self.belongs(),
            change: self.change.clone(),
            weights: self
                .sources
                .weights()
                .iter()
                .map(|weight| weight.to_bits())
                .collect(),
            seconds: self.seconds,
        })?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        Ok(match self.change.reached {
            true => Finding {
                measures: vec![Measure {
                    name: SOURCES.to_owned(),
                    value: self.sources.count(),
                    unit: String::new(),
                }],
                ..self.unfinished(State::Reached)
            },
            false => Finding {
                reason: Some("no change of the size that was tried leads to it".to_owned()),
                ..self.unfinished(State::Unreached)
            },
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            statistic: self.change.norm(),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.change.target))
        }
    }
}
