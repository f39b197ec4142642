//! One generator, trained for squares of one size and one cap, and what it comes to.

use gifthorse_engine::{Array, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::config::{Config, Reward};
use super::dense::{self, Net, NetAtRest, matrix};
use super::generator::{LAYERS, critic, generator, information, squares};
use super::square::{Place, Squares};
use super::task::{Draw, Task};
use crate::error::Error;
use crate::exact;
use crate::logit_gradient::LogitGradient;

/// Squares of a generator of which the best one is taken,
const CANDIDATES: usize = 8;
/// and images that it is then judged on.
const JUDGED: usize = 256;
/// Grey levels above black.
const LEVELS: f32 = 255.0;

/// Which generator it is.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    /// Its place among those of the search.
    pub number: usize,
    /// The squares that it makes.
    pub squares: Squares,
    /// The probability beyond which it is not rewarded.
    pub cap: f32,
}

/// A generator in training, and its critic.
#[derive(Debug)]
pub struct Training {
    generator: Net,
    critic: Net,
    /// Updates made.
    pub updates: usize,
    /// What the critic made of the last squares, in nats.
    information: f64,
}

/// A training at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingAtRest {
    generator: NetAtRest,
    critic: NetAtRest,
    updates: usize,
    #[serde(with = "exact::double")]
    information: f64,
}

/// What a generator came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The best square that it made, `[channels, side, side]`, in whole multiples of 1/255.
    #[serde(with = "exact::singles")]
    pub square: Vec<f32>,
    /// Mean logistic loss of the margins of images that it is stamped on anywhere.
    #[serde(with = "exact::double")]
    pub loss: f64,
    /// Share of these images that go to the class.
    #[serde(with = "exact::double")]
    pub success: f64,
    /// Information that the squares had of their noise, in nats.
    #[serde(with = "exact::double")]
    pub information: f64,
}

impl TrainingAtRest {
    /// Whether it is one of squares of so many values.
    pub fn fits(&self, config: &Config, values: usize) -> bool {
        self.generator
            .fits(dense::count(&generator(config, values)))
            && self.critic.fits(dense::count(&critic(config, values)))
            && self.updates <= config.updates
    }
}

impl Training {
    /// A generator that begins.
    pub fn new(task: &Task<'_>, which: Which) -> Self {
        let config = task.config;
        let values = which.squares.values();
        let mut random = task.random(which.number, Draw::Weights);
        let device = task.classifier().device();
        let mut net = |layers: &dense::Layers| {
            let weights = dense::draw(layers, &mut random);
            Net::new(weights, config.learning_rate, config.betas, device)
        };
        Self {
            generator: net(&generator(config, values)),
            critic: net(&critic(config, values)),
            updates: 0,
            information: 0.0,
        }
    }

    /// The one that was laid by.
    pub fn resume(task: &Task<'_>, kept: TrainingAtRest) -> Self {
        let (rate, betas) = (task.config.learning_rate, task.config.betas);
        let device = task.classifier().device();
        Self {
            generator: Net::resume(kept.generator, rate, betas, device),
            critic: Net::resume(kept.critic, rate, betas, device),
            updates: kept.updates,
            information: kept.information,
        }
    }

    /// What has to be kept of it.
    pub fn at_rest(&self) -> TrainingAtRest {
        TrainingAtRest {
            generator: self.generator.at_rest(),
            critic: self.critic.at_rest(),
            updates: self.updates,
            information: self.information,
        }
    }

    /// One update of generator and critic.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back.
    pub fn update(&mut self, task: &Task<'_>, which: Which) -> Result<(), Error> {
        let config = task.config;
        let device = task.classifier().device();
        let mut random = task.random(which.number, Draw::Update(self.updates));
        let images = task.batch(which.number * config.updates + self.updates)?;
        let count = config.batch;
        let made_of = matrix(noise(config, count, &mut random), count, device).autodiff();
        let (weights, of_critic) = (self.generator.tracked(), self.critic.tracked());
        let sizes = (config.width, which.squares.values());
        let made = squares(weights.clone(), &made_of, sizes);
        let jitter = matrix(jitter(config, sizes.1, &mut random), count, device);
        let shaken = made.add(jitter.autodiff());
        let slope = self.slope(task, which, &images, (&shaken, &mut random))?;
        let reward = shaken
            .clone()
            .mul(matrix(slope, count, device).autodiff())
            .sum();
        let known = information(of_critic.clone(), shaken, made_of, config.width);
        self.information = f64::from(scalar(&known));
        let mut gradients = reward.sub(known.mul_scalar(config.information)).backward();
        let mut gradient = |of: &Tensor<1>| of.grad_remove(&mut gradients);
        let both = gradient(&weights).zip(gradient(&of_critic));
        let (of_generator, of_critic) = both.ok_or(Error::NoGradient)?;
        self.generator.step(of_generator);
        self.critic.step(of_critic);
        self.updates += 1;
        Ok(())
    }

    /// The slope of what is minimised along each value of the squares, on these images.
    fn slope(
        &self,
        task: &Task<'_>,
        which: Which,
        images: &[f32],
        (shaken, random): (&Tensor<2>, &mut ChaCha8Rng),
    ) -> Result<Vec<f32>, Error> {
        let config = task.config;
        let shaken = Array::from_tensor(shaken.clone().inner()).into_vec();
        let places = places(which.squares, config.batch, random);
        let shown: Vec<f32> = shaken.iter().map(|value| value.clamp(0.0, 1.0)).collect();
        let stamped = which.squares.stamp(images, &shown, &places);
        let weigh = |logits: &[f32]| slopes(logits, task, which.cap);
        let pass = LogitGradient::at(task.classifier(), &stamped, weigh)?;
        let mut slope = which.squares.under(&pass.gradient, &places);
        // A value that is cut off has none.
        for (slope, value) in slope.iter_mut().zip(&shaken) {
            if !(0.0..=1.0).contains(value) {
                *slope = 0.0;
            }
        }
        Ok(slope)
    }

    /// The best of some squares that it makes, on images to try them on, and how that does.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn judged(&self, task: &Task<'_>, which: Which) -> Result<Ended, Error> {
        let config = task.config;
        let device = task.classifier().device();
        let mut random = task.random(which.number, Draw::Judgement);
        let noise = matrix(
            noise(config, config.batch, &mut random),
            config.batch,
            device,
        );
        let values = which.squares.values();
        let made = squares(self.generator.weights(), &noise, (config.width, values));
        let made = Array::from_tensor(made).into_vec();
        let made: Vec<f32> = made.iter().map(|v| (v * LEVELS).round() / LEVELS).collect();
        let images = task.batch(which.number * config.updates)?;
        let at = places(which.squares, config.batch, &mut random);
        let mut best: Option<(&[f32], f64)> = None;
        for square in made.chunks_exact(values).take(CANDIDATES) {
            let loss = task.tried(which.squares, square, (&images, &at))?.loss;
            if best.is_none_or(|(_, least)| loss < least) {
                best = Some((square, loss));
            }
        }
        let square = best.map(|(square, _)| square.to_vec()).unwrap_or_default();
        let images = task.first(JUDGED)?;
        let count = JUDGED.min(task.images.len());
        let at = places(which.squares, count, &mut random);
        let tried = task.tried(which.squares, &square, (&images, &at))?;
        Ok(Ended {
            square,
            loss: tried.loss,
            success: tried.success,
            information: self.information,
        })
    }
}

/// Noise for so many squares, uniform in [0, 1].
fn noise(config: &Config, squares: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    let numbers = squares * LAYERS * config.noise;
    (0..numbers).map(|_| random.random::<f32>()).collect()
}

/// What squares of so many values are shaken by, for a batch.
fn jitter(config: &Config, values: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    let numbers = config.batch * values;
    let normal = |_| -> f32 { StandardNormal.sample(random) };
    (0..numbers)
        .map(normal)
        .map(|by| config.jitter * by)
        .collect()
}

/// A place for each of so many images.
pub fn places(squares: Squares, count: usize, random: &mut ChaCha8Rng) -> Vec<Place> {
    (0..count).map(|_| squares.place(random)).collect()
}

/// The slope along each logit of what is minimised, the mean over the images of `-min(p, cap)` of
/// the class's probability p, or of `-min(ln p, ln cap)`.
fn slopes(logits: &[f32], task: &Task<'_>, cap: f32) -> Vec<f32> {
    let classes = task.classifier().classes();
    let images = (logits.len() / classes.max(1)).max(1) as f32;
    let row = |row: &[f32]| -> Vec<f32> {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let all: Vec<f32> = row.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f32 = all.iter().sum();
        let p = all[task.target] / sum;
        let scale = match task.config.reward {
            // Not a number counts as nothing.
            _ if !(p < cap) => 0.0,
            Reward::Probability => p / images,
            Reward::Logarithm => 1.0 / images,
        };
        let own = |class: usize| f32::from(u8::from(class == task.target));
        let each = all.iter().enumerate();
        each.map(|(class, it)| match scale > 0.0 {
            true => scale * (it / sum - own(class)),
            false => 0.0,
        })
        .collect()
    };
    logits.chunks_exact(classes).flat_map(row).collect()
}

/// The value of a tensor of one element.
fn scalar(tensor: &Tensor<1>) -> f32 {
    let values = Array::from_tensor(tensor.clone().inner()).into_vec();
    values.first().copied().unwrap_or(f32::NAN)
}
