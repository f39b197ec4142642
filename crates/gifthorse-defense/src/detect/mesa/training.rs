//! One generator, trained for squares of one size and one cap, and what it comes to.

use gifthorse_engine::{Array, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::dense::{self, Net, NetAtRest, matrix};
use super::generator::{LAYERS, critic, generator, information, squares};
use super::reward::Rewarded;
use super::square::Squares;
use super::task::{Draw, Task};
use crate::error::Error;
use crate::exact;
use crate::logit_gradient::LogitGradient;

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
    pub generator: Net,
    critic: Net,
    /// Updates made.
    pub updates: usize,
    /// What the critic made of the last squares, in nats.
    pub information: f64,
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
        let mut net = |layers: &[dense::Layer]| {
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
        let places = which.squares.places(config.batch, random);
        let shown: Vec<f32> = shaken.iter().map(|value| value.clamp(0.0, 1.0)).collect();
        let stamped = which.squares.stamp(images, &shown, &places);
        let reward = Rewarded {
            reward: config.reward,
            cap: which.cap,
            target: task.target,
            classes: task.classifier().classes(),
        };
        let weigh = |logits: &[f32]| reward.slopes(logits);
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
}

/// Noise for so many squares, uniform in [0, 1].
pub fn noise(config: &Config, squares: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
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

/// The value of a tensor of one element.
fn scalar(tensor: &Tensor<1>) -> f32 {
    let values = Array::from_tensor(tensor.clone().inner()).into_vec();
    values.first().copied().unwrap_or(f32::NAN)
}
