//! The rounds of I-BAU at one rate.

use gifthorse_train::{Optimiser, OptimiserState};
use serde::{Deserialize, Serialize};

use super::super::adjustable::{Adjustable, By, Slope, Weights, add};
use super::super::batches::{Batch, Batches};
use super::super::losses::cross_entropy;
use super::super::progress::{from_bytes, to_bytes};
use super::super::{Patient, RepairObserver};
use super::hypergradient::{Hypergradient, Inner};
use crate::error::Error;

/// The rate of the search for the change.
const SEARCH_RATE: f32 = 10.0;
/// What the square of the change's length pays in the search.
const PRICE: f32 = 1e-3;
/// The longest change, in the mean of a number of the image: the paper's 10 for images of 3 x 32 x
/// 32.
const RADIUS: f64 = 0.18;
/// One image of so many carries the change in an update.
const CARRIES: usize = 2;
/// How the hypergradient is worked out.
const HYPERGRADIENT: Hypergradient = Hypergradient {
    rate: 0.1,
    iterations: 5,
    reach: 0.1,
};

/// Weights on their way.
pub(super) struct Rounds<'a> {
    patient: &'a Patient<'a>,
    labels: &'a [usize],
    chosen: &'a [usize],
    model: &'a Adjustable,
    weights: Weights,
    state: OptimiserState,
    batches: Batches,
    rate: f32,
    /// Rounds that are to be made.
    rounds: usize,
    at: At,
    /// The change of the round at work; nothing before it begins.
    change: Vec<f32>,
}

/// Where the rounds are, beside their numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct At {
    /// Rounds that were made.
    made: usize,
    /// Batches that were drawn.
    drawn: usize,
    optimiser_steps: u64,
    /// Of the round at work: steps of the search for its change,
    searched: usize,
    /// places of the images that its hypergradients are worked out on,
    first: Option<Vec<usize>>,
    /// and updates.
    updated: usize,
}

/// Saves rounds, if it is time to or they are to stop.
pub(super) type Save<'a> = &'a mut dyn FnMut(&Rounds<'_>, bool) -> Result<(), Error>;

impl<'a> Rounds<'a> {
    /// Begins with the patient's model, on batches of so many of the chosen images.
    ///
    /// # Errors
    /// Images without labels.
    pub(super) fn new(
        patient: &'a Patient<'a>,
        model: &'a Adjustable,
        (chosen, batch): (&'a [usize], usize),
        (rate, rounds): (f32, usize),
    ) -> Result<Self, Error> {
        Ok(Self {
            weights: model.first(),
            state: OptimiserState::new(Optimiser::ADAM, &model.first()),
            batches: Batches::new(chosen.len(), batch, patient.seed),
            labels: patient.fit.labels().ok_or(Error::NoLabels)?,
            at: At::default(),
            change: Vec::new(),
            rounds,
            patient,
            chosen,
            model,
            rate,
        })
    }

    /// Rounds that were made.
    pub(super) fn made(&self) -> usize {
        self.at.made
    }

    /// Where they are, and their numbers.
    pub(super) fn at(&self) -> (At, Vec<u8>) {
        let at = At {
            optimiser_steps: self.state.steps(),
            ..self.at.clone()
        };
        let tuned = self.weights.iter().chain(self.state.arrays());
        (at, to_bytes(tuned.chain([&self.change])))
    }

    /// Goes on from there; gives the bytes that are left.
    ///
    /// # Errors
    /// In words, if that is nowhere on this way.
    pub(super) fn restore<'b>(&mut self, at: At, bytes: &'b [u8]) -> Result<&'b [u8], String> {
        let of_a_pass = self.batches.of_a_pass();
        let first = at.first.iter().flatten();
        let fits = at.made < self.rounds
            && at.drawn <= self.rounds * (2 * of_a_pass + 1)
            && at.searched <= of_a_pass
            && at.updated <= of_a_pass
            && first
                .into_iter()
                .all(|&place| place < self.patient.fit.len());
        if !fits {
            return Err("it has more rounds than are made".to_owned());
        }
        let mut change = vec![0.0; self.model.size()];
        let tuned = self.weights.iter_mut().chain(self.state.arrays_mut());
        let rest = from_bytes(tuned.chain([&mut change]), bytes)?;
        self.state.set_steps(at.optimiser_steps);
        self.batches.skip(at.drawn);
        (self.at, self.change) = (at, change);
        Ok(rest)
    }

    /// The weights as they are now.
    pub(super) fn weights(&self) -> &Weights {
        &self.weights
    }

    fn draw(&mut self) -> Vec<usize> {
        let places = self.batches.draw();
        self.at.drawn += 1;
        places.into_iter().map(|place| self.chosen[place]).collect()
    }

    fn batch(&self, places: &[usize]) -> Batch {
        Batch::of(self.patient.fit, self.labels, places)
    }

    /// Makes a round, or what is left of it, unless it is to stop.
    ///
    /// # Errors
    /// A model that cannot be run; what saving refuses.
    pub(super) fn round(
        &mut self,
        observer: &dyn RepairObserver,
        save: Save<'_>,
    ) -> Result<(), Error> {
        let updates = self.batches.of_a_pass();
        if self.change.is_empty() {
            self.change = self.start();
        }
        while self.at.searched < updates {
            let is_over = observer.stop();
            save(self, is_over)?;
            if is_over {
                return Ok(());
            }
            let places = self.draw();
            let batch = self.batch(&places);
            let slope = self.inner(&batch)?.by_change(&self.change)?;
            let steps = self.change.iter_mut().zip(slope);
            steps.for_each(|(x, slope)| *x -= SEARCH_RATE * slope);
            into_ball(&mut self.change);
            self.at.searched += 1;
        }
        let first = match self.at.first.take() {
            Some(first) => first,
            None => self.draw(),
        };
        self.at.first = Some(first.clone());
        let first = self.batch(&first);
        while self.at.updated < updates {
            let is_over = observer.stop();
            save(self, is_over)?;
            if is_over {
                return Ok(());
            }
            let places = self.draw();
            let batch = self.batch(&places);
            let gradient = {
                let inner = self.inner(&first)?;
                let (mut gradient, outer) = self.outer(&batch, &self.change)?;
                if let Some(through) = HYPERGRADIENT.through(&inner, &self.change, &outer)? {
                    add(&mut gradient, &through, 1.0);
                }
                gradient
            };
            // Falls to nothing along a cosine, so that the last rounds settle what the first shook.
            let done = self.at.made * updates + self.at.updated;
            let done = done as f32 / (self.rounds * updates) as f32;
            let rate = 0.5 * self.rate * (1.0 + (done * std::f32::consts::PI).cos());
            self.state
                .step(&mut self.weights, &[gradient.as_slice()], rate);
            self.at.updated += 1;
            let part = format!(
                "round {} of unlearning at a rate of {}",
                self.at.made + 1,
                self.rate
            );
            observer.step(&part, self.at.updated, updates);
        }
        save(self, observer.stop())?;
        self.change.clear();
        self.at = At {
            made: self.at.made + 1,
            drawn: self.at.drawn,
            ..At::default()
        };
        Ok(())
    }

    /// Where a search begins: nowhere, or at the mean of what a known trigger changes.
    fn start(&self) -> Vec<f32> {
        let size = self.model.size();
        let triggers = self.patient.triggers;
        let Some(known) = triggers.get(self.at.made % triggers.len().max(1)) else {
            return vec![0.0; size];
        };
        let fitting = self
            .chosen
            .iter()
            .filter(|place| known.is_for(self.labels[**place]));
        let fitting: Vec<usize> = fitting.copied().collect();
        let images = self.patient.fit.subset(&fitting);
        let shape = images.shape();
        let shape = [shape.channels, shape.height, shape.width];
        let stamped = known.trigger.stamp(images.pixels(), shape);
        let mut change = vec![0.0; size];
        for (place, (to, from)) in stamped.iter().zip(images.pixels()).enumerate() {
            change[place % size] += (to - from) / fitting.len() as f32;
        }
        into_ball(&mut change);
        change
    }

    /// The inner loss of a batch: what the model says of its images as they are is to be unlikely.
    fn inner<'b>(&'b self, batch: &'b Batch) -> Result<Search<'b>, Error> {
        Ok(Search {
            model: self.model,
            weights: &self.weights,
            answers: self.model.answers(&self.weights, &batch.pixels)?,
            pixels: &batch.pixels,
        })
    }

    /// The gradient of the outer loss, cross-entropy on images some of which carry the change, by
    /// the weights and by the change.
    fn outer(&self, batch: &Batch, change: &[f32]) -> Result<(Weights, Vec<f32>), Error> {
        let count = batch.labels.len();
        let carriers = count / CARRIES;
        let shown = carriers * change.len();
        let mut pixels = added(&batch.pixels[..shown], change);
        pixels.extend_from_slice(&batch.pixels[shown..]);
        let slope = mean_loss(
            self.model,
            &self.weights,
            &pixels,
            (&batch.labels, 1.0),
            By::Both,
        )?;
        Ok((slope.weights, summed(&slope.pixels[..shown], change.len())))
    }
}

/// The search for a change.
struct Search<'a> {
    model: &'a Adjustable,
    weights: &'a Weights,
    answers: Vec<usize>,
    pixels: &'a [f32],
}

impl Search<'_> {
    fn slope(&self, change: &[f32], by: By) -> Result<Slope, Error> {
        let pixels = added(self.pixels, change);
        mean_loss(self.model, self.weights, &pixels, (&self.answers, -1.0), by)
    }
}

impl Inner for Search<'_> {
    fn by_change(&self, change: &[f32]) -> Result<Vec<f32>, Error> {
        let slope = self.slope(change, By::Pixels)?;
        let slope = summed(&slope.pixels, change.len());
        let priced = slope
            .iter()
            .zip(change)
            .map(|(slope, x)| slope + 2.0 * PRICE * x);
        Ok(priced.collect())
    }

    fn by_weights(&self, change: &[f32]) -> Result<Weights, Error> {
        Ok(self.slope(change, By::Weights)?.weights)
    }
}

/// The mean cross-entropy of images times a factor.
fn mean_loss(
    model: &Adjustable,
    weights: &Weights,
    pixels: &[f32],
    (labels, factor): (&[usize], f32),
    by: By,
) -> Result<Slope, Error> {
    let factor = factor / labels.len().max(1) as f32;
    model.slope(weights, pixels, by, &|places, made| {
        Ok(cross_entropy(made.logits, &labels[places]).mul_scalar(factor))
    })
}

fn added(pixels: &[f32], change: &[f32]) -> Vec<f32> {
    let pairs = pixels.iter().zip(change.iter().cycle());
    pairs.map(|(pixel, change)| pixel + change).collect()
}

/// The sum over images, which come one after the other.
fn summed(values: &[f32], size: usize) -> Vec<f32> {
    let mut sum = vec![0.0; size];
    for image in values.chunks_exact(size) {
        sum.iter_mut()
            .zip(image)
            .for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// Makes a change that is too long as long as it may be.
fn into_ball(change: &mut [f32]) {
    let square: f64 = change.iter().map(|&x| f64::from(x).powi(2)).sum();
    let factor = RADIUS * (change.len() as f64).sqrt() / square.sqrt();
    if factor < 1.0 {
        change.iter_mut().for_each(|x| *x *= factor as f32);
    }
}
