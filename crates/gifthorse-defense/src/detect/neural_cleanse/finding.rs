//! The course of a search.

use serde::{Deserialize, Serialize};

use crate::exact;

/// How the trigger did in one step of a search: over its batches, each taken before its update.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// Share of the images that went to the class.
    #[serde(with = "exact::double")]
    pub success: f64,
    /// Mean L1 norm of the mask, in pixels.
    #[serde(with = "exact::double")]
    pub norm: f64,
    /// Mean loss for the class, without the norm.
    #[serde(with = "exact::double")]
    pub loss: f64,
}
