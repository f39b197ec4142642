//! The search of one class.

use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::pattern::Pattern;
use super::snapshot::{Snapshot, VERSION};
use super::weight::Weight;
use crate::adam::Adam;
use crate::detect::neural_cleanse::Aim;
use crate::detect::shuffled::Shuffled;
use crate::detect::universal_additive::Shown;
use crate::error::Error;
use crate::exact;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search, evaluate_trigger};
use crate::subject::{Subject, spread_over_classes};
use crate::trigger::{Additive, Trigger};

/// A search for the fewest pixels that lead all images to a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    config: &'a Config,
    target: usize,
    /// Places of the images that are led to it,
    images: Vec<usize>,
    /// and when each of them comes.
    order: Shuffled,
    pattern: Pattern,
    adam: Adam<1>,
    weight: Weight,
    best: Option<Smallest>,
    rounds: usize,
    seconds: f64,
}

/// The smallest change that succeeded so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Smallest {
    /// As it is stored.
    pub change: Additive,
    /// Its size as the search has it, on average over its round.
    #[serde(with = "exact::double")]
    pub size: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
        let others = (0..labels.len()).filter(|&i| labels[i] != target);
        let images = spread_over_classes(labels, others, config.images);
        if images.is_empty() {
            return Err(Error::NoImages(target));
        }
        let mut random = ChaCha8Rng::seed_from_u64(subject.seed);
        random.set_stream(target as u64);
        let values = subject.classifier.shape().iter().product();
        Ok(Self {
            subject,
            config,
            target,
            order: Shuffled {
                seed: subject.seed,
                stream: target as u64,
                images: images.len(),
            },
            images,
            pattern: Pattern::random(&mut random, values),
            adam: Adam::new(config.learning_rate, config.betas),
            weight: Weight::new(config),
            best: None,
            rounds: 0,
            seconds: 0.0,
        })
    }

    /// The search where a snapshot left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(
        subject: Subject<'a>,
        config: &'a Config,
        target: usize,
        kept: Snapshot,
    ) -> Result<Self, Error> {
        let new = Self::new(subject, config, target)?;
        kept.check(&new.belongs())?;
        let shape = [kept.pattern.len()];
        let (rate, device) = (config.learning_rate, subject.classifier.device());
        Ok(Self {
            pattern: Pattern::of(kept.pattern),
            adam: Adam::resume(rate, config.betas, kept.moments, shape, device),
            weight: kept.weight,
            best: kept.best,
            rounds: kept.rounds,
            seconds: kept.seconds,
            ..new
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.target),
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.images.len(),
            settings: self.config.fingerprint(),
        }
    }

    fn round(&mut self) -> Result<(), Error> {
        let batches = self.config.batches_per_round;
        let [channels, ..] = self.subject.classifier.shape();
        let (mut share, mut size) = (0.0, 0.0);
        // The pattern that the last images were shown, before its update.
        let mut tried = self.pattern.clone();
        for batch in 0..batches {
            let (slope, success) = self.slope(self.rounds * batches + batch)?;
            share += success / batches as f64;
            size += self.pattern.size(channels) / batches as f64;
            let device = self.subject.classifier.device();
            let weighted = (self.weight.cost(), channels);
            let next = self.pattern.step(&slope, weighted, &mut self.adam, device);
            tried = std::mem::replace(&mut self.pattern, next);
        }
        let succeeded = share >= self.config.success_threshold;
        if succeeded {
            self.keep_if_smaller(&tried.cleaned(), size);
        }
        self.weight.round(succeeded, self.config);
        self.rounds += 1;
        Ok(())
    }

    /// Goes on from a pattern that is smaller than the smallest so far, in pixels and in size.
    fn keep_if_smaller(&mut self, pattern: &Pattern, size: f64) {
        let shape = self.subject.classifier.shape();
        let change = pattern.stored();
        let is_smaller = self.best.as_ref().is_none_or(|best| {
            size < best.size && change.pixels(shape) < best.change.pixels(shape)
        });
        if is_smaller {
            self.pattern = pattern.clone();
            self.best = Some(Smallest { change, size });
        }
    }

    /// The slope of the mean cross-entropy of a batch along each value of the change, and the share
    /// of it that goes to the class.
    fn slope(&self, batch: usize) -> Result<(Vec<f32>, f64), Error> {
        let search = self.subject.images()?.search;
        let places = self.order.batch(batch, self.config.batch);
        let places: Vec<usize> = places.into_iter().map(|at| self.images[at]).collect();
        let batch = search.subset(&places);
        let shown = Shown {
            classifier: self.subject.classifier,
            aim: Aim::To(self.target),
            images: batch.pixels(),
            labels: &vec![self.target; places.len()],
        };
        let (mut slope, hits) = shown.slope(&self.pattern.change())?;
        slope.iter_mut().for_each(|it| *it /= places.len() as f32);
        Ok((slope, hits as f64 / places.len() as f64))
    }

    /// The smallest change that succeeded or, if none did, the present one.
    fn change(&self) -> Additive {
        match &self.best {
            Some(best) => best.change.clone(),
            None => self.pattern.cleaned().stored(),
        }
    }
}

impl Search for ClassSearch<'_> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.round()?;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.rounds >= self.config.rounds
    }

    fn steps(&self) -> usize {
        self.rounds
    }

    fn updates(&self) -> usize {
        self.rounds * self.config.batches_per_round
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        let kept = Snapshot {
            version: VERSION,
            belongs: self.belongs(),
            pattern: self.pattern.numbers().to_vec(),
            moments: self.adam.moments(),
            weight: self.weight.clone(),
            best: self.best.clone(),
            rounds: self.rounds,
            seconds: self.seconds,
        };
        Ok(serde_json::to_string(&kept)?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let images = self.subject.images()?;
        let classifier = self.subject.classifier;
        let trigger = Trigger::Additive(self.change());
        let tried = evaluate_trigger(classifier, images.search, &trigger, self.target)?;
        let holdout = evaluate_trigger(classifier, images.holdout, &trigger, self.target)?;
        Ok(Finding {
            success_rate: Some(tried.success_rate()),
            confirmation: Some(holdout),
            measures: vec![Measure {
                name: "size".to_owned(),
                value: self.change().extent(classifier.shape()),
                unit: "pixels".to_owned(),
            }],
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..self.unfinished(match self.best {
                Some(_) => State::Reached,
                None => State::Unreached,
            })
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        let change = self.change();
        Finding {
            state,
            statistic: change.pixels(self.subject.classifier.shape()) as f64,
            trigger: Some(Trigger::Additive(change)),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.target))
        }
    }
}
