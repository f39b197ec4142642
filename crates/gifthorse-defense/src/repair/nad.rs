//! NAD (Y. Li et al. 2021): neural attention distillation.
//!
//! # What it does
//! Fine-tunes a copy of the model on clean images, the teacher, and trains the model itself, the
//! student, to give clean images their labels and to look where the teacher looks. Where a model
//! looks is its attention: at each place of a layer the sum of the squares of all channels,
//! normalised over the places. The last layer of each size of the maps is compared, three of them
//! at most. What makes a place loud for a trigger alone falls silent, as clean images and teacher
//! have no use for it.
//!
//! # Threat model
//! Backdoors that fine-tuning weakens at least in part: the teacher has to be better than the
//! student. The trigger has not to be known, and is of no use here.
//!
//! # Needs
//! A few hundred labelled clean images, and a model with maps, `[channels, height, width]`.
//!
//! # Cost
//! The teacher's ten epochs and at least 200 updates, then at each of at most three rates 200
//! updates of one pass backwards and two forwards.
//!
//! # Known failures
//! Most backdoors of our time: BackdoorBench has 64 of 100 stamped images left at the target in the
//! mean of ten attacks on CIFAR-10 at 5 % of poisoned images, and 24 in that of FT-SAM's authors.
//! What fine-tuning leaves, the teacher has as well, and the student learns it from it. In the net
//! of the tests the rate does more than the distance does: without it the same updates leave less.
//!
//! # References
//! Y. Li, X. Lyu, N. Koren, L. Lyu, B. Li, X. Ma, "Neural Attention Distillation: Erasing Backdoor
//! Triggers from Deep Neural Networks", ICLR 2021: squares of channels (their p = 2), the distance
//! weighed 1,000 times against cross-entropy, a rate of 0.1 to begin with. Their program augments
//! images and lets the rate fall in steps; here images are as they are, the rate falls along a
//! cosine and lower ones are tried, and batch normalisations keep their statistics.

use std::ops::Range;

use gifthorse_engine::{Array, Classifier, Layer, Taps};
use gifthorse_train::Optimiser;
use rand_chacha::ChaCha8Rng;

use super::adjustable::{Adjustable, By, Made, Weights};
use super::batches::Batch;
use super::losses::cross_entropy;
use super::tuning::Tuning;
use super::updates::Updates;
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;

/// Images of a batch.
const BATCH: usize = 32;
/// Updates of the student at a rate.
const UPDATES: usize = 200;
/// Updates between two looks at it.
const LOOK_EVERY: usize = 20;
/// Rates to begin with, tried in this order.
const RATES: [f32; 3] = [0.1, 0.03, 0.01];
/// The rate that the teacher begins with.
const TEACHING: f32 = 0.05;
/// What the distance of a layer's attention weighs, in the mean over places.
const DISTANCE: f32 = 1000.0;
/// Layers that are compared at most.
const LAYERS: usize = 3;
/// Keeps a layer that is silent from being divided by nothing.
const SILENCE: f32 = 1e-6;

/// What it is.
const ABOUT: About = About {
    name: "nad",
    title: "NAD (Y. Li et al. 2021)",
    needs_trigger: false,
    in_auto: false,
    changes: "all weights",
    misses: &["backdoors that fine-tuning on clean images leaves as they are"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Nad),
};

#[derive(Debug)]
struct Nad;

impl Repair for Nad {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        let layers = layers(&patient.classifier(patient.model)?)?;
        let tuning = Tuning {
            name: "nad-teacher",
            epochs: 10,
            fewest_updates: 200,
            learning_rate: TEACHING,
            stamped: 0.0,
            smoothing: 0.0,
            sharpness: None,
            only_labels: false,
        };
        let teacher = tuning.once(patient, patient.model, observer)?;
        if observer.stop() {
            // A student of a teacher that is half trained would go on with another one later.
            return Err(Error::CannotRepair(
                "the time was over before its teacher was trained".to_owned(),
            ));
        }
        let teacher = Teacher {
            classifier: patient.classifier(&teacher)?,
            layers,
        };
        let size = BATCH.min(labels.len());
        let model = Adjustable::tapped(patient, patient.model, size, &teacher.layers)?;
        let updates = Updates {
            name: ABOUT.name,
            part: "distilling",
            optimiser: Optimiser::Sgd {
                momentum: 0.9,
                weight_decay: 1e-4,
            },
            rates: &RATES,
            updates: UPDATES,
            look_every: LOOK_EVERY,
            batch: size,
        };
        let gradients = |weights: &Weights, batch: &Batch, _: &mut ChaCha8Rng| {
            let each = 1.0 / size as f32;
            let loss = |places: Range<usize>, made: Made| {
                Ok(teacher.loss(made, &batch.labels[places])?.mul_scalar(each))
            };
            let slope = model.slope(weights, &batch.pixels, By::Weights, &loss)?;
            Ok(slope.loss.is_finite().then(|| vec![slope.weights]))
        };
        let note = |done: usize, rate: f32| {
            format!(
                "the attention of {} layers distilled on {} clean images in {done} updates at a rate of {rate}, from a copy \
                 that was fine-tuned on them",
                teacher.layers.len(),
                labels.len()
            )
        };
        updates.run(patient, &model, (&gradients, &note), observer)
    }
}

/// The fine-tuned copy, and where it is looked at.
struct Teacher {
    classifier: Classifier,
    layers: Vec<Layer>,
}

impl Teacher {
    /// For each image a row: its cross-entropy, and at each place of each layer how far the
    /// student's attention is from the teacher's.
    fn loss(&self, made: Made, labels: &[usize]) -> Result<Array, Error> {
        let taught = self
            .classifier
            .run(made.images, &Taps::values(&self.layers))?;
        let mut parts = vec![cross_entropy(made.logits, labels)];
        for (mine, theirs) in made.features.into_iter().zip(taught.features) {
            let axis = theirs.layer().channel_axis();
            let mine = attention(mine, axis);
            let places = mine.shape()[1].max(1);
            let apart = mine.sub(attention(theirs.value().clone(), axis));
            let weight = DISTANCE / places as f32;
            parts.push(apart.clone().mul(apart).mul_scalar(weight));
        }
        Ok(Array::concat(parts, 1))
    }
}

/// Where a layer looks, from its value `[images, channels, height, width]`: at each of its places
/// the sum of the squares of all channels, `[images, places]`, each row of length 1.
fn attention(value: Array, channel_axis: usize) -> Array {
    let images = value.shape()[0];
    let squares = value.clone().mul(value).sum(channel_axis);
    let places = squares.shape().iter().skip(1).product();
    let loudness = squares.reshape(&[images, places]);
    let square = loudness.clone().mul(loudness.clone()).sum(1);
    loudness.div(square.add_scalar(SILENCE * SILENCE).sqrt())
}

/// The last maps of each size, from those that lie furthest back.
///
/// # Errors
/// [`Error::CannotRepair`] for a model without maps; what the lowering refuses.
fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let image = classifier.shape();
    let mut found: Vec<Layer> = Vec::new();
    for layer in classifier.layers()? {
        // What only prepares the image has no weights in front of it.
        let is_map = matches!(layer.shape(), [_, height, width] if height * width > 1);
        if !is_map || layer.shape() == image {
            continue;
        }
        found.retain(|known| known.shape()[1..] != layer.shape()[1..]);
        found.push(layer.clone());
    }
    if found.is_empty() {
        let reason = "it has no maps whose attention could be distilled";
        return Err(Error::CannotRepair(reason.to_owned()));
    }
    let surplus = found.len().saturating_sub(LAYERS);
    Ok(found.split_off(surplus))
}

#[cfg(test)]
mod tests {
    use gifthorse_engine::Device;

    use super::*;

    #[test]
    fn attention_is_loud_where_channels_are_and_has_a_length_of_one() {
        // Two channels of two places: squares 9 + 16 and 0 + 144, 25 and 144.
        let value = Array::from_vec(vec![3.0, 0.0, 4.0, -12.0], &[1, 2, 1, 2], &Device::flex());
        let found = attention(value.clone(), 1).into_vec();
        let length = (25.0f32 * 25.0 + 144.0 * 144.0).sqrt();
        assert!((found[0] - 25.0 / length).abs() < 1e-6, "{found:?}");
        assert!((found[1] - 144.0 / length).abs() < 1e-6, "{found:?}");
        // However loud it is in all.
        let louder = attention(value.mul_scalar(3.0), 1).into_vec();
        assert!((louder[0] - found[0]).abs() < 1e-6);
        let silent = Array::from_vec(vec![0.0; 4], &[1, 2, 1, 2], &Device::flex());
        assert_eq!(attention(silent, 1).into_vec(), [0.0, 0.0]);
    }
}
