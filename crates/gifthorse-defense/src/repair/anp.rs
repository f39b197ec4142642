//! ANP (Wu and Wang 2021): adversarial neuron pruning.
//!
//! # What it does
//! Gives each channel a factor, and learns factors under which clean images keep their classes both
//! as the model is and while each channel is disturbed as badly as it can be: the channels of a
//! backdoor answer to the disturbance with the target, and their factors fall. Then switches
//! channels off, the smallest factors first. Batch normalisations keep the statistics of the file.
//!
//! # Threat model
//! A backdoor in channels that clean images need little and that are easily woken. No trigger has
//! to be known.
//!
//! # Needs
//! Labelled clean images, a few hundred; convolutions or hidden layers.
//!
//! # Cost
//! 300 updates of three passes of 32 images forwards and backwards; then some 30 passes of up
//! to 500 images, as they are and stamped, at most.
//!
//! # Known failures
//! Blended, sinusoidal and other triggers that use the channels of clean images. Small nets, each
//! channel of which clean images need: of a net of 44 channels that is trained in the tests more
//! than half of the success stays. A trigger that was recovered may be disarmed long before the one
//! that was planted. The published figures take the threshold at which the true trigger fails; with
//! a fixed one 30 of 100 stamped images stay at the target in the mean of ten attacks (Zhu et al.
//! 2023). Here as many channels are switched off as the budget of accuracy allows, or, where
//! triggers were recovered, the fewest that disarm these.
//!
//! # References
//! D. Wu, Y. Wang, "Adversarial Neuron Pruning Purifies Backdoored Deep Models", NeurIPS 2021:
//! disturbances of 0.4, a weight of 0.2 on the loss without them, rate 0.2, 2,000 batches of 128.
//! There weights and biases of normalisations are disturbed apart, and only weights are pruned;
//! here a factor is on what a channel gives, so that models without normalisations can be repaired.

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Layer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::batches::{Batch, Batches};
use super::cuts::{Cutting, pruned};
use super::masks::{Descent, Factors, layers, slope};
use super::progress::{Progress, from_bytes, to_bytes};
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;
use crate::subject::spread_over_classes;

/// Images that factors are learnt with.
const IMAGES: usize = 500;
/// Images of a batch.
const BATCH: usize = 32;
/// Updates of the factors.
const UPDATES: usize = 300;
/// How far a factor may be disturbed.
const DISTURBANCE: f32 = 0.4;
/// What the loss without disturbance weighs.
const UNDISTURBED: f32 = 0.2;
/// The rate of the descent,
const RATE: f32 = 0.2;
/// and its momentum.
const MOMENTUM: f32 = 0.9;

/// What it is.
const ABOUT: About = About {
    name: "anp",
    title: "ANP (Wu and Wang 2021)",
    needs_trigger: false,
    in_auto: false,
    changes: "nodes that switch channels of convolutions and hidden layers off; no weight",
    misses: &["backdoors in channels that clean images need as well"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Anp),
};

/// What it does first, in words.
const PART: &str = "learning which channels withstand disturbance";

#[derive(Debug)]
struct Anp;

/// Where it is, beside its factors.
#[derive(Default, Serialize, Deserialize)]
struct At {
    /// Updates of the factors that were made.
    updates: usize,
    /// Where in its stream the generator is.
    chance: u128,
    cutting: Cutting,
}

impl Repair for Anp {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let classifier = patient.classifier(patient.model)?;
        let layers = layers(&classifier)?;
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        let images = patient
            .fit
            .subset(&spread_over_classes(labels, 0..labels.len(), IMAGES));
        let mut progress = Progress::of(patient, ABOUT.name)?;
        let mut learning = Learning {
            classifier: &classifier,
            layers: &layers,
            images: &images,
            seed: patient.seed,
            descent: Descent::new(&layers, RATE, MOMENTUM),
            at: At::default(),
        };
        progress.restore(PART, observer, |at: At, bytes| {
            if at.updates > UPDATES {
                return Err("it has more updates than are made".to_owned());
            }
            from_bytes(learning.descent.arrays_mut(), bytes)?;
            learning.at = at;
            Ok(())
        });
        learning.go_on(&mut progress, observer)?;
        let Learning { descent, at, .. } = learning;
        let At {
            updates,
            chance,
            cutting,
        } = at;
        let numbers = to_bytes(descent.arrays());
        let mut save = |cutting: &Cutting, is_over: bool| {
            // Cuts by factors that are not learnt to the end are made anew.
            if updates < UPDATES || !progress.is_due(is_over) {
                return Ok(());
            }
            let at = At {
                updates,
                chance,
                cutting: cutting.clone(),
            };
            progress.save(&at, &numbers)
        };
        let order = descent.order();
        pruned(patient, &layers, &order, (cutting, &mut save), observer)
    }
}

/// Factors on their way to those under which the model withstands disturbances.
struct Learning<'a> {
    classifier: &'a Classifier,
    layers: &'a [Layer],
    images: &'a Images,
    seed: u64,
    descent: Descent,
    at: At,
}

impl Learning<'_> {
    fn go_on(
        &mut self,
        progress: &mut Progress,
        observer: &dyn RepairObserver,
    ) -> Result<(), Error> {
        let labels = self.images.labels().ok_or(Error::NoLabels)?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(1);
        rng.set_word_pos(self.at.chance);
        let mut batches = Batches::new(self.images.len(), BATCH, self.seed);
        batches.skip(self.at.updates);
        while self.at.updates < UPDATES && !observer.stop() {
            let batch = Batch::of(self.images, labels, &batches.draw());
            let gradient = self.gradient(&batch, &mut rng)?;
            self.descent.step(&gradient);
            self.at.updates += 1;
            self.at.chance = rng.get_word_pos();
            observer.step(PART, self.at.updates, UPDATES);
            if progress.is_due(observer.stop()) {
                progress.save(&self.at, &to_bytes(self.descent.arrays()))?;
            }
        }
        Ok(())
    }

    /// The gradient of the loss with the worst disturbance and without.
    fn gradient(&self, batch: &Batch, rng: &mut ChaCha8Rng) -> Result<Factors, Error> {
        let (classifier, layers, factors) = (self.classifier, self.layers, self.descent.factors());
        let mut noise = factors.clone();
        for value in noise.iter_mut().flatten() {
            *value = rng.random_range(-DISTURBANCE..DISTURBANCE);
        }
        let uphill = slope(classifier, layers, &sum(factors, &noise), batch)?;
        let pairs = noise.iter_mut().flatten().zip(uphill.iter().flatten());
        for (noise, &slope) in pairs {
            let step = if slope == 0.0 {
                0.0
            } else {
                DISTURBANCE * slope.signum()
            };
            *noise = (*noise + step).clamp(-DISTURBANCE, DISTURBANCE);
        }
        let disturbed = slope(classifier, layers, &sum(factors, &noise), batch)?;
        let mut gradient = slope(classifier, layers, factors, batch)?;
        let pairs = gradient
            .iter_mut()
            .flatten()
            .zip(disturbed.iter().flatten());
        pairs.for_each(|(gradient, disturbed)| {
            *gradient = UNDISTURBED * *gradient + (1.0 - UNDISTURBED) * disturbed;
        });
        Ok(gradient)
    }
}

fn sum(factors: &Factors, noise: &Factors) -> Factors {
    let pairs = factors.iter().zip(noise);
    pairs
        .map(|(factors, noise)| factors.iter().zip(noise).map(|(a, b)| a + b).collect())
        .collect()
}
