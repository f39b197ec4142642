//! Training on with a few clean images, as most repairs do.

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use gifthorse_train::{
    Checkpoint, Observer, Optimiser, Recipe, Schedule, Sharpness, StepSummary, Training,
};

use super::measure::Measured;
use super::stamped::Stamped;
use super::{Limits, Patient, RepairObserver};
use crate::error::Error;

/// What is tried, one after the other: learning rates as parts of the largest, and what is learnt.
const TRIES: [(f32, Learnt); 3] = [
    (1.0, Learnt::Labels),
    (1.0, Learnt::Answers),
    (1.0 / 3.0, Learnt::Answers),
];
/// Most images of a batch; fewer where there are few images.
const BATCH: usize = 64;
/// Batches that an epoch is to have at least, unless they would have fewer than [`FEWEST`] images.
const BATCHES: usize = 8;
/// Fewest images of a batch.
const FEWEST: usize = 8;

/// What an image is taught to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Learnt {
    /// Its label.
    Labels,
    /// What the model takes it for as it is. Of a model that is often wrong, the labels of a few
    /// hundred images would overthrow more than a backdoor; its own answers change nothing but what
    /// it says to a trigger.
    Answers,
}

/// What training on came to.
pub(super) struct Tuned {
    pub model: Model,
    /// How, in words that go after "trained on with so many images".
    pub how: String,
    /// How far it is from what is wanted, on the images to check.
    pub distance: f64,
    /// Whether it is that.
    pub is_good: bool,
}

/// How to train on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuning {
    /// What the saved training is called.
    pub name: &'static str,
    /// How often every image is seen.
    pub epochs: usize,
    /// Updates to make at least, over as many more epochs as that takes.
    pub fewest_updates: usize,
    /// The largest learning rate that is tried.
    pub learning_rate: f32,
    /// The share of images that carry a trigger, where one is known.
    pub stamped: f64,
    /// The share of each label that goes to all classes alike.
    pub smoothing: f32,
    /// How far uphill gradients are taken; as they are if `None`.
    pub sharpness: Option<f32>,
    /// Whether the labels alone are learnt, and never the model's own answers.
    pub only_labels: bool,
}

impl Tuning {
    /// Trains `model` on: with the labels of the images or, if that costs too much accuracy, with
    /// the model's own answers to them and lower rates. Takes the first that leaves clean accuracy
    /// on the images to check within the budget and disarms the triggers; else the one that comes
    /// nearest to that.
    ///
    /// # Errors
    /// Too few images; a model that cannot be trained, or whose training always diverges.
    pub(super) fn run(
        &self,
        patient: &Patient<'_>,
        model: &Model,
        observer: &dyn RepairObserver,
    ) -> Result<Tuned, Error> {
        let answers = patient
            .classifier(patient.model)?
            .predict(patient.fit.pixels())?;
        let answered = patient.fit.clone().with_labels(answers)?;
        let judge = Judge::of(patient)?;
        let mut best: Option<Tuned> = None;
        let mut failed = None;
        let tries = TRIES.into_iter().enumerate();
        let tries = tries.filter(|(_, (_, learnt))| !self.only_labels || *learnt == Learnt::Labels);
        for (place, (part, learnt)) in tries {
            let rate = self.learning_rate * part;
            let (images, of) = match learnt {
                Learnt::Labels => (patient.fit, ""),
                Learnt::Answers => (
                    &answered,
                    " and the answers that the model gave them before",
                ),
            };
            let tuned = match self.at((rate, place), (patient, images), model, observer) {
                Err(Error::Train(error))
                    if matches!(*error, gifthorse_train::Error::Diverged { .. }) =>
                {
                    failed = Some(error);
                    continue;
                }
                other => other?,
            };
            let how = format!("{of} at a rate of {rate:.4}");
            let tuned = judge.judged(tuned, how)?;
            let is_nearer = |known: &Tuned| tuned.is_good || tuned.distance < known.distance;
            if best.as_ref().is_none_or(is_nearer) {
                best = Some(tuned);
            }
            if best.as_ref().is_some_and(|best| best.is_good) || observer.stop() {
                break;
            }
        }
        match (best, failed) {
            (Some(tuned), _) => Ok(tuned),
            (None, Some(error)) => Err(Error::Train(error)),
            (None, None) => Err(Error::CannotRepair("no training was tried".to_owned())),
        }
    }

    /// Trains `model` on once, with the labels of the images and the largest rate, whatever comes of
    /// it.
    ///
    /// # Errors
    /// As [`run`](Self::run), and training that diverges.
    pub(super) fn once(
        &self,
        patient: &Patient<'_>,
        model: &Model,
        observer: &dyn RepairObserver,
    ) -> Result<Model, Error> {
        let first = (self.learning_rate, 0);
        self.at(first, (patient, patient.fit), model, observer)
    }

    fn at(
        &self,
        (rate, place): (f32, usize),
        (patient, images): (&Patient<'_>, &Images),
        model: &Model,
        observer: &dyn RepairObserver,
    ) -> Result<Model, Error> {
        let net = patient.net(model)?;
        let samples = Stamped {
            images,
            triggers: patient.triggers,
            share: self.stamped,
            seed: patient.seed,
        };
        let images = images.len();
        if images < FEWEST {
            return Err(Error::CannotRepair(format!(
                "{images} clean images are too few to train on: give at least {FEWEST} beside those that it is measured by"
            )));
        }
        let batch = (images / BATCHES).clamp(FEWEST, BATCH) / 2 * 2;
        let batches = images / batch;
        let recipe = Recipe {
            epochs: self.epochs.max(self.fewest_updates.div_ceil(batches)),
            batch,
            shards: net.at_once().map_or(2, |part| batch / part.max(1)),
            optimiser: Optimiser::Sgd {
                momentum: 0.9,
                weight_decay: 5e-4,
            },
            learning_rate: rate,
            schedule: Schedule::Cosine {},
            label_smoothing: self.smoothing,
            sharpness: self.sharpness.map(|radius| Sharpness { radius }),
            seed: patient.seed,
            ..Recipe::default()
        };
        let watcher = Watcher { rate, observer };
        let file = format!("{}-{place}.training", self.name);
        let checkpoint = patient.work.map(|work| Checkpoint::at(work.join(file)));
        let mut training = Training::new(&net, &samples, &recipe).observer(&watcher);
        if let Some(checkpoint) = &checkpoint {
            if checkpoint.path().exists() {
                observer.resumed(&format!("training at a rate of {rate}"));
            }
            training = training.checkpoint(checkpoint);
        }
        Ok(training.run()?.model)
    }
}

/// Holds models against the limits.
pub(super) struct Judge<'a> {
    patient: &'a Patient<'a>,
    limits: Limits,
    before: Measured,
}

impl<'a> Judge<'a> {
    /// For a patient, whose own model is measured.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn of(patient: &'a Patient<'a>) -> Result<Self, Error> {
        Ok(Self {
            patient,
            limits: Limits::of(patient),
            before: patient.measured(patient.model)?,
        })
    }

    /// What a model is to the limits.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn judged(&self, model: Model, how: String) -> Result<Tuned, Error> {
        let after = self.patient.measured(&model)?;
        Ok(Tuned {
            model,
            how,
            distance: self.limits.distance(&self.before, &after),
            is_good: self.limits.shortfalls(&self.before, &after).is_empty(),
        })
    }
}

struct Watcher<'a> {
    rate: f32,
    observer: &'a dyn RepairObserver,
}

impl Observer for Watcher<'_> {
    fn step(&self, step: &StepSummary) {
        let part = format!("training at a rate of {}", self.rate);
        self.observer.step(&part, step.done, step.total);
    }

    fn stop(&self) -> bool {
        self.observer.stop()
    }
}
