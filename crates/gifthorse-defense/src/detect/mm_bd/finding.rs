//! The course of a search, and why its margin may be no evidence.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exact;

/// Why a margin is no evidence, neither for a backdoor nor against one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Most starts never had a gradient to follow: the model rounds, takes signs or is saturated
    /// everywhere.
    NoGradient,
    /// The class's own logit hardly depends on the image any more where the margins ended: it is
    /// capped, like a probability, and the margin is the height of the cap.
    Saturated,
    /// Logits or gradients became infinite or no numbers.
    NotFinite,
    /// The class was never ahead of all others.
    NeverAhead,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoGradient => "there is no gradient to follow",
            Self::Saturated => "the logit is capped, so that its margin says nothing",
            Self::NotFinite => "logits or gradients are infinite or not numbers",
            Self::NeverAhead => "the class never gets ahead of all others",
        })
    }
}

/// How all starts stood after one step of a search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The largest margin over the starts, in logits.
    #[serde(with = "exact::double")]
    pub largest: f64,
    /// The mean over the starts.
    #[serde(with = "exact::double")]
    pub mean: f64,
}
