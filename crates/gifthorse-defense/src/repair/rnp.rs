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
use gifthorse_train::{Optimiser, OptimiserState};
use serde::{Deserialize, Serialize};

use super::adjustable::{Adjustable, By, Weights};
use super::batches::{Batch, Batches};
use super::cuts::{Cutting, pruned};
use super::losses::cross_entropy;
use super::masks::{Descent, layers, slope};
use super::progress::{Progress, from_bytes, to_bytes};
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;
use crate::exact;
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

/// Where it is, beside its numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct At {
    /// Updates that were made to forget.
    forgetting: usize,
    optimiser_steps: u64,
    /// Whether enough is forgotten, or it cannot be.
    forgot: bool,
    /// The share of images that the copy was right on when last looked at.
    #[serde(with = "exact::double")]
    left: f64,
    /// Updates that were made to recover.
    recovering: usize,
    cutting: Cutting,
}

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
        if images.is_empty() {
            return Err(Error::CannotRepair(
                "there are no clean images to forget".to_owned(),
            ));
        }
        let layers = layers(&patient.classifier(patient.model)?)?;
        let size = BATCH.min(images.len());
        let mut course = Course::begin(Adjustable::new(patient, patient.model, size)?, &layers);
        let mut progress = Progress::of(patient, ABOUT.name)?;
        progress.restore("reconstructive pruning", observer, |at, bytes| {
            course.restore(at, bytes)
        });
        course.forget((&images, size, patient.seed), &mut progress, observer)?;
        let classifier = patient.classifier(&course.copy.model(&course.weights)?)?;
        course.recover(
            (&classifier, &layers, &images, patient.seed),
            &mut progress,
            observer,
        )?;
        let is_whole = course.at.recovering >= recoveries(images.len());
        let cutting = std::mem::take(&mut course.at.cutting);
        let order = course.descent.order();
        let mut save = |cutting: &Cutting, is_over: bool| {
            // Cuts by factors that are not learnt to the end are made anew.
            if !is_whole || !progress.is_due(is_over) {
                return Ok(());
            }
            course.at.cutting = cutting.clone();
            course.save(&mut progress)
        };
        let mut repaired = pruned(patient, &layers, &order, (cutting, &mut save), observer)?;
        let note = format!(
            "a copy was made to forget clean images, up to {:.0} %",
            100.0 * course.at.left
        );
        repaired.notes.push(note);
        Ok(repaired)
    }
}

/// The copy that forgets, and the factors that bring back what it forgot.
struct Course {
    copy: Adjustable,
    weights: Weights,
    state: OptimiserState,
    descent: Descent,
    at: At,
}

impl Course {
    fn begin(copy: Adjustable, layers: &[Layer]) -> Self {
        let weights = copy.first();
        let optimiser = Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 5e-4,
        };
        Self {
            state: OptimiserState::new(optimiser, &weights),
            weights,
            copy,
            descent: Descent::new(layers, RECOVERING_RATE, MOMENTUM),
            at: At {
                forgetting: 0,
                optimiser_steps: 0,
                forgot: false,
                left: 1.0,
                recovering: 0,
                cutting: Cutting::default(),
            },
        }
    }

    fn save(&mut self, progress: &mut Progress) -> Result<(), Error> {
        self.at.optimiser_steps = self.state.steps();
        let tuned = self.weights.iter().chain(self.state.arrays());
        progress.save(&self.at, &to_bytes(tuned.chain(self.descent.arrays())))
    }

    fn restore(&mut self, at: At, bytes: &[u8]) -> Result<(), String> {
        if at.forgetting > FORGETTING * IMAGES || at.recovering > RECOVERING * IMAGES {
            return Err("it has more updates than are made".to_owned());
        }
        let tuned = self.weights.iter_mut().chain(self.state.arrays_mut());
        from_bytes(tuned.chain(self.descent.arrays_mut()), bytes)?;
        self.state.set_steps(at.optimiser_steps);
        self.at = at;
        Ok(())
    }

    /// Makes the copy forget images, in batches of a size.
    fn forget(
        &mut self,
        (images, size, seed): (&Images, usize, u64),
        progress: &mut Progress,
        observer: &dyn RepairObserver,
    ) -> Result<(), Error> {
        let labels = images.labels().ok_or(Error::NoLabels)?;
        let mut batches = Batches::new(images.len(), size, seed);
        batches.skip(self.at.forgetting);
        let of_a_pass = batches.of_a_pass();
        let chance = 1.0 / self.copy.classes().max(1) as f64;
        while !self.at.forgot {
            let is_over = observer.stop();
            let passes = self.at.forgetting / of_a_pass;
            let is_whole = self.at.forgetting > 0 && self.at.forgetting.is_multiple_of(of_a_pass);
            if is_whole || is_over {
                let answers = self.copy.answers(&self.weights, images.pixels())?;
                let right = answers.iter().zip(labels).filter(|(a, b)| a == b).count();
                self.at.left = right as f64 / labels.len() as f64;
            }
            if is_whole {
                observer.step("forgetting clean images", passes, FORGETTING);
                self.at.forgot = self.at.left <= FORGOTTEN.max(chance) || passes >= FORGETTING;
            }
            if progress.is_due(is_over) {
                self.save(progress)?;
            }
            if self.at.forgot || is_over {
                break;
            }
            let batch = Batch::of(images, labels, &batches.draw());
            let each = -1.0 / size as f32;
            let slope = self.copy.slope(
                &self.weights,
                &batch.pixels,
                By::Weights,
                &|places, made| {
                    Ok(cross_entropy(made.logits, &batch.labels[places]).mul_scalar(each))
                },
            )?;
            let mut gradient = slope.weights;
            clip(&mut gradient);
            self.state
                .step(&mut self.weights, &[gradient.as_slice()], FORGETTING_RATE);
            self.at.forgetting += 1;
        }
        Ok(())
    }

    /// Learns the factors that bring back what the copy, a classifier now, forgot.
    fn recover(
        &mut self,
        (classifier, layers, images, seed): (&Classifier, &[Layer], &Images, u64),
        progress: &mut Progress,
        observer: &dyn RepairObserver,
    ) -> Result<(), Error> {
        let labels = images.labels().ok_or(Error::NoLabels)?;
        let mut batches = Batches::new(images.len(), BATCH, seed);
        batches.skip(self.at.recovering);
        let updates = recoveries(images.len());
        while self.at.recovering < updates && !observer.stop() {
            let batch = Batch::of(images, labels, &batches.draw());
            let mut gradient = slope(classifier, layers, self.descent.factors(), &batch)?;
            gradient
                .iter_mut()
                .flatten()
                .for_each(|slope| *slope *= WEIGHT);
            self.descent.step(&gradient);
            self.at.recovering += 1;
            observer.step(
                "learning which channels bring them back",
                self.at.recovering,
                updates,
            );
            if progress.is_due(observer.stop()) {
                self.save(progress)?;
            }
        }
        Ok(())
    }
}

/// Updates to recover so many images.
fn recoveries(images: usize) -> usize {
    RECOVERING * Batches::new(images, BATCH, 0).of_a_pass()
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
