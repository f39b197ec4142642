//! The answer of a scan, and how far it reaches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Measure;

/// The answer of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing was found, and the scan could have found what [`Coverage`] lists.
    Clean,
    /// A trigger was found that leads images of the other classes to a target class.
    Backdoored,
    /// The scan cannot tell.
    Inconclusive,
}

/// What the p-value of a verdict was measured against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Calibration {
    /// Simulated clean models whose classes are all equally hard to reach.
    EqualClasses,
    /// The library of clean models that ships with the program.
    Library {
        /// How many clean models the scanned one was ranked among.
        models: usize,
        /// The first twelve hexadecimal digits of the library's SHA-256.
        version: String,
    },
    /// Clean models that the user gave.
    References {
        /// The models, in the order given.
        models: Vec<ReferenceModel>,
        /// How many clean models of the library they were completed by; 0 if there is no library
        /// for these settings.
        library_models: usize,
    },
}

/// A clean model that the scanned one was measured against, and what the published metrics say of
/// it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceModel {
    /// Its file name, not to be trusted.
    pub name: String,
    /// SHA-256 of the model file.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// What the metrics of published rules are for it.
    pub measures: Vec<Measure>,
}

/// What all detectors together say of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassVerdict {
    /// Index of the class.
    pub class: usize,
    /// Its name, not to be trusted; empty if unknown.
    pub name: String,
    /// Probability, all detectors combined, that a clean model has a class this suspicious; null
    /// where none could be had.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p_value: Option<f64>,
    /// Whether the class is named as one that a backdoor leads to.
    pub named: bool,
    /// Names of the detectors that speak against the class, the strongest first.
    pub witnesses: Vec<String>,
}

/// How far a verdict reaches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Kinds of backdoor that the scan looked for, in plain words.
    pub tested: Vec<String>,
    /// Kinds of backdoor, classes or conditions that it did not look at, in plain words.
    pub not_tested: Vec<String>,
    /// The largest trigger that "clean" speaks about; null where the scan can exclude none.
    pub largest_trigger: Option<TriggerSize>,
}

/// The size of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TriggerSize {
    /// Share of the image's area, in [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
    /// Number of fully covered pixels that this makes.
    #[schemars(range(min = 0.0))]
    pub pixels: f64,
}
