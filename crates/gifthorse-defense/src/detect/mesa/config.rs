//! Settings of a search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dense::count;
use super::generator::{critic, generator};

/// Settings under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Squares of several sizes, in as many passes as Neural Cleanse takes at most.
    Standard,
    /// The published settings, which have to be told the size of the trigger: squares of three
    /// pixels a side, the one that is planted in the paper.
    Paper,
}

impl Preset {
    /// Its name in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Paper => "paper",
        }
    }
}

/// What a generator is rewarded for, of the probability p of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reward {
    /// p, as published: it has no slope where the model is sure of another class.
    Probability,
    /// The logarithm of p.
    Logarithm,
}

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The preset that these settings started from.
    pub preset: Preset,
    /// Height and width of the squares, in pixels, the smallest in front. Those that are more than
    /// half as high or wide as the images are left out.
    pub sides: Vec<usize>,
    /// Probabilities of the class beyond which a generator is not rewarded; one generator each.
    pub caps: Vec<f32>,
    /// What generators are rewarded for.
    pub reward: Reward,
    /// Weight of the information that squares have of the noise that they are made of.
    pub information: f32,
    /// Standard deviation of the noise that is added to the squares' values.
    pub jitter: f32,
    /// Most images that squares are stamped on.
    pub images: usize,
    /// Images in a pass, each with a square and a place of its own.
    pub batch: usize,
    /// Updates of each generator.
    pub updates: usize,
    /// Width of the inner layers of generator and critic.
    pub width: usize,
    /// Numbers of noise that each of the generator's four layers is given.
    pub noise: usize,
    /// Step size of Adam.
    pub learning_rate: f32,
    /// Decay rates of Adam's moments.
    pub betas: (f32, f32),
}

impl Config {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Self {
        let paper = Self {
            preset,
            sides: vec![3],
            caps: vec![0.5, 0.8, 0.9],
            reward: Reward::Probability,
            information: 0.1,
            jitter: 0.1,
            images: usize::MAX,
            batch: 128,
            updates: 630,
            width: 512,
            noise: 16,
            learning_rate: 2e-4,
            betas: (0.5, 0.999),
        };
        match preset {
            Preset::Paper => paper,
            Preset::Standard => Self {
                sides: vec![3, 5, 8],
                caps: vec![0.5, 0.9],
                reward: Reward::Logarithm,
                batch: 32,
                updates: 80,
                width: 64,
                noise: 4,
                learning_rate: 0.01,
                betas: (0.5, 0.9),
                ..paper
            },
        }
    }

    /// The sides of the squares for images of `shape`, channels, height and width: at least one.
    pub fn sides_in(&self, [_, height, width]: [usize; 3]) -> Vec<usize> {
        let most = (height.min(width) / 2).max(1);
        let fitting: Vec<usize> = self.sides.iter().copied().filter(|&k| k <= most).collect();
        match fitting.is_empty() {
            true => vec![most],
            false => fitting,
        }
    }

    /// Most generators of a search.
    pub(super) fn generators(&self) -> usize {
        self.sides.len().max(1) * self.caps().len()
    }

    /// One cap at least: without any, no probability is too much.
    pub(super) fn caps(&self) -> &[f32] {
        match self.caps.is_empty() {
            true => &[1.0],
            false => &self.caps,
        }
    }

    /// The most weights of a generator and its critic, for images of so many channels.
    pub(super) fn weights(&self, channels: usize) -> usize {
        let side = self.sides.iter().max().copied().unwrap_or(1);
        let values = channels * side * side;
        count(&generator(self, values)) + count(&critic(self, values))
    }

    /// All settings, as one line of JSON: equal for two searches that would go the same way.
    pub fn fingerprint(&self) -> String {
        json!(self.parameters()).to_string()
    }

    /// The settings by name, for reports.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let images = match self.images {
            usize::MAX => json!("all"),
            most => json!(most),
        };
        let reward = match self.reward {
            Reward::Probability => "probability",
            Reward::Logarithm => "logarithm of the probability",
        };
        let caps: Vec<f64> = self.caps.iter().map(|&cap| f64::from(cap)).collect();
        let parameters = [
            ("sides", json!(self.sides)),
            ("caps", json!(caps)),
            ("reward", json!(reward)),
            ("information_weight", json!(f64::from(self.information))),
            ("jitter", json!(f64::from(self.jitter))),
            ("most_images", images),
            ("batch", json!(self.batch)),
            ("updates", json!(self.updates)),
            ("width", json!(self.width)),
            ("noise", json!(self.noise)),
            ("learning_rate", json!(f64::from(self.learning_rate))),
            ("beta_1", json!(f64::from(self.betas.0))),
            ("beta_2", json!(f64::from(self.betas.1))),
        ];
        let named = parameters.into_iter();
        named.map(|(name, it)| (name.to_owned(), it)).collect()
    }
}
