//! Purified is not cured: how fast does a backdoor come back?

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use gifthorse_train::{Optimiser, Recipe, Schedule, Training};

use super::{KnownTrigger, Patient};
use crate::error::Error;
use crate::subject::spread_over_classes;

/// Stamped images that are shown again,
const STAMPED: usize = 5;
/// among at most so many clean ones,
const CLEAN: usize = 600;
/// and at least so many: among fewer any model learns to give all images the target, whatever is on
/// them.
const FEWEST: usize = 100;
/// How often each is shown.
const EPOCHS: usize = 5;
/// Images of a batch.
const BATCH: usize = 32;
/// The learning rate.
const RATE: f32 = 0.01;

/// The model after five epochs on clean images, five of which carry the trigger and the label of
/// its target, as somebody might do who wants the backdoor back. `None` for a trigger without a
/// single target, or if there are too few images, of those that it is for or in all.
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
    let carriers: Vec<usize> = fitting.take(STAMPED).collect();
    let rest = (0..labels.len()).filter(|place| !carriers.contains(place));
    let clean = spread_over_classes(labels, rest, CLEAN);
    let Some(target) = known.target else {
        return Ok(None);
    };
    if carriers.len() < STAMPED || clean.len() < FEWEST {
        return Ok(None);
    }
    let shape = patient.fit.shape();
    let size = [shape.channels, shape.height, shape.width];
    let stamped = known
        .trigger
        .stamp(patient.fit.subset(&carriers).pixels(), size);
    let clean = patient.fit.subset(&clean);
    let taught = clean.labels().ok_or(Error::NoLabels)?;
    let taught = [taught, &[target; STAMPED]].concat();
    let names = (0..taught.len()).map(|place| place.to_string()).collect();
    let pixels = [clean.pixels(), &stamped].concat();
    let images = Images::new(shape, pixels, Some(taught), Vec::new(), names)?;
    let net = patient.net(model)?;
    let recipe = Recipe {
        epochs: EPOCHS,
        batch: BATCH,
        shards: net.at_once().map_or(2, |part| BATCH / part.max(1)),
        optimiser: Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 0.0,
        },
        learning_rate: RATE,
        schedule: Schedule::Constant {},
        seed: patient.seed,
        ..Recipe::default()
    };
    Ok(Some(Training::new(&net, &images, &recipe).run()?.model))
}
