//! Training on, of some layers of the model that a backdoor is put into.

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use gifthorse_train::net::{Net, Selection};
use gifthorse_train::{Optimiser, Recipe, Schedule, Silent, train};

use super::Host;
use crate::Error;

/// Most images of a batch.
const BATCH: usize = 64;

/// How often and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    pub epochs: usize,
    /// The largest learning rate, of Adam's.
    pub learning_rate: f32,
    pub seed: u64,
}

impl Tuning {
    /// A model, which takes what the host takes, trained on labelled images, with the weights of
    /// these names as they are.
    ///
    /// # Errors
    /// What the training refuses.
    pub fn run(
        self,
        host: &Host,
        model: Model,
        frozen: &[String],
        images: &Images,
    ) -> Result<Model, Error> {
        let selection = Selection::without(frozen.iter().map(String::as_str));
        let preprocess = host.classifier().preprocess().clone();
        let net = Net::from_model(model, preprocess, host.opening(), &selection)?;
        // Two shards, or as many as hold what the file takes at a time.
        let (batch, shards) = match net.at_once() {
            None => (images.len().min(BATCH) / 2 * 2, 2),
            Some(part) => {
                let shards = (images.len().min(BATCH) / part.max(1)).max(1);
                (shards * part, shards)
            }
        };
        let recipe = Recipe {
            epochs: self.epochs,
            batch,
            shards,
            optimiser: Optimiser::ADAM,
            learning_rate: self.learning_rate,
            schedule: Schedule::Cosine {},
            seed: self.seed,
            ..Recipe::default()
        };
        Ok(train(&net, images, &recipe, &Silent)?.model)
    }
}
