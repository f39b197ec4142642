//! The search of one class: changes of several images, side by side.

use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::runs::{PATIENCE, Runs};
use crate::detect::l_red::{Case, Perturbation, STEP, STEPS, Weighed, step};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search};
use crate::subject::{Subject, spread_over_classes};

/// Images that are changed.
pub const IMAGES: usize = 10;
/// Images that are needed, or too little could come of it.
pub const FEWEST: usize = 4;
/// The probability that the model has to give to an image's own class.
pub const CONFIDENCE: f64 = 0.99;
/// Version of what is kept.
const VERSION: u32 = 1;

/// How many images were changed,
const CHANGED: &str = "images";
/// and how often each, on average.
const RUNS: &str = "runs_of_an_image";

/// The search as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    belongs: Belongs,
    runs: Vec<Runs>,
    steps: usize,
    #[serde(with = "crate::exact::double")]
    seconds: f64,
}

/// The search of a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    class: usize,
    /// Images of other classes that the model is sure of, one after the other.
    images: Vec<f32>,
    /// What is known of each.
    runs: Vec<Runs>,
    steps: usize,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search of a class at its beginning.
    ///
    /// # Errors
    /// Images without labels, or a model that cannot be run.
    pub fn new(subject: Subject<'a>, class: usize) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let right = subject.facts.right(&subject)?;
        let others = (0..labels.len()).filter(|&place| right[place] && labels[place] != class);
        let others = spread_over_classes(labels, others, labels.len());
        let mut chosen = Vec::new();
        for few in others.chunks(IMAGES) {
            let logits = subject.classifier.evaluate(search.subset(few).pixels())?;
            let rows = few
                .iter()
                .zip(logits.chunks_exact(subject.classifier.classes()));
            chosen.extend(
                rows.filter(|&(&place, row)| is_sure(row, labels[place]))
                    .map(|it| *it.0),
            );
            if chosen.len() >= IMAGES {
                break;
            }
        }
        chosen.truncate(IMAGES);
        let size = subject.classifier.shape().iter().product();
        let first = |image| start(subject.seed, class, image, 0, size);
        let runs = (0..chosen.len()).map(|image| Runs::new(chosen.len(), image, first(image)));
        Ok(Self {
            runs: match chosen.len() < FEWEST {
                true => Vec::new(),
                false => runs.collect(),
            },
            images: search.subset(&chosen).pixels().to_vec(),
            subject,
            class,
            steps: 0,
            seconds: 0.0,
        })
    }

    /// The search where [`Search::snapshot`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(subject: Subject<'a>, class: usize, kept: &str) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_str(kept)?;
        let new = Self::new(subject, class)?;
        kept.belongs.check(&new.belongs())?;
        let images = new.runs.len();
        let fits = |change: &Perturbation| change.fits(class, new.size());
        let sound =
            kept.runs.len() == images && kept.runs.iter().all(|runs| runs.is_sound(images, fits));
        kept.belongs
            .check_contents((kept.version, VERSION), &[(sound, "changes of images")])?;
        Ok(Self {
            runs: kept.runs,
            steps: kept.steps,
            seconds: kept.seconds,
            ..new
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.class),
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.runs.len(),
            settings: format!("{CONFIDENCE}, {STEPS} steps, patience {PATIENCE}"),
        }
    }

    fn size(&self) -> usize {
        self.subject.classifier.shape().iter().product()
    }

    /// One step of the change of every image that still has one.
    fn step(&mut self) -> Result<(), Error> {
        let (size, class) = (self.size(), self.class);
        let cases = self.images.chunks_exact(size).zip(&mut self.runs);
        let mut cases: Vec<Case<'_>> = cases
            .filter_map(|(image, runs)| {
                let shown = Weighed {
                    images: image,
                    weights: &[1.0],
                    rate: 1.0,
                };
                let change = runs.growing.as_mut()?;
                Some(Case { shown, change })
            })
            .collect();
        step(self.subject.classifier, &mut cases)?;
        for (place, runs) in self.runs.iter_mut().enumerate() {
            let Some(ended) = runs.growing.take_if(|change| change.has_ended()) else {
                continue;
            };
            let changed = ended.added_to(&self.images, 1.0);
            let answers = self.subject.classifier.predict(&changed)?;
            let led = answers.into_iter().map(|answer| answer == class);
            let seed = self.subject.seed;
            runs.end(led, |run| start(seed, class, place, run, size));
        }
        self.steps += 1;
        Ok(())
    }
}

/// Whether the model gives a class at least the probability that is asked for.
fn is_sure(logits: &[f32], class: usize) -> bool {
    let own = f64::from(logits[class]);
    let sum: f64 = logits.iter().map(|&it| (f64::from(it) - own).exp()).sum();
    1.0 / sum >= CONFIDENCE
}

/// The change that an image's run begins with: in a random direction, of the length of a step.
fn start(seed: u64, class: usize, image: usize, run: usize, size: usize) -> Perturbation {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((class as u64) << 32 | (image as u64) << 24 | run as u64);
    let normal: Vec<f32> = StandardNormal.sample_iter(random).take(size).collect();
    let square: f32 = normal.iter().map(|value: &f32| value * value).sum();
    let length = STEP as f32 / square.sqrt().max(f32::MIN_POSITIVE);
    Perturbation::from_start(class, normal.iter().map(|value| value * length).collect())
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
        self.runs.iter().all(|runs| runs.growing.is_none())
    }

    fn steps(&self) -> usize {
        self.steps
    }

    /// Of all images together.
    fn updates(&self) -> usize {
        self.steps
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&Kept {
            version: VERSION,
            belongs: self.belongs(),
            runs: self.runs.clone(),
            steps: self.steps,
            seconds: self.seconds,
        })?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        if self.runs.is_empty() {
            return Ok(Finding {
                reason: Some(format!(
                    "the model is sure of fewer than {FEWEST} images of other classes"
                )),
                ..self.unfinished(State::Unreached)
            });
        }
        let images = self.runs.len() as f64;
        let made = self.runs.iter().map(|runs| runs.made).sum::<usize>() as f64;
        let measure = |name: &str, value: f64| Measure {
            name: name.to_owned(),
            value,
            unit: String::new(),
        };
        Ok(Finding {
            measures: vec![measure(CHANGED, images), measure(RUNS, made / images)],
            ..self.unfinished(State::Reached)
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        let shares = self.runs.iter().map(Runs::share);
        Finding {
            state,
            statistic: shares.sum::<f64>() / self.runs.len().max(1) as f64,
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.class))
        }
    }
}
