//! RNP (Li et al. 2023): reconstructive neuron pruning.
//!
//! # What it does
//! Lets a copy of the model forget its task: the loss on clean images is driven up until it is
//! right on no more than a fifth of them, or no more than by chance, while a backdoor stays where
//! it was. Then gives each channel of the copy a factor and learns factors that bring the task
//! back: those of the backdoor's channels fall. In the model itself, which forgot nothing, channels
//! are switched off, the smallest factors first. Batch normalisations keep the statistics of the
//! file.
//!
//! # Threat model
//! A backdoor in channels of its own, which forgetting the task does not touch. No trigger has to
//! be known.
//!
//! # Needs
//! Labelled clean images, a few hundred; convolutions or hidden layers.
//!
//! # Cost
//! Up to 20 passes of 500 images to forget and 20 to recover; then some 30 of up to 500 images, as
//! they are and stamped, at most.
//!
//! # Known failures
//! Small nets, in which the task and the backdoor share channels: of a net of 44 channels that is
//! trained in the tests half of the success stays, at six points of accuracy. Published figures
//! hang on the threshold (BadNets on CIFAR-10: 6.6 of 100 stamped images at 0.2, 1.7 at 0.3), which
//! was chosen by looking at the true trigger; here as many channels are switched off as the budget
//! of accuracy allows, or, where triggers were recovered, the fewest that disarm these.
//!
//! # References
//! Y. Li, X. Lyu, X. Ma, N. Koren, L. Lyu, B. Li, Y.-G. Jiang, "Reconstructive Neuron Pruning for
//! Backdoor Defense", ICML 2023: rate 0.01 to forget and 0.2 to recover, batches of 128. In the
//! released program gradients are not clipped, since that is done before there are any; here they
//! are, to the length of 20 that it names.

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Layer};
use gifthorse_onnx::Model;
use gifthorse_train::{Optimiser, OptimiserState};

use super::adjustable::{Adjustable, By, Weights};
use super::batches::{Batch, Batches};
use super::cuts::pruned;
use super::losses::cross_entropy;
use super::masks::{Descent, layers, slope};
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;
use crate::subject::spread_over_classes;

/// Images that are forgotten and recovered.
const IMAGES: usize = 500;
/// Images of a batch.
const BATCH: usize = 128;
/// Most passes to forget,
const FORGETTING: usize = 20;
/// at this rate,
const FORGETTING_RATE: f32 = 0.01;
/// until this share of images is right, or what chance gives.
const FORGOTTEN: f64 = 0.2;
/// The longest gradient.
const LONGEST: f64 = 20.0;
/// Passes to recover,
const RECOVERING: usize = 20;
/// at this rate,
const RECOVERING_RATE: f32 = 0.2;
/// with this momentum,
const MOMENTUM: f32 = 0.9;
/// and this weight of the loss.
const WEIGHT: f32 = 0.2;

/// What it is.
const ABOUT: About = About {
    name: "rnp",
    title: "RNP (Li et al. 2023)",
    needs_trigger: false,
    in_auto: false,
    changes: "nodes that switch channels of convolutions and hidden layers off; no weight",
    misses: &["backdoors in channels that clean images need as well"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Rnp),
};

#[derive(Debug)]
struct Rnp;

impl Repair for Rnp {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        let images = patient
            .fit
            .subset(&spread_over_classes(labels, 0..labels.len(), IMAGES));
        let (forgetful, left) = forgetful(patient, &images, observer)?;
        let classifier = patient.classifier(&forgetful)?;
        let layers = layers(&classifier)?;
        let learnt = recovering(&classifier, &layers, &images, patient.seed, observer)?;
        let mut repaired = pruned(patient, &layers, &learnt.order(), observer)?;
        let note = format!(
            "a copy was made to forget clean images, up to {:.0} %",
            100.0 * left
        );
        repaired.notes.push(note);
        Ok(repaired)
    }
}

/// The model without its task, and the share of images that it is still right on.
fn forgetful(
    patient: &Patient<'_>,
    images: &Images,
    observer: &dyn RepairObserver,
) -> Result<(Model, f64), Error> {
    let labels = images.labels().ok_or(Error::NoLabels)?;
    if images.is_empty() {
        return Err(Error::CannotRepair(
            "there are no clean images to forget".to_owned(),
        ));
    }
    let size = BATCH.min(images.len());
    let model = Adjustable::new(patient, patient.model, size)?;
    let mut batches = Batches::new(images.len(), size, patient.seed);
    let mut weights = model.first();
    let mut state = OptimiserState::new(
        Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 5e-4,
        },
        &weights,
    );
    let chance = 1.0 / model.classes().max(1) as f64;
    let mut left = 1.0;
    for pass in 0..FORGETTING {
        for _ in 0..batches.of_a_pass() {
            if observer.stop() {
                break;
            }
            let batch = Batch::of(images, labels, &batches.draw());
            let each = -1.0 / size as f32;
            let slope = model.slope(&weights, &batch.pixels, By::Weights, &|places, made| {
                Ok(cross_entropy(made.logits, &batch.labels[places]).mul_scalar(each))
            })?;
            let mut gradient = slope.weights;
            clip(&mut gradient);
            state.step(&mut weights, &[gradient.as_slice()], FORGETTING_RATE);
        }
        observer.step("forgetting clean images", pass + 1, FORGETTING);
        let answers = model.answers(&weights, images.pixels())?;
        let right = answers.iter().zip(labels).filter(|(a, b)| a == b).count();
        left = right as f64 / labels.len() as f64;
        if left <= FORGOTTEN.max(chance) || observer.stop() {
            break;
        }
    }
    Ok((model.model(&weights)?, left))
}

/// Factors that bring back what was forgotten.
fn recovering(
    classifier: &Classifier,
    layers: &[Layer],
    images: &Images,
    seed: u64,
    observer: &dyn RepairObserver,
) -> Result<Descent, Error> {
    let labels = images.labels().ok_or(Error::NoLabels)?;
    let mut batches = Batches::new(images.len(), BATCH, seed);
    let mut descent = Descent::new(layers, RECOVERING_RATE, MOMENTUM);
    let updates = RECOVERING * batches.of_a_pass();
    for update in 0..updates {
        if observer.stop() {
            break;
        }
        let batch = Batch::of(images, labels, &batches.draw());
        let mut gradient = slope(classifier, layers, descent.factors(), &batch)?;
        gradient
            .iter_mut()
            .flatten()
            .for_each(|slope| *slope *= WEIGHT);
        descent.step(&gradient);
        observer.step(
            "learning which channels bring them back",
            update + 1,
            updates,
        );
    }
    Ok(descent)
}

/// Makes a gradient that is too long as long as it may be.
fn clip(gradient: &mut Weights) {
    let square: f64 = gradient
        .iter()
        .flatten()
        .map(|&g| f64::from(g).powi(2))
        .sum();
    let factor = LONGEST / square.sqrt();
    if factor < 1.0 {
        gradient
            .iter_mut()
            .flatten()
            .for_each(|g| *g *= factor as f32);
    }
}
