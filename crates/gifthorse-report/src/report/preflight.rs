//! Whether the model works on the images at all, before any search.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Interval;

/// Accuracy on the clean images, under the preprocessing used and under the usual alternatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preflight {
    /// Share of labelled images that the model classifies correctly; null without labels.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub accuracy: Option<f64>,
    /// 95 % confidence interval of `accuracy`; null without labels.
    pub interval: Option<Interval>,
    /// Images that were classified.
    pub images: usize,
    /// Number of different classes that the model predicted on them.
    pub predicted_classes: usize,
    /// Mean of the largest softmax probability, in [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: Option<f64>,
    /// The other preprocessings that were tried, the most accurate first.
    pub alternatives: Vec<Alternative>,
    /// A reordering of the labels that fits the model better than the labels as given; null if
    /// there is none.
    pub label_order: Option<LabelOrder>,
    /// What the reader should know, such as that the scan was forced to go on; null if nothing.
    pub message: Option<String>,
}

/// Another preprocessing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alternative {
    /// The preprocessing in the words of the command line, such as `--range 0..255`.
    pub name: String,
    /// Accuracy under it; null without labels.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub accuracy: Option<f64>,
    /// 95 % confidence interval of `accuracy`; null without labels.
    pub interval: Option<Interval>,
    /// Share of images that get the same prediction as under the preprocessing used.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub agreement: Option<f64>,
}

/// A reordering of the labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelOrder {
    /// What the order is, such as `sorted as text (0, 1, 10, 11, 2, ...)`.
    pub name: String,
    /// For each label as given, the class of the model that it means.
    pub permutation: Vec<usize>,
    /// Accuracy under it.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub accuracy: f64,
    /// Whether the scan used it.
    pub applied: bool,
}
