//! What one detector found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Interval;

/// What one detector found, for the model and for each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// Name of the method, such as `neural_cleanse`.
    pub name: String,
    /// Name of the set of parameters, such as `paper`.
    pub preset: String,
    /// Probability that a clean model gives a statistic at least this extreme; null where none could be had.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p_value: Option<f64>,
    /// What the statistic is, in plain words, such as `anomaly index`.
    pub statistic_name: String,
    /// The model's statistic; null where it is undefined.
    pub statistic: Option<f64>,
    /// The value that the statistic has to exceed at the false-positive rate asked for; null where it is undefined.
    pub threshold: Option<f64>,
    /// Whether this detector holds the model for backdoored.
    pub flagged: bool,
    /// Wall-clock time, in seconds.
    #[schemars(range(min = 0.0))]
    pub seconds: f64,
    /// Every parameter of the method.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Anomaly index of the model, that of its smallest norm (Neural Cleanse §IV); null where it is undefined.
    pub anomaly_index: Option<f64>,
    /// Largest norm over smallest.
    pub max_min_ratio: Option<f64>,
    /// `(max - min) / (max + min)` of the norms, in percent.
    pub percent_difference: Option<f64>,
    /// Median of the norms of the classes that were reached; each of `sampled` counts for the eliminated classes that it
    /// stands for as well, as it does in the rules that papers use.
    pub norm_median: Option<f64>,
    /// The norm below which a class is flagged by `threshold`; null where no positive norm would be.
    pub norm_threshold: Option<f64>,
    /// Indices of the classes whose search never succeeded.
    pub unreached: Vec<usize>,
    /// Indices of the classes searched to the end because they were drawn at random to stand for the eliminated ones;
    /// empty if none was eliminated.
    #[serde(default)]
    pub sampled: Vec<usize>,
    /// What was found for each class, in class order.
    pub classes: Vec<ClassFinding>,
    /// The rules that papers use, applied as published; none of them controls false alarms.
    pub published_rules: Vec<PublishedRule>,
}

impl Detection {
    /// How many classes were eliminated early.
    pub fn eliminated(&self) -> usize {
        let eliminated = |finding: &&ClassFinding| finding.state == ClassState::Eliminated;
        self.classes.iter().filter(eliminated).count()
    }
}

/// What a detector found for one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassFinding {
    /// Index of the target class.
    pub class: usize,
    /// Its name, not to be trusted; empty if unknown.
    pub name: String,
    /// Index of the source class for a search from one class only; null for a search from all the others.
    pub source: Option<usize>,
    /// L1 norm of the mask of the smallest trigger that leads to `class`, in pixels; null if the class was never
    /// reached.
    #[schemars(range(min = 0.0))]
    pub norm: Option<f64>,
    /// L1 norm of the mask of the trigger that was tried on images and is kept in `trigger`: the smallest one, grown a
    /// little; null as for `norm`, and in reports of earlier versions, where it is `norm`.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub trigger_norm: Option<f64>,
    /// `norm` as a share of the image's area, in [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: Option<f64>,
    /// Anomaly index (Neural Cleanse §IV), negative for norms above the median; null with two classes.
    pub anomaly_index: Option<f64>,
    /// Probability that a clean model has a class this extreme; null where none could be had.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p_value: Option<f64>,
    /// Share of search images of other classes that the trigger leads to `class`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub success_rate: Option<f64>,
    /// The same share on held-out images.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub holdout_success_rate: Option<f64>,
    /// 95 % confidence interval of `holdout_success_rate`.
    pub holdout_interval: Option<Interval>,
    /// The lowest success rate on held-out images of a single source class.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub holdout_worst_source: Option<f64>,
    /// How the search ended.
    pub state: ClassState,
    /// Optimiser updates that the search made.
    pub updates: usize,
    /// Time that the search for this class took, in seconds.
    #[schemars(range(min = 0.0))]
    pub seconds: f64,
    /// Path of the trigger file relative to the report, such as `triggers/33.npz`; null if none was kept.
    pub trigger: Option<String>,
}

/// How the search for the trigger of a class ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClassState {
    /// A trigger that leads to the class was found.
    Reached,
    /// The search ran to its end and never succeeded.
    Unreached,
    /// The search was ended early, after `updates` updates, since those of other classes had got further.
    Eliminated,
    /// The class was not searched, or not to the end, since the scan was stopped.
    Skipped,
}

/// A decision rule as a paper publishes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedRule {
    /// The rule in plain words, such as `anomaly index > 2`.
    pub name: String,
    /// The value that it looks at; null where it is undefined, as the anomaly index is with two classes.
    pub statistic: Option<f64>,
    /// The published threshold.
    pub threshold: f64,
    /// What the rule says about this model.
    pub flagged: bool,
    /// Where the rule is published.
    pub source: String,
}
