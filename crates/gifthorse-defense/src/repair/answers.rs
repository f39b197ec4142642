//! Learning from a model's own answers: clean images keep them, with all that the model holds
//! likely, and stamped ones are to get what it says to them without a trigger.
//!
//! Of a model that is often wrong, the labels of a few hundred images would overthrow more than a
//! backdoor; its answers change nothing but what it says to a trigger.

use std::ops::Range;

use gifthorse_engine::{Array, Classifier, answer_of};
use gifthorse_train::Optimiser;
use rand_chacha::ChaCha8Rng;

use super::adjustable::{Adjustable, By, Made, Weights};
use super::batches::Batch;
use super::stamped::stamp;
use super::updates::Updates;
use super::{Patient, RepairObserver, Repaired};
use crate::error::Error;

/// Images of a batch.
const BATCH: usize = 64;
/// Updates at a rate.
const UPDATES: usize = 400;
/// Updates between two looks at the model.
const LOOK_EVERY: usize = 40;
/// Rates to begin with, tried in this order.
const RATES: [f32; 2] = [0.01, 0.003];
/// The share of images that carry a trigger: more than where labels are learnt, since the others
/// keep what the model says to them.
const STAMPED: f64 = 0.5;

/// Trains the patient's model on with its own answers; `name` is what its progress is called by.
///
/// # Errors
/// Images without labels; a model that cannot be trained.
pub(super) fn with_its_own_answers(
    name: &'static str,
    patient: &Patient<'_>,
    observer: &dyn RepairObserver,
) -> Result<Repaired, Error> {
    let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
    let size = BATCH.min(labels.len());
    let model = Adjustable::new(patient, patient.model, size)?;
    let before = patient.classifier(patient.model)?;
    let updates = Updates {
        name,
        part: "unlearning by its own answers",
        optimiser: Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 0.0,
        },
        rates: &RATES,
        updates: UPDATES,
        look_every: LOOK_EVERY,
        batch: size,
    };
    let each = 1.0 / size.max(1) as f32;
    let gradients = |weights: &Weights, batch: &Batch, chance: &mut ChaCha8Rng| {
        let (answers, pixels) = lesson(patient, &before, batch, chance)?;
        let classes = model.classes();
        let loss = |places: Range<usize>, made: Made| {
            let device = made.logits.device();
            let part = &answers[places.start * classes..places.end * classes];
            let wanted = Array::from_vec(part.to_vec(), &[places.len(), classes], &device);
            Ok(made.logits.log_softmax(1).mul(wanted).mul_scalar(-each))
        };
        let slope = model.slope(weights, &pixels, By::Weights, &loss)?;
        Ok(slope.loss.is_finite().then(|| vec![slope.weights]))
    };
    let note = |done: usize, rate: f32| {
        format!(
            "trained on with the answers that the model gave to {} images before, half of them stamped with a trigger \
             that was found: {done} updates at a rate of {rate}",
            labels.len()
        )
    };
    updates.run(patient, &model, (&gradients, &note), observer)
}

/// What the model says to the images of a batch, as probabilities `[images, classes]`, and the
/// images with triggers on some of them. One that the model takes there anyway is not stamped.
fn lesson(
    patient: &Patient<'_>,
    before: &Classifier,
    batch: &Batch,
    chance: &mut ChaCha8Rng,
) -> Result<(Vec<f32>, Vec<f32>), Error> {
    let logits = before.evaluate(&batch.pixels)?;
    let shape = [batch.labels.len(), before.classes()];
    let answers = Array::from_vec(logits, &shape, before.device());
    let answers = answers.log_softmax(1).exp().into_vec();
    let said = answers.chunks_exact(before.classes()).map(answer_of);
    let size = before.shape();
    let mut pixels = batch.pixels.clone();
    let images = pixels.chunks_exact_mut(size.iter().product());
    for (image, (&label, said)) in images.zip(batch.labels.iter().zip(said)) {
        let fitting = patient
            .triggers
            .iter()
            .filter(|known| known.is_for(label) && !known.leads(label, said));
        stamp(fitting, STAMPED, image, size, chance);
    }
    Ok((answers, pixels))
}
