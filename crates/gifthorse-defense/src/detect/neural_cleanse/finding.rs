//! What the search for a class came to.

use serde::{Deserialize, Serialize};

use crate::detect::exact;
use crate::detect::trigger::Trigger;
use crate::verdict::Confirmation;

/// What became of the search for a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// A trigger met the success threshold.
    Reached,
    /// None did.
    Unreached,
    /// The search was ended after a few updates, since those of other classes had got further.
    Eliminated,
    /// The search was stopped or never started.
    Skipped,
}

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

/// The trigger found for a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFinding {
    /// Target class.
    pub class: usize,
    /// Whether a trigger succeeded.
    pub state: State,
    /// L1 norm of the 8-bit mask, in pixels.
    #[serde(with = "exact::double")]
    pub norm: f64,
    /// The smallest trigger that succeeded, or the last one tried.
    pub trigger: Trigger,
    /// Share of the search images that the 8-bit trigger sends to the class; those that are
    /// of the class are left out where the settings say so. 0 for a class that was skipped.
    #[serde(with = "exact::double")]
    pub success_rate: f64,
    /// The 8-bit trigger on held-out images of the other classes.
    pub holdout: Option<Confirmation>,
    /// Updates made.
    pub updates: usize,
    /// The course of the search, step by step.
    pub trace: Vec<StepOutcome>,
    /// Time taken, in seconds.
    pub seconds: f64,
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// One finding for each class that was to be searched, in class order.
    pub classes: Vec<ClassFinding>,
    /// Of the classes searched to the end, those that were drawn at random to stand for the
    /// eliminated ones, in class order; empty if none was eliminated.
    pub sampled: Vec<usize>,
}

impl ClassFinding {
    /// The finding for a class whose search never started: an empty trigger.
    pub(super) fn skipped(class: usize, [channels, height, width]: [usize; 3]) -> Self {
        Self {
            class,
            state: State::Skipped,
            norm: 0.0,
            trigger: Trigger {
                mask: vec![0.0; height * width],
                pattern: vec![0.0; channels * height * width],
            },
            success_rate: 0.0,
            holdout: None,
            updates: 0,
            trace: Vec::new(),
            seconds: 0.0,
        }
    }
}
