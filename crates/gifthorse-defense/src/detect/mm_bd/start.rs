//! What is known of each start of a search.

use serde::{Deserialize, Serialize};

use super::finding::{Reason, StepOutcome};
use crate::exact;

/// A logit is capped if a change of every pixel by its whole range, 0 to 1, promises less than this
/// share of the margin. Logits that are not capped promise more than the margin.
const LEAST_SENSITIVITY: f64 = 0.1;

/// The margin that a start counts with, and what was seen on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The margin, in logits.
    #[serde(with = "exact::single")]
    pub margin: f32,
    /// Whether there ever was a gradient.
    pub has_moved: bool,
    /// Whether all logits and gradients were finite.
    pub is_finite: bool,
}

impl Start {
    /// A start that was not looked at yet.
    pub const UNSEEN: Self = Self {
        margin: f32::NEG_INFINITY,
        has_moved: false,
        is_finite: true,
    };

    /// Takes note of a pass; true if the start counts with this margin from now on.
    pub fn see(&mut self, margin: f32, gradient: &[f32], best_of_all_steps: bool) -> bool {
        if !margin.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            self.is_finite = false;
            return false;
        }
        self.has_moved |= gradient.iter().any(|&g| g != 0.0);
        let counts = !best_of_all_steps || margin > self.margin;
        if counts {
            self.margin = margin;
        }
        counts
    }
}

/// How all starts stand.
pub fn outcome(starts: &[Start]) -> StepOutcome {
    let margins = || starts.iter().map(|start| f64::from(start.margin));
    StepOutcome {
        largest: margins().fold(f64::NEG_INFINITY, f64::max),
        mean: margins().sum::<f64>() / starts.len().max(1) as f64,
    }
}

/// Why the largest margin of the starts is no evidence, if it is none. `sensitivity` is how far the
/// logit still depends on the image, as a share of the margin.
pub fn ailment(starts: &[Start], sensitivity: f64) -> Option<Reason> {
    let still = starts.iter().filter(|start| !start.has_moved).count();
    if starts.iter().any(|start| !start.is_finite) {
        Some(Reason::NotFinite)
    } else if 2 * still > starts.len() {
        Some(Reason::NoGradient)
    } else if outcome(starts).largest <= 0.0 {
        Some(Reason::NeverAhead)
    } else if sensitivity < LEAST_SENSITIVITY {
        Some(Reason::Saturated)
    } else {
        None
    }
}
