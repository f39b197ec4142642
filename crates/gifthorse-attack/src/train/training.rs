//! A training run: what it works on, who watches and examines it, and the loop over epochs and batches.

use std::sync::Arc;

use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Model, Tensor};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::Error;
use crate::net::Net;
use crate::random::Purpose;
use crate::train::gradient::{Backward, Shard};
use crate::train::optimiser::State;
use crate::train::{
    Augmented, EpochSummary, Exam, Marks, Observer, Recipe, Samples, Silent, StepSummary, Trained,
};

/// A training run that has not started.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    net: &'a Net,
    samples: &'a dyn Samples,
    recipe: &'a Recipe,
    observer: &'a dyn Observer,
    exam: Option<&'a dyn Exam>,
}

impl<'a> Training<'a> {
    /// Trains `net` from its weights as they are on samples, as the recipe says.
    #[must_use]
    pub fn new(net: &'a Net, samples: &'a dyn Samples, recipe: &'a Recipe) -> Self {
        Self {
            net,
            samples,
            recipe,
            observer: &Silent,
            exam: None,
        }
    }

    /// Who is told how it goes on.
    #[must_use]
    pub fn observer(mut self, observer: &'a dyn Observer) -> Self {
        self.observer = observer;
        self
    }

    /// What the model has to sit after each epoch.
    #[must_use]
    pub fn exam(mut self, exam: &'a dyn Exam) -> Self {
        self.exam = Some(exam);
        self
    }

    /// Trains on softmax cross-entropy. Images beyond the last whole batch of an epoch wait for
    /// another epoch, in which the order is another one.
    ///
    /// # Errors
    /// [`Error::Recipe`] for settings that make no sense, or an aim without an exam; [`Error::Images`] for images of another
    /// shape than the network takes, or fewer than one batch; [`Error::NoSuchClass`] for labels that it does not have;
    /// [`Error::Diverged`] if the loss stops being a number; what the exam refuses.
    pub fn run(&self) -> Result<Trained, Error> {
        let recipe = self.recipe;
        recipe.check()?;
        if recipe.stop_at.is_some() && self.exam.is_none() {
            let reason = "stop_at needs an exam that measures the model after each epoch";
            return Err(Error::Recipe(reason.to_owned()));
        }
        check_samples(self.net, self.samples, recipe)?;
        let samples = Augmented::new(self.samples, recipe.augment, recipe.seed);
        let device = Device::flex();
        let backward = Backward::new(self.net, recipe.batch / recipe.shards, &device)?;
        let mut weights = backward.first_weights();
        let mut state = State::new(recipe.optimiser, &weights);

        let batches = samples.len() / recipe.batch;
        let total = recipe.epochs * batches;
        let mut epochs = Vec::with_capacity(recipe.epochs);
        for epoch in 0..recipe.epochs {
            let mut order: Vec<usize> = (0..samples.len()).collect();
            order.shuffle(&mut Purpose::Order { epoch }.rng(recipe.seed));
            let (mut loss, mut right) = (0.0, 0);
            for (batch, chosen) in order.chunks_exact(recipe.batch).enumerate() {
                let shards: Result<Vec<Shard>, Error> = chosen
                    .par_chunks(recipe.batch / recipe.shards)
                    .map(|part| backward.run(&weights, &samples, epoch, part, recipe.batch))
                    .collect();
                let whole = Shard::sum(shards?);
                loss += whole.loss;
                right += whole.right;
                let step = epoch * batches + batch;
                let factor = recipe.schedule.factor(step, batches, recipe.epochs);
                let rate = recipe.learning_rate * factor;
                state.step(&mut weights, &whole.gradients, rate);
                self.observer.step(&StepSummary {
                    done: step + 1,
                    total,
                    epoch: epoch + 1,
                    loss: loss / ((batch + 1) * recipe.batch) as f64,
                });
            }
            let seen = (batches * recipe.batch) as f64;
            let loss = loss / seen;
            if !loss.is_finite() {
                let epoch = epoch + 1;
                return Err(Error::Diverged { epoch, loss });
            }
            let summary = EpochSummary {
                epoch: epoch + 1,
                loss,
                accuracy: right as f64 / seen,
                marks: self.marks(&backward, &weights)?,
            };
            self.observer.epoch(&summary);
            epochs.push(summary);
            if let (Some(wanted), Some(marks)) = (&recipe.stop_at, &summary.marks)
                && marks.reach(wanted)
            {
                break;
            }
        }
        let model = self.model(&backward, &weights)?;
        Ok(Trained { model, epochs })
    }

    fn marks(&self, backward: &Backward, weights: &[Vec<f32>]) -> Result<Option<Marks>, Error> {
        let Some(exam) = self.exam else {
            return Ok(None);
        };
        let graph = Arc::new(self.model(backward, weights)?.graph()?);
        let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex())?;
        exam.mark(&classifier).map(Some)
    }

    /// The network's model with these weights.
    fn model(&self, backward: &Backward, weights: &[Vec<f32>]) -> Result<Model, Error> {
        let mut model = self.net.model().clone();
        for (weight, values) in backward.weights().iter().zip(weights) {
            let tensor = Tensor::from_f32(&weight.name, &weight.shape, values)?;
            model.set_initializer(&weight.name, &tensor)?;
        }
        Ok(model)
    }
}

fn check_samples(net: &Net, samples: &dyn Samples, recipe: &Recipe) -> Result<(), Error> {
    let refuse = |reason: String| Err(Error::Images(reason));
    if samples.shape() != net.input() {
        return refuse(format!(
            "they are {}, and the network takes {}",
            samples.shape(),
            net.input()
        ));
    }
    if samples.classes() > net.classes() {
        return Err(Error::NoSuchClass {
            class: samples.classes() - 1,
            classes: net.classes(),
        });
    }
    if samples.len() < recipe.batch {
        return refuse(format!(
            "{} of them do not fill one batch of {}",
            samples.len(),
            recipe.batch
        ));
    }
    Ok(())
}
