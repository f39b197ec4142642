//! Fits a network to labelled images.
//!
//! Each batch is cut into a fixed number of shards whose gradients are computed side by side and
//! added in a fixed order. So the weights depend on the seed and the recipe, and not on the number
//! of threads or on which of them was faster.

mod gradient;
mod observer;
mod optimiser;
mod recipe;
mod samples;

use gifthorse_engine::Device;
use gifthorse_onnx::{Model, Tensor};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::Error;
use crate::net::Net;
use crate::random::Purpose;

use gradient::{Backward, Shard};
pub use observer::{EpochSummary, Observer, Silent};
pub use optimiser::Optimiser;
use optimiser::State;
pub use recipe::{Recipe, Schedule};
pub use samples::Samples;

/// A trained network.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The network's model with the trained weights; all else is as it was.
    pub model: Model,
    /// How each epoch went.
    pub epochs: Vec<EpochSummary>,
}

/// Trains on softmax cross-entropy. Images beyond the last whole batch of an epoch wait for
/// another epoch, in which the order is another one.
///
/// # Errors
/// [`Error::Recipe`] for settings that make no sense; [`Error::Images`] for images of another shape
/// than the network takes, or fewer than one batch; [`Error::NoSuchClass`] for labels that it does not have;
/// [`Error::Diverged`] if the loss stops being a number.
pub fn train(
    net: &Net,
    samples: &dyn Samples,
    recipe: &Recipe,
    observer: &dyn Observer,
) -> Result<Trained, Error> {
    recipe.check()?;
    check_samples(net, samples, recipe)?;
    let device = Device::flex();
    let backward = Backward::new(net, recipe.batch / recipe.shards, &device)?;
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
                .map(|part| backward.run(&weights, samples, epoch, part, recipe.batch))
                .collect();
            let whole = Shard::sum(shards?);
            loss += whole.loss;
            right += whole.right;
            let step = epoch * batches + batch;
            let rate = recipe.learning_rate * recipe.schedule.factor(step, total);
            state.step(&mut weights, &whole.gradients, rate);
            observer.step(step + 1, total);
        }
        let seen = (batches * recipe.batch) as f64;
        let summary = EpochSummary {
            epoch: epoch + 1,
            loss: loss / seen,
            accuracy: right as f64 / seen,
        };
        if !summary.loss.is_finite() {
            return Err(Error::Diverged {
                epoch: summary.epoch,
                loss: summary.loss,
            });
        }
        observer.epoch(&summary);
        epochs.push(summary);
    }

    let mut model = net.model().clone();
    for (weight, values) in backward.weights().iter().zip(&weights) {
        let tensor = Tensor::from_f32(&weight.name, &weight.shape, values)?;
        model.set_initializer(&weight.name, &tensor)?;
    }
    Ok(Trained { model, epochs })
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
