//! Settings of a search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Settings under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The paper's search with as many passes, images and as high a rate as Neural Cleanse has
    /// under its preset of the same name.
    Standard,
    /// As its authors' released program has it.
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

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The preset that these settings are of.
    pub preset: Preset,
    /// Most images that are led to a class.
    pub images: usize,
    /// Images in a batch.
    pub batch: usize,
    /// Batches, and so updates, in a round; weight and pattern are looked at once a round.
    pub batches_per_round: usize,
    /// Rounds of a search.
    pub rounds: usize,
    /// Step size of Adam.
    pub learning_rate: f32,
    /// Decay rates of Adam's moments.
    pub betas: (f32, f32),
    /// First weight of the size.
    pub initial_cost: f32,
    /// Factor by which the weight grows; it shrinks by this to the power 1.5.
    pub cost_multiplier: f32,
    /// Rounds in a row, all good or all bad, before the weight changes.
    pub patience: usize,
    /// Share of the images that a pattern must send to the class.
    pub success_threshold: f64,
}

impl Config {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Self {
        let paper = Self {
            preset,
            images: 100,
            batch: 32,
            batches_per_round: 3,
            rounds: 1000,
            learning_rate: 0.1,
            betas: (0.5, 0.9),
            initial_cost: 1e-3,
            cost_multiplier: 1.5,
            patience: 10,
            success_threshold: 0.9,
        };
        match preset {
            Preset::Paper => paper,
            Preset::Standard => Self {
                images: usize::MAX,
                batches_per_round: 4,
                rounds: 120,
                patience: 4,
                success_threshold: 0.99,
                ..paper
            },
        }
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
        let parameters = [
            ("most_images", images),
            ("batch", json!(self.batch)),
            ("batches_per_round", json!(self.batches_per_round)),
            ("rounds", json!(self.rounds)),
            ("learning_rate", json!(f64::from(self.learning_rate))),
            ("beta_1", json!(f64::from(self.betas.0))),
            ("beta_2", json!(f64::from(self.betas.1))),
            ("initial_cost", json!(f64::from(self.initial_cost))),
            ("cost_multiplier", json!(f64::from(self.cost_multiplier))),
            ("patience", json!(self.patience)),
            ("success_threshold", json!(self.success_threshold)),
        ];
        let named = parameters.into_iter();
        named.map(|(name, it)| (name.to_owned(), it)).collect()
    }
}
