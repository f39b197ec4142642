//! The search of one target: a change for each source, all of them grown side by side.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::order_statistics::OfTarget;
use crate::detect::l_red::{Case, Perturbation, STEPS, Weighed, step};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search};
use crate::subject::Subject;

/// Images of a source.
pub const IMAGES: usize = 10;
/// Sources whose images are shown to the model together.
const TOGETHER: usize = 5;
/// Most images in a pass.
pub const BATCH: usize = IMAGES * TOGETHER;
/// The share of a source's images that have to go to the target.
pub const RATE: f64 = 0.9;
/// Smaller norms count as this one.
pub const LEAST_NORM: f64 = 1e-3;
/// Version of what is kept.
const VERSION: u32 = 1;

/// The source of the smallest change.
const SOURCE: &str = "source";
/// The median norm over all sources.
const MEDIAN: &str = "median_norm";
/// What the published rule has to know, see [`OfTarget`].
const SOURCES: &str = "sources";
const MEAN: &str = "mean_inverse_norm";
const MEAN_OF_LOGARITHMS: &str = "mean_logarithm_of_inverse_norm";

/// The images of a source, and its change.
struct Pair {
    source: usize,
    images: Vec<f32>,
    /// What part of the loss falls to each image.
    weights: Vec<f32>,
    change: Perturbation,
}

/// The search as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    belongs: Belongs,
    changes: Vec<Perturbation>,
    steps: usize,
    #[serde(with = "crate::exact::double")]
    seconds: f64,
}

/// A search for the changes that lead images of other classes to a class, one for each of these.
pub struct TargetSearch<'a> {
    subject: Subject<'a>,
    target: usize,
    pairs: Vec<Pair>,
    steps: usize,
    seconds: f64,
}

impl<'a> TargetSearch<'a> {
    /// The search for `target` at its beginning: from all other classes that the model is right on
    /// some image of.
    ///
    /// # Errors
    /// Images without labels, or none of another class that the model is right on.
    pub fn new(subject: Subject<'a>, target: usize) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let right = subject.facts.right(&subject)?;
        let mut of_source = BTreeMap::<usize, Vec<usize>>::new();
        for (place, &label) in labels.iter().enumerate() {
            if right[place] && label != target {
                of_source.entry(label).or_default().push(place);
            }
        }
        if of_source.is_empty() {
            return Err(Error::NoImages(target));
        }
        let size = subject.classifier.shape().iter().product();
        let pairs = of_source.into_iter().map(|(source, mut places)| {
            places.truncate(IMAGES);
            Pair {
                source,
                images: search.subset(&places).pixels().to_vec(),
                weights: vec![1.0 / places.len() as f32; places.len()],
                change: Perturbation::new(target, size),
            }
        });
        Ok(Self {
            pairs: pairs.collect(),
            subject,
            target,
            steps: 0,
            seconds: 0.0,
        })
    }

    /// The search where [`Search::snapshot`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(subject: Subject<'a>, target: usize, kept: &str) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_str(kept)?;
        let mut new = Self::new(subject, target)?;
        kept.belongs.check(&new.belongs())?;
        let size = subject.classifier.shape().iter().product();
        let sound = kept.changes.len() == new.pairs.len()
            && kept.changes.iter().all(|change| change.fits(target, size));
        kept.belongs
            .check_contents((kept.version, VERSION), &[(sound, "changes of pairs")])?;
        for (pair, change) in new.pairs.iter_mut().zip(kept.changes) {
            pair.change = change;
        }
        Ok(Self {
            steps: kept.steps,
            seconds: kept.seconds,
            ..new
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.target),
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.pairs.iter().map(|pair| pair.weights.len()).sum(),
            settings: format!("{IMAGES} images of a class, {RATE}, {STEPS} steps"),
        }
    }

    /// One step of every change that still grows.
    fn step(&mut self) -> Result<(), Error> {
        let growing = self.pairs.iter_mut().filter(|it| !it.change.has_ended());
        let mut cases: Vec<Case<'_>> = growing
            .map(|pair| Case {
                shown: Weighed {
                    images: &pair.images,
                    weights: &pair.weights,
                    rate: RATE,
                },
                change: &mut pair.change,
            })
            .collect();
        for together in cases.chunks_mut(TOGETHER) {
            step(self.subject.classifier, together)?;
        }
        self.steps += 1;
        Ok(())
    }

    /// The pair of the smallest change that leads to the target.
    fn smallest(&self) -> Option<&Pair> {
        let reached = self.pairs.iter().filter(|pair| pair.change.reached);
        reached.min_by(|a, b| a.change.norm().total_cmp(&b.change.norm()))
    }

    /// Of all pairs, those that were not reached with the norm at which they were left.
    fn norms(&self) -> Vec<f64> {
        let norms = self.pairs.iter().map(|pair| pair.change.norm());
        norms.map(|norm| norm.max(LEAST_NORM)).collect()
    }
}

/// What the published rule has to know of a target, from the finding.
pub fn of_target(found: &Finding) -> Option<OfTarget> {
    let measure = |name: &str| {
        let mut measures = found.measures.iter();
        Some(measures.find(|measure| measure.name == name)?.value)
    };
    (found.state == State::Reached).then_some(())?;
    Some(OfTarget {
        sources: measure(SOURCES)?,
        largest: 1.0 / found.statistic.max(LEAST_NORM),
        mean: measure(MEAN)?,
        mean_of_logarithms: measure(MEAN_OF_LOGARITHMS)?,
    })
}

impl Search for TargetSearch<'_> {
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
        self.pairs.iter().all(|pair| pair.change.has_ended())
    }

    fn steps(&self) -> usize {
        self.steps
    }

    /// Of all sources together.
    fn updates(&self) -> usize {
        self.steps
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        let changes = self.pairs.iter().map(|pair| pair.change.clone());
        Ok(serde_json::to_string(&Kept {
            version: VERSION,
            belongs: self.belongs(),
            changes: changes.collect(),
            steps: self.steps,
            seconds: self.seconds,
        })?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let norms = self.norms();
        let inverse: Vec<f64> = norms.iter().map(|norm| 1.0 / norm).collect();
        let (Some(smallest), Some(all)) = (self.smallest(), OfTarget::of(&inverse)) else {
            return Ok(Finding {
                reason: Some("no change of the size that was tried leads to it".to_owned()),
                ..self.unfinished(State::Unreached)
            });
        };
        let measure = |(name, value, unit): (&str, f64, &str)| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let median = crate::verdict::median(norms).unwrap_or(f64::NAN);
        let measures = [
            (SOURCE, smallest.source as f64, "class"),
            (MEDIAN, median, "pixel values"),
            (SOURCES, all.sources, ""),
            (MEAN, all.mean, ""),
            (MEAN_OF_LOGARITHMS, all.mean_of_logarithms, ""),
        ];
        Ok(Finding {
            statistic: smallest.change.norm().max(LEAST_NORM),
            measures: measures.into_iter().map(measure).collect(),
            ..self.unfinished(State::Reached)
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        let norms = self.norms();
        Finding {
            state,
            statistic: norms.into_iter().fold(f64::INFINITY, f64::min),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.target))
        }
    }
}
