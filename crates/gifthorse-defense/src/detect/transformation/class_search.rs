//! The search of one class.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use gifthorse_engine::{Array, Tensor};

use super::config::{Budget, Config};
use super::snapshot::Snapshot;
use crate::adam::Adam;
use crate::detect::bti_dbf::Decoupling;
use crate::detect::mm_bd::{Of, Pass, mean_loss};
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
    budget: f64,
    guard: Option<Guard>,
    change: T,
    adam: Adam<1>,
    updates: usize,
    seconds: f64,
}

/// What keeps features from moving that the answers hang on.
struct Guard {
    decoupling: Arc<Decoupling>,
    weight: f64,
    /// The images that are led to the class, by their places among those of the decoupling.
    images: Vec<usize>,
}

impl<'a, T: Transformation> ClassSearch<'a, T> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class that the model is right on;
    /// [`Error::NoActivation`] where features are looked at and there are none.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let (images, budget, guard) = match config.budget {
            Budget::Fixed(budget) => {
                let others: Vec<usize> =
                    (0..labels.len()).filter(|&i| labels[i] != target).collect();
                let facts = subject.facts;
                let images = facts.right_and_spread(&subject, &others, config.images)?;
                (images, budget, None)
            }
            Budget::Decoupled { part, weight } => {
                let decoupling = subject.facts.decoupled(&subject)?;
                let decoupling = decoupling.ok_or(Error::NoActivation)?;
                let of_all = decoupling.images();
                let others = (0..of_all.len()).filter(|&i| labels[of_all[i]] != target);
                let others: Vec<usize> = others.take(config.images).collect();
                let images = others.iter().map(|&i| of_all[i]).collect();
                let budget = part * decoupling.distance();
                let guard = Guard {
                    decoupling,
                    weight,
                    images: others,
                };
                (images, budget, Some(guard))
            }
        };
        if images.is_empty() {
            return Err(Error::NoImages(target));
        }
        Ok(Self {
            subject,
            config,
            target,
            images,
            budget,
            guard,
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

    /// Which of the images an update is of: as many as fit in a pass, in turn.
    fn turn(&self, update: usize) -> Range<usize> {
        let batches = self.images.len().div_ceil(self.config.batch);
        let first = update % batches * self.config.batch;
        first..(first + self.config.batch).min(self.images.len())
    }

    /// The images of an update, `[images, channels, height, width]`.
    fn batch(&self, update: usize) -> Result<Vec<f32>, Error> {
        let search = self.subject.images()?.search;
        let places = &self.images[self.turn(update)];
        Ok(search.subset(places).pixels().to_vec())
    }

    /// The slope of what is minimised along each value of an update's images, as they are changed.
    fn slopes(&self, changed: &[f32]) -> Result<Vec<f32>, Error> {
        let classifier = self.subject.classifier;
        if let Some(guard) = &self.guard {
            let images = &guard.images[self.turn(self.updates)];
            let decoupling = &guard.decoupling;
            let shown = (images, changed);
            return decoupling.slopes(classifier, shown, self.target, guard.weight);
        }
        let pass = Pass::make(classifier, changed, self.target, Of::Margin)?;
        let size: usize = self.shape().iter().product();
        let mut slopes = pass.gradient;
        for (image, &margin) in slopes.chunks_exact_mut(size).zip(&pass.margins) {
            let pull = -pull(margin);
            image.iter_mut().for_each(|slope| *slope *= pull);
        }
        Ok(slopes)
    }

    fn update(&mut self) -> Result<(), Error> {
        let shape = self.shape();
        let batch = self.batch(self.updates)?;
        let slopes = self.slopes(&self.change.apply(&batch, shape))?;
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
            if size <= self.budget {
                break;
            }
            let factor = (self.budget / size) as f32;
            let numbers = change.parameters().iter();
            change = T::of(numbers.map(|number| number * factor).collect());
        }
        Ok(change)
    }
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
        let shown = (images.search, &self.images[..], self.config.batch);
        let statistic = mean_loss(classifier, shown, &trigger, self.target)?;
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
