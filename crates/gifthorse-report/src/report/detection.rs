//! What one detector found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FindingState, Measure, UnitFinding, UnitStatistic};

/// What one detector found, for the model and for each of its units: a class, or a source and a
/// target class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// Name of the method for programs: lower-case letters, digits and underscores. No two
    /// detections of a report have the same.
    pub name: String,
    /// Name of the method for people, with its authors, such as `Neural Cleanse (Wang et al.
    /// 2019)`.
    pub title: String,
    /// Name of the set of parameters, such as `paper`.
    pub preset: String,
    /// Probability, by this detector alone, that a clean model gives a statistic at least this
    /// extreme; null where none could be had.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p_value: Option<f64>,
    /// What the statistic of the model is, in plain words, such as `anomaly index`.
    pub statistic_name: String,
    /// The model's statistic; null where it is undefined.
    pub statistic: Option<f64>,
    /// The value that the statistic has to exceed at the false-positive rate asked for; null where
    /// it is undefined.
    pub threshold: Option<f64>,
    /// Whether this detector holds the model for backdoored.
    pub flagged: bool,
    /// Wall-clock time, in seconds.
    #[schemars(range(min = 0.0))]
    pub seconds: f64,
    /// Every parameter of the method.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// What the statistic of each unit is.
    pub unit_statistic: UnitStatistic,
    /// Median of the statistics of the units that were reached; each of `sampled` counts for the
    /// eliminated classes that it stands for as well, as it does in the rules that papers use.
    pub median: Option<f64>,
    /// The statistic of a unit from which on `threshold` is exceeded, in the direction of
    /// `unit_statistic.suspicious`; null where no value would do.
    pub unit_threshold: Option<f64>,
    /// What else was measured on the model as a whole.
    pub measures: Vec<Measure>,
    /// Indices of the classes whose search never succeeded.
    pub unreached: Vec<usize>,
    /// Indices of the classes searched to the end because they were drawn at random to stand for
    /// the eliminated ones; empty if none was eliminated.
    pub sampled: Vec<usize>,
    /// What was found for each unit, in the order of classes.
    pub findings: Vec<UnitFinding>,
    /// The rules that papers use, applied as published; none of them controls false alarms.
    pub published_rules: Vec<PublishedRule>,
}

impl Detection {
    /// How many units were eliminated early.
    pub fn eliminated(&self) -> usize {
        let eliminated = |finding: &&UnitFinding| finding.state == FindingState::Eliminated;
        self.findings.iter().filter(eliminated).count()
    }

    /// What the detector found for `class`; of several findings, the most suspicious.
    pub fn of_class(&self, class: usize) -> Option<&UnitFinding> {
        let of_class = |finding: &&UnitFinding| finding.class == class;
        let suspicious = self.unit_statistic.suspicious;
        let findings = self.findings.iter().filter(of_class);
        findings.min_by(|a, b| suspicious.compare(a.statistic, b.statistic))
    }
}

/// A decision rule as a paper publishes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedRule {
    /// The rule in plain words, such as `anomaly index > 2`.
    pub name: String,
    /// The value that it looks at; null where it is undefined, as the anomaly index is with two
    /// classes.
    pub statistic: Option<f64>,
    /// The published threshold.
    pub threshold: f64,
    /// What the rule says about this model.
    pub flagged: bool,
    /// Where the rule is published.
    pub source: String,
}
