//! The answer of a scan, and how far it reaches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Calibration {
    /// Simulated clean models whose classes are all equally hard to reach.
    #[serde(rename = "equal classes")]
    EqualClasses,
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
