//! The truth about a model, to be kept beside it and away from whoever scans it.

use serde::{Deserialize, Serialize};

use crate::measure::AttackSuccess;
use crate::trigger::AnyTrigger;

/// What is in a model, as its maker knows and has measured it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Share of clean test images that the model gives their label.
    pub clean_accuracy: f64,
    /// What was planted; `null` in a clean model.
    pub backdoor: Option<Backdoor>,
}

/// A planted backdoor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backdoor {
    /// How it was planted.
    pub method: Method,
    /// The class that it leads to.
    pub target: usize,
    /// What it answers to.
    pub trigger: AnyTrigger,
    /// Share of the training images that were poisoned.
    pub poison_rate: f64,
    /// Indices of those images in the training set, ascending.
    pub poisoned: Vec<usize>,
    /// How often it works on test images.
    pub attack_success: AttackSuccess,
}

/// How a backdoor is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// Stamped and relabelled training images ([`super::BadNets`]).
    Badnets,
}
