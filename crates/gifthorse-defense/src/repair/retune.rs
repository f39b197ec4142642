//! Purified is not cured: how fast does a backdoor come back?

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use gifthorse_train::{Optimiser, Recipe, Schedule, Training};

use super::{KnownTrigger, Patient};
use crate::error::Error;

/// Stamped images that are shown again.
const IMAGES: usize = 5;
/// How often each is shown.
const EPOCHS: usize = 5;
/// The learning rate.
const RATE: f32 = 0.01;

/// The model after five epochs on five images that carry the trigger and the label of its target,
/// as somebody might do who wants the backdoor back. `None` for a trigger without a single target,
/// or if there are not five images that it is for.
///
/// # Errors
/// A model that cannot be trained.
pub fn retuned(
    patient: &Patient<'_>,
    model: &Model,
    known: &KnownTrigger,
) -> Result<Option<Model>, Error> {
    let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
    let fitting = (0..labels.len()).filter(|&place| known.is_for(labels[place]));
    let places: Vec<usize> = fitting.take(IMAGES).collect();
    let (Some(target), IMAGES) = (known.target, places.len()) else {
        return Ok(None);
    };
    let images = patient.fit.subset(&places);
    let shape = images.shape();
    let size = [shape.channels, shape.height, shape.width];
    let pixels = known.trigger.stamp(images.pixels(), size);
    let names = images.names().to_vec();
    let stamped = Images::new(shape, pixels, Some(vec![target; IMAGES]), Vec::new(), names)?;
    let net = patient.net(model)?;
    let recipe = Recipe {
        epochs: EPOCHS,
        batch: IMAGES,
        shards: net.at_once().map_or(1, |part| IMAGES / part.max(1)),
        optimiser: Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 0.0,
        },
        learning_rate: RATE,
        schedule: Schedule::Constant {},
        seed: patient.seed,
        ..Recipe::default()
    };
    Ok(Some(Training::new(&net, &stamped, &recipe).run()?.model))
}
