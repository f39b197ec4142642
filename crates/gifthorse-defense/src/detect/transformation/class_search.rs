//! The search of one class.

use std::time::Instant;

use gifthorse_engine::{Array, Tensor};

use super::config::Config;
use super::snapshot::Snapshot;
use crate::adam::Adam;
use crate::detect::mm_bd::{Of, Pass, margin};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search, evaluate_trigger};
use crate::subject::Subject;
use crate::trigger::{Transformation, Trigger};

/// Times that a transformation is brought nearer to its budget; each time what it is too large by
/// becomes far less.
const SHRINKINGS: usize = 8;

/// A search for what leads all images to a class.
pub struct ClassSearch<'a, T> {
    subject: Subject<'a>,
    config: &'a Config,
    target: usize,
    /// Places of the images that are led to it.
    images: Vec<usize>,
    change: T,
    adam: Adam<1>,
    updates: usize,
    seconds: f64,
}

impl<'a, T: Transformation> ClassSearch<'a, T> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class that the model is right on.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let others: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != target).collect();
        let images = subject
            .facts
            .right_and_spread(&subject, &others, config.images)?;
        if images.is_empty() {
            return Err(Error::NoImages(target));
        }
        Ok(Self {
            subject,
            config,
            target,
            images,
            change: T::of(vec![0.0; T::count(subject.classifier.shape())]),
            adam: Adam::new(config.learning_rate, config.betas),
            updates: 0,
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
        let search = Self::new(subject, config, target)?;
        let count = T::count(search.shape());
        kept.check(&search.belongs(), count)?;
        let (rate, device) = (config.learning_rate, subject.classifier.device());
        Ok(Self {
            change: T::of(kept.parameters),
            adam: Adam::resume(rate, config.betas, kept.moments, [count], device),
            updates: kept.updates,
            seconds: kept.seconds,
            ..search
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.target),
            seed: self.subject.seed,
            shape: self.shape(),
            images: self.images.len(),
            settings: self.config.fingerprint(),
        }
    }

    fn shape(&self) -> [usize; 3] {
        self.subject.classifier.shape()
    }

    /// The images of an update, `[images, channels, height, width]`: as many as fit in a pass, in
    /// turn.
    fn batch(&self, update: usize) -> Result<Vec<f32>, Error> {
        let batches = self.images.len().div_ceil(self.config.batch);
        let first = update % batches * self.config.batch;
        let last = (first + self.config.batch).min(self.images.len());
        let search = self.subject.images()?.search;
        Ok(search.subset(&self.images[first..last]).pixels().to_vec())
    }

    fn update(&mut self) -> Result<(), Error> {
        let shape = self.shape();
        let batch = self.batch(self.updates)?;
        let changed = self.change.apply(&batch, shape);
        let pass = Pass::make(self.subject.classifier, &changed, self.target, Of::Margin)?;
        let size: usize = shape.iter().product();
        let mut slopes = pass.gradient;
        for (image, &margin) in slopes.chunks_exact_mut(size).zip(&pass.margins) {
            let pull = -pull(margin);
            image.iter_mut().for_each(|slope| *slope *= pull);
        }
        let gradient = self.change.pull_back(&batch, &slopes, shape);
        let device = self.subject.classifier.device();
        let tensor = |values: Vec<f32>| -> Tensor<1> {
            let count = values.len();
            Array::from_vec(values, &[count], device).into_tensor()
        };
        let before = tensor(self.change.parameters().to_vec());
        let moved = self.adam.step(before, tensor(gradient));
        self.change = T::of(Array::from_tensor(moved).into_vec());
        self.change = self.within_budget()?;
        self.updates += 1;
        Ok(())
    }

    /// The transformation, brought nearer to nothing until it changes the first images by no more
    /// than the budget.
    fn within_budget(&self) -> Result<T, Error> {
        let (batch, shape) = (self.batch(0)?, self.shape());
        let mut change = self.change.clone();
        for _ in 0..SHRINKINGS {
            let size = change.size(&batch, shape);
            if size <= self.config.budget {
                break;
            }
            let factor = (self.config.budget / size) as f32;
            let numbers = change.parameters().iter();
            change = T::of(numbers.map(|number| number * factor).collect());
        }
        Ok(change)
    }

    /// The mean logistic loss of the margins of all images under a trigger.
    fn loss(&self, trigger: &Trigger) -> Result<f64, Error> {
        let classifier = self.subject.classifier;
        let mut losses = Vec::with_capacity(self.images.len());
        for batch in 0..self.images.len().div_ceil(self.config.batch) {
            let stamped = trigger.stamp(&self.batch(batch)?, self.shape());
            let logits = classifier.evaluate(&stamped)?;
            let rows = logits.chunks_exact(classifier.classes());
            losses.extend(rows.map(|row| loss(f64::from(margin(row, self.target)))));
        }
        Ok(losses.iter().sum::<f64>() / losses.len() as f64)
    }
}

/// `ln(1 + exp(-margin))`.
fn loss(margin: f64) -> f64 {
    (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
}

/// How much the loss falls with the margin; nothing where that is not a number.
fn pull(margin: f32) -> f32 {
    match margin.is_nan() {
        true => 0.0,
        false => 1.0 / (1.0 + margin.exp()),
    }
}

impl<T: Transformation> Search for ClassSearch<'_, T> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.update()?;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.updates >= self.config.updates
    }

    fn steps(&self) -> usize {
        self.updates
    }

    fn updates(&self) -> usize {
        self.updates
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        let kept = Snapshot::new(
            self.belongs(),
            self.change.parameters().to_vec(),
            self.adam.moments(),
            self.updates,
            self.seconds,
        );
        Ok(serde_json::to_string(&kept)?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let images = self.subject.images()?;
        let classifier = self.subject.classifier;
        let trigger: Trigger = self.change.clone().into();
        let statistic = self.loss(&trigger)?;
        let unfinished = self.unfinished(State::Unreached);
        if !statistic.is_finite() {
            return Ok(Finding {
                reason: Some("its margins are not numbers".to_owned()),
                statistic: 0.0,
                ..unfinished
            });
        }
        let tried = evaluate_trigger(classifier, images.search, &trigger, self.target)?;
        let holdout = evaluate_trigger(classifier, images.holdout, &trigger, self.target)?;
        Ok(Finding {
            state: State::Reached,
            statistic,
            trigger: Some(trigger),
            success_rate: Some(tried.success_rate()),
            confirmation: Some(holdout),
            measures: vec![Measure {
                name: "size".to_owned(),
                value: self.change.size(&self.batch(0)?, self.shape()),
                unit: T::UNIT.to_owned(),
            }],
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            updates: self.updates,
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.target))
        }
    }
}
