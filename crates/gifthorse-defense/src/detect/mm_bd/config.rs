//! Settings of a search for the largest margins.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::detect::Effort;

/// Settings under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Ours: goes on until the margins settle.
    Standard,
    /// The program that the authors released.
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

/// How images follow the gradient of their margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// `x + rate * gradient`. Pixels may leave [0, 1]; the model is shown them clamped, so that no
    /// gradient reaches one that has left.
    Gradient {
        /// Step size, in pixel values for a gradient of one.
        rate: f32,
    },
    /// Adam (Kingma and Ba, 2015), each step ending in [0, 1]. It does not depend on the scale of
    /// the logits.
    Adam {
        /// Step size, in pixel values.
        rate: f32,
        /// Decay rates of the moments, each in [0, 1).
        betas: (f32, f32),
    },
}

/// When a search ends before its last step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// Never.
    Never,
    /// The sum of the margins changed by less than this share of itself in one step.
    Change(f64),
    /// Neither the largest margin nor the mean over the starts grew by more than this share of
    /// itself.
    Settled {
        /// Growth that is too little to go on for.
        growth: f64,
        /// Steps that it is looked for in.
        over: usize,
    },
}

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The preset that these settings started from.
    pub preset: Preset,
    /// Random images that the search of a class starts from, at least 1.
    pub starts: usize,
    /// Most steps of a search.
    pub steps: usize,
    /// How images follow the gradient.
    pub rule: Rule,
    /// When a search ends before.
    pub stop: Stop,
    /// Whether a start counts with its best margin so far; otherwise with its last one, as
    /// released.
    pub best_of_all_steps: bool,
    /// How many classes to search to the end.
    pub effort: Effort,
}

impl Config {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Standard => Self {
                preset,
                starts: 16,
                steps: 300,
                rule: Rule::Adam {
                    rate: 0.05,
                    betas: (0.5, 0.9),
                },
                stop: Stop::Settled {
                    growth: 0.01,
                    over: 10,
                },
                best_of_all_steps: true,
                effort: Effort::Auto,
            },
            Preset::Paper => Self {
                preset,
                starts: 30,
                steps: 300,
                rule: Rule::Gradient { rate: 0.01 },
                stop: Stop::Change(1e-5),
                best_of_all_steps: false,
                effort: Effort::Auto,
            },
        }
    }

    /// All settings that the search of one class depends on, as one line of JSON: equal for two
    /// searches that would go the same way.
    pub fn fingerprint(&self) -> String {
        json!(self.parameters()).to_string()
    }

    /// The settings by name, for reports.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let mut parameters = BTreeMap::from([
            ("starts", json!(self.starts)),
            ("steps", json!(self.steps)),
            ("best_of_all_steps", json!(self.best_of_all_steps)),
        ]);
        match self.rule {
            Rule::Gradient { rate } => {
                parameters.insert("rule", json!("gradient"));
                parameters.insert("learning_rate", json!(f64::from(rate)));
            }
            Rule::Adam { rate, betas } => {
                parameters.insert("rule", json!("adam"));
                parameters.insert("learning_rate", json!(f64::from(rate)));
                parameters.insert("beta_1", json!(f64::from(betas.0)));
                parameters.insert("beta_2", json!(f64::from(betas.1)));
            }
        }
        match self.stop {
            Stop::Never => {}
            Stop::Change(share) => {
                parameters.insert("stop_change", json!(share));
            }
            Stop::Settled { growth, over } => {
                parameters.insert("settled_growth", json!(growth));
                parameters.insert("settled_over", json!(over));
            }
        }
        parameters
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    }
}
