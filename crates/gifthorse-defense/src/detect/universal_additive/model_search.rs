//! The search of a model: from one start after the other, and what the smallest change does.

use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::descent::{Descent, STEPS};
use super::pass::Shown;
use crate::detect::neural_cleanse::{Aim, MOST_OF_ONE};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::label_map::LabelMap;
use crate::search::{Belongs, Search, evaluate_away};
use crate::subject::Subject;
use crate::trigger::{Additive, Trigger};

/// Starts: one from nothing, the others from directions drawn at random.
pub const STARTS: usize = 3;
/// Most images that are to be moved.
pub const IMAGES: usize = 256;
/// Share of the images that have to leave their class, of those that a change can move.
pub const MOVED: f64 = 0.9;
/// How much of the smallest change is tried on images. It ends where images are only just moved,
/// where they go by chance.
pub const TRIED: f32 = 1.5;
/// The norm of what was tried on images.
const TRIGGER_NORM: &str = "trigger_norm";
/// Version of what is kept.
const VERSION: u32 = 1;

/// The search as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    belongs: Belongs,
    /// The smallest changes of the starts that have ended.
    done: Vec<Option<Additive>>,
    under_way: Descent,
    #[serde(with = "crate::exact::double")]
    seconds: f64,
}

/// A search for the smallest change that moves images of all classes.
pub struct ModelSearch<'a> {
    subject: Subject<'a>,
    /// Places of the images that are to be moved,
    places: Vec<usize>,
    /// their pixels,
    images: Vec<f32>,
    /// and their classes.
    labels: Vec<usize>,
    done: Vec<Option<Additive>>,
    under_way: Descent,
    seconds: f64,
}

impl<'a> ModelSearch<'a> {
    /// The search at its beginning.
    ///
    /// # Errors
    /// Images without labels; [`Error::NothingRight`].
    pub fn new(subject: Subject<'a>) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let all: Vec<usize> = (0..labels.len()).collect();
        let most = IMAGES.min(MOST_OF_ONE * subject.classifier.classes());
        let places = subject.facts.right_and_spread(&subject, &all, most)?;
        if places.is_empty() {
            return Err(Error::NothingRight);
        }
        let size = subject.classifier.shape().iter().product();
        Ok(Self {
            images: search.subset(&places).pixels().to_vec(),
            labels: places.iter().map(|&place| labels[place]).collect(),
            places,
            subject,
            done: Vec::new(),
            under_way: Descent::from_nothing(size),
            seconds: 0.0,
        })
    }

    /// The search where [`Search::snapshot`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(subject: Subject<'a>, kept: &str) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_str(kept)?;
        let new = Self::new(subject)?;
        kept.belongs.check(&new.belongs())?;
        let size: usize = subject.classifier.shape().iter().product();
        let ended = |change: &Additive| change.values.len() == size;
        let sound = kept.done.len() <= STARTS
            && kept.done.iter().flatten().all(ended)
            && kept.under_way.fits(size);
        kept.belongs
            .check_contents((kept.version, VERSION), &[(sound, "changes of the images")])?;
        Ok(Self {
            done: kept.done,
            under_way: kept.under_way,
            seconds: kept.seconds,
            ..new
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Model,
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.labels.len(),
            settings: format!("{MOVED}, {STARTS} starts, {STEPS} steps, {TRIED} times"),
        }
    }

    fn shown(&self) -> Shown<'_> {
        Shown {
            classifier: self.subject.classifier,
            aim: Aim::Away,
            images: &self.images,
            labels: &self.labels,
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        let (slope, moved) = self.shown().slope(self.under_way.change())?;
        let attainable = Aim::Away.attainable(self.subject.classifier.classes());
        let enough = moved as f64 >= MOVED * attainable * self.labels.len() as f64;
        self.under_way.step(&slope, enough);
        if self.under_way.has_ended() {
            self.done.push(self.under_way.best.take());
            let mut random = ChaCha8Rng::seed_from_u64(self.subject.seed);
            random.set_stream(Aim::Away.stream() | (self.done.len() as u64) << 40);
            self.under_way = Descent::from_random(slope.len(), &mut random);
        }
        Ok(())
    }

    /// The norms of the smallest changes of all starts that came to one, the smallest in front.
    fn norms(&self) -> Vec<f64> {
        let mut norms: Vec<f64> = self.done.iter().flatten().map(Additive::norm).collect();
        norms.sort_by(f64::total_cmp);
        norms
    }

    /// The smallest change of all starts.
    fn smallest(&self) -> Option<&Additive> {
        let changes = self.done.iter().chain([&self.under_way.best]).flatten();
        changes.min_by(|a, b| a.norm().total_cmp(&b.norm()))
    }

    /// What is told beside the norm: of what was tried, and of where it leads.
    fn measures(&self, trigger: &Additive, map: &LabelMap) -> Vec<Measure> {
        let worst = self.norms().last().copied().unwrap_or(f64::NAN);
        let mut measures = vec![
            (TRIGGER_NORM, trigger.norm(), "pixel values"),
            ("norm_of_worst_start", worst, "pixel values"),
        ];
        measures.extend(map.scatter().map(|it| ("scatter", it, "")));
        let measure = |(name, value, unit): (&str, f64, &str)| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let measures = measures.into_iter().map(measure);
        measures.chain(map.measures()).collect()
    }
}

impl Search for ModelSearch<'_> {
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
        self.done.len() >= STARTS
    }

    fn steps(&self) -> usize {
        self.done.len() * STEPS + self.under_way.steps
    }

    fn updates(&self) -> usize {
        self.steps()
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&Kept {
            version: VERSION,
            belongs: self.belongs(),
            done: self.done.clone(),
            under_way: self.under_way.clone(),
            seconds: self.seconds,
        })?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let unfinished = self.unfinished(State::Unreached);
        let Some(smallest) = self.smallest() else {
            return Ok(Finding {
                reason: Some("no change that was tried moves enough images".to_owned()),
                ..unfinished
            });
        };
        let images = self.subject.images()?;
        let classifier = self.subject.classifier;
        let values = smallest.values.iter().map(|value| TRIED * value).collect();
        let tried = Additive { values };
        let trigger = Trigger::Additive(tried.clone());
        let map = LabelMap::of(classifier, images.search, &self.places, &trigger)?;
        let moved = evaluate_away(classifier, images.search, &trigger)?;
        let holdout = evaluate_away(classifier, images.holdout, &trigger)?;
        Ok(Finding {
            state: State::Reached,
            leads_to: map.most_frequent(),
            map: map.destinations(),
            measures: self.measures(&tried, &map),
            trigger: Some(trigger),
            success_rate: Some(moved.success_rate()),
            confirmation: Some(holdout),
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        let change = self.smallest().unwrap_or(self.under_way.change());
        Finding {
            state,
            statistic: change.norm(),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Model)
        }
    }
}
