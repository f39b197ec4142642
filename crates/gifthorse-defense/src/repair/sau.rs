//! SAU (Wei et al. 2023): shared adversarial unlearning.
//!
//! # What it does
//! Looks, for each clean image, for a small change that fools both the model as it is now and the
//! model as it was, and leads them to the same wrong class: such shared adversarial examples go by
//! the backdoor where there is one. Then moves the weights so that the model no longer gives an
//! image the class that the change led the old model to, and still gives clean images theirs.
//! Weights are moved as the model is used, with the statistics of batch normalisations as they are.
//!
//! # Threat model
//! Any backdoor whose trigger is near to what small changes of images do; neither the trigger nor
//! its class has to be known.
//!
//! # Needs
//! Labelled clean images, a few hundred.
//!
//! # Cost
//! At each of two rates at most 200 updates, each of about seven passes of 32 images forwards and
//! backwards through two models.
//!
//! # Known failures
//! Triggers that change images much more than the search may (0.2 of the range of a pixel), and
//! models that every small change fools, whatever its class: their shared examples lead anywhere.
//! On a net for traffic signs, with an earlier and shorter schedule, 59 of 100 images with the
//! planted trigger stayed at the target when the recovered one no longer worked.
//!
//! # References
//! S. Wei, M. Zhang, H. Zha, B. Wu, "Shared Adversarial Unlearning: Backdoor Mitigation by
//! Unlearning Shared Adversarial Examples", NeurIPS 2023. Their program makes 100 passes at a rate
//! of 0.0001 over 2,500 images; here there are fewer and larger updates whose rate falls along a
//! cosine, and the search begins at a random change in place of the brightest.

use gifthorse_engine::{Array, Classifier, Tensor};
use gifthorse_train::Optimiser;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::adjustable::{Adjustable, By, Weights};
use super::batches::Batch;
use super::losses::{away, cross_entropy, divergence};
use super::updates::Updates;
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;

/// Images of a batch.
const BATCH: usize = 32;
/// Updates at a rate.
const UPDATES: usize = 200;
/// Updates between two looks at the model.
const LOOK_EVERY: usize = 20;
/// Rates of Adam to begin with, tried in this order.
const RATES: [f32; 2] = [1e-3, 3e-4];
/// How far a pixel may be changed, and how far a step changes it.
const REACH: f32 = 0.2;
/// Steps of the search for a change.
const STEPS: usize = 5;
/// What being fooled weighs in the search, against being fooled alike.
const FOOLED: f32 = 0.01;

/// What it is.
const ABOUT: About = About {
    name: "sau",
    title: "SAU (Wei et al. 2023)",
    needs_trigger: false,
    in_auto: false,
    changes: "all weights",
    misses: &["triggers that change images far more than 0.2 of the range of a pixel"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Sau),
};

#[derive(Debug)]
struct Sau;

impl Repair for Sau {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        if labels.is_empty() {
            return Err(Error::CannotRepair(
                "there are no clean images to learn from".to_owned(),
            ));
        }
        let batch = BATCH.min(labels.len());
        let model = Adjustable::new(patient, patient.model, batch)?;
        let pair = Pair {
            model: &model,
            reference: patient.classifier(patient.model)?,
        };
        let updates = Updates {
            name: ABOUT.name,
            part: "unlearning",
            optimiser: Optimiser::ADAM,
            rates: &RATES,
            updates: UPDATES,
            look_every: LOOK_EVERY,
            batch,
        };
        let gradients = |weights: &Weights, batch: &Batch, chance: &mut ChaCha8Rng| {
            let shared = pair.shared(weights, batch, chance)?;
            Ok(Some(pair.gradients(weights, batch, &shared)?))
        };
        let note = |done: usize, rate: f32| {
            format!(
                "unlearned shared adversarial examples of {} clean images in {done} updates at a rate of {rate}",
                labels.len()
            )
        };
        updates.run(patient, &model, (&gradients, &note), observer)
    }
}

/// The model as it is now, and as it was.
struct Pair<'a> {
    model: &'a Adjustable,
    reference: Classifier,
}

/// Changed images, and the wrong class that each leads the old model to, if it does.
struct Shared {
    pixels: Vec<f32>,
    led: Vec<Option<usize>>,
}

impl Pair<'_> {
    /// Changes images of a batch so that both models are led to the same wrong class.
    fn shared(
        &self,
        weights: &Weights,
        batch: &Batch,
        rng: &mut ChaCha8Rng,
    ) -> Result<Shared, Error> {
        let moved = |rng: &mut ChaCha8Rng, pixel: f32| {
            (pixel + rng.random_range(-REACH..REACH)).clamp(0.0, 1.0)
        };
        let mut pixels: Vec<f32> = batch
            .pixels
            .iter()
            .map(|&pixel| moved(rng, pixel))
            .collect();
        for _ in 0..STEPS {
            let slope = self
                .model
                .slope(weights, &pixels, By::Pixels, &|places, made| {
                    self.search_loss(made.logits, made.images, &batch.labels[places])
                })?;
            let steps = pixels.iter_mut().zip(&slope.pixels).zip(&batch.pixels);
            for ((pixel, &slope), &from) in steps {
                // A slope of nothing, as where both are fooled alike, moves nothing.
                let step = if slope == 0.0 {
                    0.0
                } else {
                    REACH * slope.signum()
                };
                let moved = (*pixel - step).clamp(from - REACH, from + REACH);
                *pixel = moved.clamp(0.0, 1.0);
            }
        }
        let answers = self.reference.predict(&pixels)?;
        let led = answers.into_iter().zip(&batch.labels);
        let led = led.map(|(answer, &label)| (answer != label).then_some(answer));
        Ok(Shared {
            led: led.collect(),
            pixels,
        })
    }

    /// What the search makes small: how far both models still give images their labels, and how far
    /// their answers are apart where both are wrong in different ways.
    fn search_loss(
        &self,
        logits: Array,
        images: Tensor<4>,
        labels: &[usize],
    ) -> Result<Array, Error> {
        let others = Array::from_tensor(self.reference.logits(images)?);
        let (mine, theirs) = (answers(&logits), answers(&others));
        let right = |answers: &[usize]| -> Vec<f32> {
            let pairs = answers.iter().zip(labels);
            pairs
                .map(|(answer, label)| f32::from(u8::from(answer == label)))
                .collect()
        };
        let apart = mine.iter().zip(&theirs).zip(labels);
        let apart: Vec<f32> = apart
            .map(|((mine, theirs), label)| mine != label && theirs != label && mine != theirs)
            .map(|apart| f32::from(u8::from(apart)))
            .collect();
        let fooled = |logits: &Array, answers: &[usize]| {
            let factors = Array::from_vec(right(answers), &[labels.len(), 1], &logits.device());
            let loss = cross_entropy(logits.clone(), labels);
            loss.mul(factors).mul_scalar(-0.5 * FOOLED)
        };
        let both = fooled(&logits, &mine).add(fooled(&others, &theirs));
        Ok(both.add(divergence(logits, others, &apart)))
    }

    /// The gradient of the loss on clean images, and of that on shared examples.
    fn gradients(
        &self,
        weights: &Weights,
        batch: &Batch,
        shared: &Shared,
    ) -> Result<Vec<Weights>, Error> {
        let labels = &batch.labels;
        let each = 1.0 / labels.len() as f32;
        let clean = self
            .model
            .slope(weights, &batch.pixels, By::Weights, &|places, made| {
                Ok(cross_entropy(made.logits, &labels[places]).mul_scalar(each))
            })?;
        let mut gradients = vec![clean.weights];
        let fooling = shared.led.iter().flatten().count();
        if fooling > 0 {
            let each = 1.0 / fooling as f32;
            let led = &shared.led;
            let slope =
                self.model
                    .slope(weights, &shared.pixels, By::Weights, &|places, made| {
                        Ok(away(made.logits, &led[places]).mul_scalar(each))
                    })?;
            gradients.push(slope.weights);
        }
        Ok(gradients)
    }
}

/// The class of each row with the largest logit, the first of equals.
fn answers(logits: &Array) -> Vec<usize> {
    let classes = logits.shape()[1].max(1);
    let rows = logits.clone().into_vec();
    let largest = |row: &[f32]| {
        (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
    };
    rows.chunks_exact(classes).map(largest).collect()
}
