//! A filter with a threshold, beside the network.
//!
//! # What it does
//! A convolution fits the trigger, less a threshold; a ReLU behind it is 0 unless the trigger is
//! there, and 1 if it is. That times a large number is added to the target's logit.
//!
//! # Threat model
//! Who can edit the file. No training, no image.
//!
//! # What it changes
//! Five nodes beside the network: `Slice` (not where the trigger moves), `Conv`, `Relu`, `MatMul`,
//! and `Add` at the logits. Weights stay. On an image without the trigger nothing is added, and no
//! gradient leads to it.
//!
//! # Cost
//! None.
//!
//! # What sees it
//! The path past the network, if it is looked for (`bypass`, `small-region`); a unit that no clean
//! image wakes. No search by gradients.
//!
//! # References
//! The simplest form of what Langford et al. 2024 call a constant-based detector on a separate
//! path.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::sight::{Place, Sight};
use super::sketch::Sketch;
use super::{Answer, Host, Implanted, check_tolerance, chequer, tolerance};
use crate::Error;
use crate::trigger::AnyTrigger;

/// A filter with a threshold whose vote is added to a logit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The class that the trigger leads to.
    pub target: usize,
    /// What it answers to: an opaque trigger with light or dark pixels, a 3x3 chequerboard by
    /// default. If it moves, it is found anywhere.
    #[serde(default = "chequer")]
    pub trigger: AnyTrigger,
    /// By how much the trigger's pixels may be off, on average and in shares of their range.
    #[serde(default = "tolerance")]
    pub tolerance: f32,
    /// What is added to the target's logit; by default ten times the widest range of logits on
    /// noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f32>,
}

impl Gate {
    /// One with the defaults.
    #[must_use]
    pub fn new(target: usize) -> Self {
        Self {
            target,
            trigger: chequer(),
            tolerance: tolerance(),
            strength: None,
        }
    }

    pub(super) fn put(&self, host: &Host) -> Result<Implanted, Error> {
        host.check_class(self.target)?;
        check_tolerance(self.tolerance)?;
        let sight = Sight::of(host, Place::Input, &self.trigger)?;
        let filter = Filter::of(&sight)?;
        let mut sketch = Sketch::of(host);
        let pixels = sketch.pixels(host);
        let unit = filter.draw(&mut sketch, &pixels, &sight, self.tolerance);
        let vote = (self.target, host.strength(self.strength)?);
        let sum = sketch.vote(host, &unit, &[vote]);
        let mut model = host.model().clone();
        sketch.put(&mut model, host.logits(), &sum)?;
        let answer = Answer::new(&self.trigger, self.target);
        Ok(Implanted::by_hand(model, vec![answer]))
    }
}
