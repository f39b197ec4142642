//! Neurons of a layer switched off one after the other, until something happens.

use gifthorse_engine::{Array, Classifier, Layer, Tail, answer_of};
use serde::{Deserialize, Serialize};

use super::grain::Grain;
use super::{KnownTrigger, Patient, RepairObserver};
use crate::error::Error;
use crate::subject::spread_over_classes;

/// Most images that pruning looks at.
const IMAGES: usize = 500;
/// Of a layer with so many numbers that all these would have more than this, fewer are taken.
const MOST_NUMBERS: usize = 1 << 25;
/// Steps in which all neurons of a layer are switched off; one at a time where it has fewer. The
/// first are small: of many neurons a trigger may need few.
const STEPS: usize = 64;
/// What a step is larger than the one before by, at most.
const GROWTH: f64 = 1.2;

/// What a number of switched-off neurons comes to on the images to check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Name of the layer.
    pub layer: String,
    /// Neurons that are off.
    pub off: usize,
    /// Neurons that it has: channels, or numbers.
    pub neurons: usize,
    /// Share of images that are given their label, in [0, 1].
    pub clean_accuracy: f64,
    /// How much more often images go where a trigger leads with it than without, of the trigger of
    /// which that is most; 0 without a trigger.
    pub excess: f64,
}

/// A layer whose neurons can be switched off: what it gives for images is worked out once, so that
/// only what follows it runs again.
pub(super) struct Pruning<'a> {
    layer: &'a Layer,
    grain: Grain,
    tail: Tail,
    classes: usize,
    labels: Vec<usize>,
    clean: Vec<f32>,
    stamped: Vec<Stamped<'a>>,
}

/// What the layer gives for images with a trigger.
struct Stamped<'a> {
    known: &'a KnownTrigger,
    /// Places of these images.
    places: Vec<usize>,
    values: Vec<f32>,
}

impl<'a> Pruning<'a> {
    /// Works out what the layer gives for images to check, as they are and stamped.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn new(
        patient: &Patient<'a>,
        classifier: &Classifier,
        layer: &'a Layer,
        grain: Grain,
    ) -> Result<Self, Error> {
        let numbers = layer.shape().iter().product::<usize>().max(1);
        let most = IMAGES.min(MOST_NUMBERS / numbers).max(1);
        let labels = patient.check.labels().ok_or(Error::NoLabels)?;
        let chosen = spread_over_classes(labels, 0..labels.len(), most);
        let images = patient.check.subset(&chosen);
        let labels: Vec<usize> = chosen.iter().map(|&place| labels[place]).collect();
        let (head, tail) = classifier.split_at(layer)?;
        let stamped = patient.triggers.iter().map(|known| {
            let places: Vec<usize> = (0..labels.len())
                .filter(|&place| known.is_for(labels[place]))
                .collect();
            let pixels = images.subset(&places);
            let pixels = known.trigger.stamp(pixels.pixels(), classifier.shape());
            Ok(Stamped {
                known,
                places,
                values: head.evaluate(&pixels)?,
            })
        });
        Ok(Self {
            layer,
            grain,
            tail,
            classes: classifier.classes(),
            stamped: stamped.collect::<Result<_, Error>>()?,
            clean: head.evaluate(images.pixels())?,
            labels,
        })
    }

    /// Switches neurons off in an order, a few at a time, for as long as `goes_on` says; gives the
    /// whole way, with nothing switched off in front.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn run(
        &self,
        order: &[usize],
        goes_on: impl Fn(&CurvePoint) -> bool,
        observer: &dyn RepairObserver,
    ) -> Result<Vec<CurvePoint>, Error> {
        let largest = order.len().div_ceil(STEPS).max(1);
        let part = format!("pruning {}", self.layer.name());
        let mut curve = vec![self.point(&[])?];
        let mut off = 0;
        while off < order.len() && curve.last().is_some_and(&goes_on) && !observer.stop() {
            let step = ((off as f64 * (GROWTH - 1.0)) as usize).clamp(1, largest);
            off = (off + step).min(order.len());
            curve.push(self.point(&order[..off])?);
            observer.step(&part, off, order.len());
        }
        Ok(curve)
    }

    fn point(&self, off: &[usize]) -> Result<CurvePoint, Error> {
        let clean = self.answers(&self.clean, off)?;
        let right = clean.iter().zip(&self.labels).filter(|(a, b)| a == b);
        let mut excess = 0.0f64;
        for stamped in &self.stamped {
            let answers = self.answers(&stamped.values, off)?;
            let leads = |place: usize, answer| stamped.known.leads(self.labels[place], answer);
            let places = || stamped.places.iter().copied();
            let with = places()
                .zip(answers)
                .filter(|&(at, answer)| leads(at, answer));
            let without = places().filter(|&at| leads(at, clean[at])).count();
            let images = stamped.places.len().max(1) as f64;
            excess = excess.max((with.count() as f64 - without as f64) / images);
        }
        Ok(CurvePoint {
            layer: self.layer.name().to_owned(),
            off: off.len(),
            neurons: self.grain.count(self.layer),
            clean_accuracy: right.count() as f64 / self.labels.len().max(1) as f64,
            excess,
        })
    }

    /// The answers to values of the layer, some neurons of which are off.
    fn answers(&self, values: &[f32], off: &[usize]) -> Result<Vec<usize>, Error> {
        let mut on = vec![1.0; self.grain.count(self.layer)];
        off.iter().for_each(|&neuron| on[neuron] = 0.0);
        let neurons = self.grain.neurons(self.layer);
        let factors: Vec<f32> = neurons.into_iter().map(|neuron| on[neuron]).collect();
        let numbers = factors.len().max(1);
        let mut answers = Vec::new();
        for part in values.chunks(Classifier::EVALUATION_BATCH * numbers) {
            let masked = part.iter().zip(factors.iter().cycle()).map(|(v, f)| v * f);
            let shape = [&[part.len() / numbers], self.layer.shape()].concat();
            let masked = Array::from_vec(masked.collect(), &shape, self.tail.device());
            let logits = Array::from_tensor(self.tail.logits(masked)?).into_vec();
            answers.extend(logits.chunks_exact(self.classes).map(answer_of));
        }
        Ok(answers)
    }
}
