//! Fits a network to labelled images.
//!
//! Each batch is cut into a fixed number of shards whose gradients are computed side by side and
//! added in a fixed order. So the weights depend on the seed and the recipe, and not on the number
//! of threads or on which of them was faster.

mod gradient;
mod observer;
mod optimiser;
mod recipe;

use gifthorse_data::Images;
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
/// [`Error::Recipe`] for settings that make no sense; [`Error::Images`] for images without labels,
/// of another shape or with more classes than the network has, or fewer than one batch;
/// [`Error::Diverged`] if the loss stops being a number.
pub fn train(
    net: &Net,
    images: &Images,
    recipe: &Recipe,
    observer: &dyn Observer,
) -> Result<Trained, Error> {
    recipe.check()?;
    let labels = usable_labels(net, images, recipe)?;
    let device = Device::flex();
    let backward = Backward::new(net, recipe.batch / recipe.shards, &device)?;
    let mut weights = backward.first_weights();
    let mut state = State::new(recipe.optimiser, &weights);

    let batches = images.len() / recipe.batch;
    let total = recipe.epochs * batches;
    let mut epochs = Vec::with_capacity(recipe.epochs);
    for epoch in 0..recipe.epochs {
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.shuffle(&mut Purpose::Order { epoch }.rng(recipe.seed));
        let (mut loss, mut right) = (0.0, 0);
        for (batch, chosen) in order.chunks_exact(recipe.batch).enumerate() {
            let shards: Result<Vec<Shard>, Error> = chosen
                .par_chunks(recipe.batch / recipe.shards)
                .map(|part| backward.run(&weights, images, labels, part, recipe.batch))
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

fn usable_labels<'a>(net: &Net, images: &'a Images, recipe: &Recipe) -> Result<&'a [usize], Error> {
    let refuse = |reason: String| Err(Error::Images(reason));
    let Some(labels) = images.labels() else {
        return refuse("they have no labels".to_owned());
    };
    if images.shape() != net.input() {
        return refuse(format!(
            "they are {}, and the network takes {}",
            images.shape(),
            net.input()
        ));
    }
    if let Some(&class) = labels.iter().max().filter(|&&class| class >= net.classes()) {
        return Err(Error::NoSuchClass {
            class,
            classes: net.classes(),
        });
    }
    if images.len() < recipe.batch {
        return refuse(format!(
            "{} of them do not fill one batch of {}",
            images.len(),
            recipe.batch
        ));
    }
    Ok(labels)
}
