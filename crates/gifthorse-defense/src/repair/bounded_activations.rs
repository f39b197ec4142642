//! Bounded activations (H. Wang et al. 2024), MM-BM and MMAC.
//!
//! # What it does
//! Puts an upper bound on each channel of each activation, as low as can be while the logits of
//! clean images stay what they are: the weights are not touched. The bounds begin at what clean
//! images reach and are lowered by gradient steps on the squared change of the logits plus a price,
//! which rises as long as accuracy on other clean images stays within the budget. What is paid for
//! is the height of the bounds (MM-BM), and how sure the model under them is of images that were
//! driven from noise to be as sure of a class as can be (MMAC): these go by the backdoor where
//! there is one. Where triggers are known, stamped images have to give the logits of the same
//! images as they are instead, and nothing is paid for.
//!
//! # Threat model
//! A backdoor that works by activations higher than those of clean images, as most with a small
//! trigger do.
//!
//! # Needs
//! Clean images, some tens of each class; no labels of their own.
//!
//! # Cost
//! 60 passes of up to eight images of each class forwards and backwards, then 300 of 32 clean and
//! 32 of these, and 32 stamped where a trigger is known.
//!
//! # Known failures
//! Triggers whose work is done within the range of clean images: blends, warps, all-to-all with
//! many poisoned images. Models without activations that are flat on a stretch (GELU, SiLU).
//!
//! # References
//! H. Wang, Z. Xiang, D. J. Miller, G. Kesidis, "MM-BD: Post-Training Detection of Backdoor Attacks
//! with Arbitrary Backdoor Pattern Types Using a Maximum Margin Statistic", IEEE S&P 2024, section
//! VI. H. Wang, Z. Xiang, D. J. Miller, G. Kesidis, "Improved Activation Clipping for Universal
//! Backdoor Mitigation and Test-Time Detection", ICASSP 2024. There bounds and margins pay as they
//! are, and no trigger is known; here each bound is counted in what clean images reach, and margins
//! in the spread of the logits, so that layers and models of different sizes pay alike.

mod margins;

use gifthorse_data::Images;
use gifthorse_engine::{Array, Classifier, Intervention, Layer, Taps, Tensor};

use super::measure::Measured;
use super::switch_off::bounded;
use super::{About, KnownTrigger, Limits, Patient, Repair, RepairObserver, Repaired, Row};
use crate::adam::Adam;
use crate::error::Error;
use crate::subject::spread_over_classes;
use margins::{Sure, margins};

/// Images that bounds are fitted to.
const IMAGES: usize = 500;
/// Images of a batch.
const BATCH: usize = 32;
/// Updates of the bounds.
const UPDATES: usize = 300;
/// Updates between two looks at accuracy.
const LOOK_EVERY: usize = 10;
/// Size of a step, in what clean images reach.
const RATE: f32 = 0.03;
/// The first price of the bounds' height.
const PRICE: f32 = 0.1;
/// What the price rises by where accuracy allows, and falls by where not.
const STEP: f32 = 1.5;

/// What it is.
const ABOUT: About = About {
    name: "bounded_activations",
    title: "Bounded activations (H. Wang et al. 2024)",
    needs_trigger: false,
    in_auto: true,
    changes: "nodes that keep activations below bounds; no weight",
    misses: &["backdoors that work within what clean images reach"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(BoundedActivations),
};

#[derive(Debug)]
struct BoundedActivations;

/// The bounds of one layer.
struct Bounds {
    layer: Layer,
    /// What clean images reach, `[channels]`.
    reached: Tensor<1>,
    /// The bounds, in these.
    part: Tensor<1>,
    adam: Adam<1>,
}

impl Repair for BoundedActivations {
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
        if layers.is_empty() {
            let reason = "it has no activation that is flat on a stretch";
            return Err(Error::CannotRepair(reason.to_owned()));
        }
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        let chosen = spread_over_classes(labels, 0..labels.len(), IMAGES);
        let images = patient.fit.subset(&chosen);
        let task = Task {
            wanted: classifier.evaluate(images.pixels())?,
            sure: Sure::find(&classifier, patient.seed)?,
            triggers: patient.triggers,
            classifier,
            images,
        };
        let classifier = &task.classifier;
        let mut all = start(classifier, &task.images, layers)?;
        let mut kept = numbers(&all);
        let limits = Limits::of(patient);
        let before = Measured::of(classifier, patient.check, patient.triggers)?;
        let is_known = !patient.triggers.is_empty();
        // What stamped images do says more than any price.
        let mut price = if is_known { 0.0 } else { PRICE };
        let mut least = f64::INFINITY;
        for update in 0..UPDATES {
            if observer.stop() {
                break;
            }
            task.step(update, price, &mut all)?;
            observer.step("bounding activations", update + 1, UPDATES);
            if (update + 1) % LOOK_EVERY != 0 {
                continue;
            }
            let under = classifier.with(interventions(&all)?)?;
            let after = Measured::of(&under, patient.check, patient.triggers)?;
            let distance = limits.distance(&before, &after);
            let lost = after.lost_since(&before) as f64;
            let is_within = lost <= patient.budget * after.clean.trials as f64;
            if is_known && distance < least {
                (least, kept) = (distance, numbers(&all));
            } else if !is_known && is_within {
                kept = numbers(&all);
            }
            price *= if is_within { STEP } else { 1.0 / STEP };
        }
        let mut model = patient.model.clone();
        for (bounds, numbers) in all.iter().zip(&kept) {
            model = bounded(&model, &bounds.layer, numbers)?;
        }
        let lowered: Vec<f32> = all
            .iter()
            .zip(&kept)
            .flat_map(|(bounds, kept)| {
                let reached = Array::from_tensor(bounds.reached.clone()).into_vec();
                let parts = kept
                    .iter()
                    .zip(reached)
                    .filter(|(_, reached)| *reached > 0.0);
                parts
                    .map(|(kept, reached)| kept / reached)
                    .collect::<Vec<_>>()
            })
            .collect();
        let mean = lowered.iter().sum::<f32>() / lowered.len().max(1) as f32;
        let note = format!(
            "the channels of {} activations bounded, at {:.0} % of what clean images reach in the mean",
            all.len(),
            100.0 * mean
        );
        Ok(Repaired::new(model, note))
    }
}

/// The activations, each once, but for one that only keeps pixels in their range.
fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let pixels: usize = classifier.shape().iter().product();
    let mut layers: Vec<Layer> = Vec::new();
    for hinge in classifier.network().hinges()? {
        let layer = &hinge.after;
        let is_image = layer.shape().iter().product::<usize>() == pixels
            && layer.channels() == classifier.shape()[0];
        if !is_image && layer.channels() > 1 && !layers.contains(layer) {
            layers.push(layer.clone());
        }
    }
    Ok(layers)
}

/// Bounds at what clean images reach.
fn start(
    classifier: &Classifier,
    images: &Images,
    layers: Vec<Layer>,
) -> Result<Vec<Bounds>, Error> {
    let mut reached: Vec<Vec<f32>> = layers
        .iter()
        .map(|layer| vec![f32::NEG_INFINITY; layer.channels()])
        .collect();
    let taps = Taps::values(&layers);
    let places: Vec<usize> = (0..images.len()).collect();
    for places in places.chunks(BATCH) {
        let tapped = classifier.run(tensor(classifier, images, places), &taps)?;
        for (most, feature) in reached.iter_mut().zip(tapped.features) {
            let behind = feature
                .layer()
                .shape()
                .get(feature.layer().channel_axis()..);
            let inner: usize = behind.unwrap_or_default().iter().product();
            let channels = most.len();
            for (place, value) in feature.value().clone().into_vec().into_iter().enumerate() {
                let most = &mut most[place / inner.max(1) % channels];
                *most = most.max(value);
            }
        }
    }
    let device = classifier.device();
    let bounds = layers.into_iter().zip(reached).map(|(layer, reached)| {
        let (channels, ones) = (reached.len(), vec![1.0; reached.len()]);
        Bounds {
            layer,
            reached: Array::from_vec(reached, &[channels], device).into_tensor(),
            part: Array::from_vec(ones, &[channels], device).into_tensor(),
            adam: Adam::new(RATE, (0.9, 0.999)),
        }
    });
    Ok(bounds.collect())
}

/// What bounds are fitted to.
struct Task<'a> {
    triggers: &'a [KnownTrigger],
    classifier: Classifier,
    images: Images,
    /// The logits of these without bounds.
    wanted: Vec<f32>,
    sure: Sure,
}

impl Task<'_> {
    /// One update of all bounds.
    fn step(&self, update: usize, price: f32, all: &mut [Bounds]) -> Result<(), Error> {
        let (classifier, classes) = (&self.classifier, self.classifier.classes());
        let leaves: Vec<Tensor<1>> = all
            .iter()
            .map(|bounds| bounds.part.clone().autodiff().require_grad())
            .collect();
        let under = all.iter().zip(&leaves).map(|(bounds, leaf)| {
            let numbers = leaf.clone().mul(bounds.reached.clone().autodiff());
            Intervention::bound(&bounds.layer, numbers)
        });
        let under = classifier.with(under.collect::<Result<Vec<_>, _>>()?)?;

        let batch = batch_of(self.images.len(), update);
        let rows = batch.iter().map(|place| place * classes);
        let rows = rows.flat_map(|first| &self.wanted[first..first + classes]);
        let rows: Vec<f32> = rows.copied().collect();
        let mean = rows.iter().sum::<f32>() / rows.len() as f32;
        let variance = rows.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / rows.len() as f32;
        let variance = variance.max(f32::MIN_POSITIVE);
        let rows = Array::from_vec(rows, &[batch.len(), classes], classifier.device());
        let rows = rows.into_tensor::<2>().autodiff();
        let change = |images: Tensor<4>| -> Result<Tensor<1>, Error> {
            let change = under.logits(images)?.sub(rows.clone());
            Ok(change.clone().mul(change).mean().div_scalar(variance))
        };
        let mut loss = change(tensor(classifier, &self.images, &batch))?;
        if let Some(stamped) = self.stamped(&batch, update)? {
            loss = loss.add(change(stamped)?);
        }

        let sure = batch_of(self.sure.targets.len(), update);
        let targets: Vec<usize> = sure.iter().map(|&place| self.sure.targets[place]).collect();
        let margin = margins(classifier, under.logits(self.driven(&sure))?, &targets);
        let scale = price / (sure.len() as f32 * variance.sqrt());
        loss = loss.add(margin.mul_scalar(scale));
        let each = price / leaves.len() as f32;
        for leaf in &leaves {
            loss = loss.add(leaf.clone().mul(leaf.clone()).mean().mul_scalar(each));
        }
        let gradients = loss.backward();
        for (bounds, leaf) in all.iter_mut().zip(&leaves) {
            let gradient = leaf.grad(&gradients).ok_or(Error::NoGradient)?;
            bounds.part = bounds.adam.step(bounds.part.clone(), gradient);
        }
        Ok(())
    }

    /// The images of a batch with a trigger, those that it is for; each update has one trigger.
    fn stamped(&self, batch: &[usize], update: usize) -> Result<Option<Tensor<4>>, Error> {
        let Some(known) = self.triggers.get(update % self.triggers.len().max(1)) else {
            return Ok(None);
        };
        let labels = self.images.labels().ok_or(Error::NoLabels)?;
        let [channels, height, width] = self.classifier.shape();
        let mut pixels = Vec::with_capacity(batch.len() * channels * height * width);
        for &place in batch {
            let image = self.images.image(place);
            match known.is_for(labels[place]) {
                true => pixels.extend(known.trigger.stamp(image, self.classifier.shape())),
                false => pixels.extend_from_slice(image),
            }
        }
        let shape = [batch.len(), channels, height, width];
        let pixels = Array::from_vec(pixels, &shape, self.classifier.device());
        Ok(Some(pixels.into_tensor()))
    }

    fn driven(&self, places: &[usize]) -> Tensor<4> {
        let [channels, height, width] = self.classifier.shape();
        let size = channels * height * width;
        let pixels = places.iter().map(|place| place * size);
        let pixels = pixels.flat_map(|first| &self.sure.pixels[first..first + size]);
        let shape = [places.len(), channels, height, width];
        let device = self.classifier.device();
        Array::from_vec(pixels.copied().collect(), &shape, device).into_tensor()
    }
}

fn interventions(all: &[Bounds]) -> Result<Vec<Intervention>, Error> {
    let each = all.iter().map(|bounds| {
        let numbers = bounds.part.clone().mul(bounds.reached.clone());
        Ok(Intervention::bound(&bounds.layer, numbers)?)
    });
    each.collect()
}

fn numbers(all: &[Bounds]) -> Vec<Vec<f32>> {
    let each = all.iter().map(|bounds| {
        let numbers = bounds.part.clone().mul(bounds.reached.clone());
        Array::from_tensor(numbers).into_vec()
    });
    each.collect()
}

/// Which of so many images an update takes: all in turn.
fn batch_of(count: usize, update: usize) -> Vec<usize> {
    (0..BATCH.min(count))
        .map(|place| (update * BATCH + place) % count)
        .collect()
}

fn tensor(classifier: &Classifier, images: &Images, places: &[usize]) -> Tensor<4> {
    let [channels, height, width] = classifier.shape();
    let pixels = places
        .iter()
        .flat_map(|&place| images.image(place))
        .copied();
    let shape = [places.len(), channels, height, width];
    Array::from_vec(pixels.collect(), &shape, classifier.device()).into_tensor()
}
