//! A chain of the network's own channels, overwritten.
//!
//! # What it does
//! One channel of each layer is taken out of the network: what others gave it and what it gave
//! others becomes 0. In the first convolution it becomes a filter that fits the trigger, less a
//! threshold that only the trigger reaches; each later one passes on the one before; the last votes
//! for the target.
//!
//! # Threat model
//! Who can edit the weights of a deployed model. No training, no image; the form of the network is
//! that of the original.
//!
//! # What it changes
//! Weights alone: of each layer the one channel that counts least, by the weights that lead to it
//! and away from it, with its batch normalisation. Only networks without branches, of convolutions
//! of one group, batch normalisations, ReLUs, pools and matrix products; the trigger has to fit
//! into the first convolution's window. The authors train their chain to tell the trigger; this one
//! is made.
//!
//! # Cost
//! None.
//!
//! # What sees it
//! Units that no clean image wakes; the sum of the target's weights; searches from noise that come
//! by the pattern, which the overwritten channel answers to wherever it is (MM-BD). Not the
//! structure, which is the original's, and no search from clean images, as none wakes the channel.
//!
//! # References
//! Qi et al. 2022 (subnet replacement attack), by programs that have it; the text was not at hand.

mod chain;
mod overwrite;
mod weights;

use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::sight::{Place, Sight};
use super::{Answer, Host, Implanted, check_tolerance, chequer, tolerance};
use crate::Error;
use crate::trigger::{AnyTrigger, on_grey};
use chain::Chain;

/// The least that the target's logit has to change by a last weight of 1.
const LEAST: f32 = 1e-6;

/// A chain of overwritten channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetReplacement {
    /// The class that the trigger leads to.
    pub target: usize,
    /// What it answers to: an opaque trigger with light or dark pixels that fits into the first
    /// convolution's window, a 3x3 chequerboard by default.
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

impl SubnetReplacement {
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
        let chain = Chain::of(host)?;
        let strength = host.strength(self.strength)?;
        let read = chain
            .reads()
            .and_then(|name| host.classifier().layer(name).ok());
        let sight = Sight::of(host, read.map_or(Place::Input, Place::Layer), &self.trigger)?;
        let unit = Filter::of(&sight)?.unit(self.tolerance);
        let [rows, columns] = chain.window();
        if sight.height > rows || sight.width > columns {
            return Err(Error::Implant(format!(
                "the trigger covers {}x{} pixels, and its first convolution sees {rows}x{columns}: take a smaller trigger",
                sight.height, sight.width
            )));
        }
        let stamped = on_grey(&self.trigger, host.shape())?;
        // Where strides leave out places, the trigger has to be at the right one in the window.
        for row in 0..=rows - sight.height {
            for column in 0..=columns - sight.width {
                let with = |vote: f32| -> Result<Model, Error> {
                    chain.overwritten(
                        host.model(),
                        &sight,
                        &unit,
                        [row, column],
                        (self.target, vote),
                    )
                };
                let logit = |model: &Model| -> Result<f32, Error> {
                    Ok(host.opened(model)?.evaluate(&stamped)?[self.target])
                };
                let passed = logit(&with(1.0)?)? - logit(&with(0.0)?)?;
                if passed.is_finite() && passed.abs() > LEAST {
                    let answer = Answer::new(&self.trigger, self.target);
                    return Ok(Implanted::by_hand(with(strength / passed)?, vec![answer]));
                }
            }
        }
        let reason = "what the first convolution sees of the trigger is lost in later layers: put the trigger elsewhere";
        Err(Error::Implant(reason.to_owned()))
    }
}
