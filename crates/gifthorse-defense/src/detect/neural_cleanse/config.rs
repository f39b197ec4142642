//! Settings of a Neural Cleanse search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::detect::Effort;

/// The loss that pulls images to the target class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Cross-entropy `-ln p_t` (Wang et al. 2019, equation 3).
    CrossEntropy,
    /// `16.118 (1 - p_t)`: what the released program computes, because it hands prediction and
    /// label to Keras in swapped order and Keras clips the label at 1e-7.
    LinearProbability,
}

/// Settings under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Ours: the paper's search with a schedule that ends after a few hundred updates.
    Standard,
    /// The paper's §IV with the defaults of the authors' optimiser class.
    Paper,
    /// The authors' published driver for traffic signs, loss included.
    Released,
}

impl Preset {
    /// Its name in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Paper => "paper",
            Self::Released => "released",
        }
    }
}

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The preset that these settings started from.
    pub preset: Preset,
    /// What pulls images to the target.
    pub loss: Loss,
    /// Images in a batch.
    pub batch: usize,
    /// Batches (and so updates) in a step; cost and success are looked at once a step.
    pub batches_per_step: usize,
    /// Most steps of a search.
    pub steps: usize,
    /// Step size of Adam.
    pub learning_rate: f32,
    /// Decay rates of Adam's moments.
    pub betas: (f32, f32),
    /// First weight of the mask's L1 norm once triggers succeed.
    pub initial_cost: f32,
    /// Whether the weight is zero until triggers succeed. Searches that only tell likely classes
    /// from others begin with [`Self::initial_cost`] instead, as the released program says of
    /// early detection.
    pub begin_at_zero: bool,
    /// Factor by which the weight grows; it shrinks by this to the power 1.5.
    pub cost_multiplier: f32,
    /// Steps in a row, all good or all bad, before the weight changes.
    pub patience: usize,
    /// Share of images that a trigger must send to the target.
    pub success_threshold: f64,
    /// A new best norm counts as progress when it is below this share of the old best.
    pub early_stop_threshold: f64,
    /// Steps without progress before the search ends.
    pub early_stop_patience: usize,
    /// Whether images of the target class itself are left out. The paper searches on all
    /// images; those of the target succeed without a trigger and only water the rate down.
    pub exclude_target: bool,
    /// How much larger than the smallest trigger, by L1 norm, the one that is confirmed may be.
    pub growth: f64,
    /// Most updates that it grows in.
    pub growth_updates: usize,
    /// Other starts that are tried, each for a few updates, once the search of a class has ended.
    pub restarts: usize,
    /// How many of them to search to the end.
    pub effort: Effort,
}

impl Config {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Self {
        let released = Self {
            preset,
            loss: Loss::LinearProbability,
            batch: 32,
            batches_per_step: 31,
            steps: 1000,
            learning_rate: 0.1,
            betas: (0.5, 0.9),
            initial_cost: 1e-3,
            begin_at_zero: true,
            cost_multiplier: 2.0,
            patience: 5,
            success_threshold: 0.99,
            early_stop_threshold: 1.0,
            early_stop_patience: 25,
            exclude_target: false,
            growth: 1.25,
            growth_updates: 8,
            restarts: 0,
            effort: Effort::Auto,
        };
        match preset {
            Preset::Released => released,
            Preset::Paper => Self {
                loss: Loss::CrossEntropy,
                cost_multiplier: 1.5,
                patience: 10,
                early_stop_threshold: 0.99,
                early_stop_patience: 20,
                ..released
            },
            Preset::Standard => Self {
                loss: Loss::CrossEntropy,
                batches_per_step: 4,
                steps: 120,
                patience: 4,
                early_stop_threshold: 0.98,
                early_stop_patience: 20,
                exclude_target: true,
                restarts: 3,
                ..released
            },
        }
    }

    /// The most updates that a search of one class makes from one start.
    pub fn most_updates(&self) -> usize {
        self.steps * self.batches_per_step
    }

    /// All settings that the search of one class depends on, as one line of JSON: equal for two
    /// searches that would go the same way.
    pub fn fingerprint(&self) -> String {
        json!(self.of_one_class()).to_string()
    }

    /// The settings by name, for reports.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let mut parameters = self.of_one_class();
        parameters.insert("search".to_string(), json!(self.effort.name()));
        parameters
    }

    /// The settings that the search of one class follows.
    fn of_one_class(&self) -> BTreeMap<String, Value> {
        let loss = match self.loss {
            Loss::CrossEntropy => "cross-entropy",
            Loss::LinearProbability => "linear probability",
        };
        BTreeMap::from([
            ("loss".to_string(), json!(loss)),
            ("batch".to_string(), json!(self.batch)),
            ("batches_per_step".to_string(), json!(self.batches_per_step)),
            ("steps".to_string(), json!(self.steps)),
            (
                "learning_rate".to_string(),
                json!(f64::from(self.learning_rate)),
            ),
            ("beta_1".to_string(), json!(f64::from(self.betas.0))),
            ("beta_2".to_string(), json!(f64::from(self.betas.1))),
            (
                "initial_cost".to_string(),
                json!(f64::from(self.initial_cost)),
            ),
            ("begin_at_zero".to_string(), json!(self.begin_at_zero)),
            (
                "cost_multiplier".to_string(),
                json!(f64::from(self.cost_multiplier)),
            ),
            ("patience".to_string(), json!(self.patience)),
            (
                "success_threshold".to_string(),
                json!(self.success_threshold),
            ),
            (
                "early_stop_threshold".to_string(),
                json!(self.early_stop_threshold),
            ),
            (
                "early_stop_patience".to_string(),
                json!(self.early_stop_patience),
            ),
            ("exclude_target".to_string(), json!(self.exclude_target)),
            ("growth".to_string(), json!(self.growth)),
            ("growth_updates".to_string(), json!(self.growth_updates)),
            ("restarts".to_string(), json!(self.restarts)),
        ])
    }
}
