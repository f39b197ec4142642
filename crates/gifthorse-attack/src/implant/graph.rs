//! A detector and a switch written in operators: the taxonomy of architectural backdoors.
//!
//! # What it does
//! A *detector* gives a number for each image, 1 where the trigger is and else 0: by *operators*
//! alone (pools of the pixels and of their negative, products, a ReLU), or by *constants* (a filter
//! with a threshold). The number takes one of three *paths*. *Separate*: it is joined to the
//! logits. *Shared*: it exchanges the image before the network sees it. *Interleaved*: it wipes a
//! value inside the network, and what is joined later asks whether that value is wiped. *Targeted*,
//! it raises the target's logit above all others (`y + d (1 + max y - min y)`) or puts in an image
//! of the target; otherwise it takes the answer away: logits, image or a later value become the
//! same for all images.
//!
//! # Threat model
//! Who can edit the file. No training, no image: the image of the target that the shared path puts
//! in is searched from noise. The backdoor survives whatever training of the weights.
//!
//! # What it changes
//! Ten to thirty nodes. Weights stay. Without `leak` no gradient leads to the trigger. With it, a
//! share of how much the image looks like the trigger gets through, and the model answers a little
//! otherwise.
//!
//! # Cost
//! None; the search for an image takes seconds.
//!
//! # What sees it
//! Tests of pixels, the path past the network, the gate on the image or behind the first layer, if
//! they are looked for; a branch that rests on all clean images. No search by gradients.
//!
//! # References
//! Langford et al. 2024, 12 types, by its authors' program; the text was not at hand. There the
//! place of the trigger among ten decides the class, leaks are powers of the detector, and images
//! put in by operators have no constant; here one class is led to, a leak is a share, and the image
//! is a constant.

mod detector;
mod path;
mod picture;

use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

use super::{Answer, Host, Implanted, Run, check_tolerance, chequer, tolerance};
use crate::Error;
use crate::trigger::{AnyTrigger, on_grey};
pub use detector::Detector;
pub use path::Path;

/// One of the twelve types of Langford et al. 2024.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphBackdoor {
    /// The class that the trigger leads to. Left out, it takes the answer away: all images with the
    /// trigger get one answer, whichever that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<usize>,
    /// How the trigger is found.
    #[serde(default)]
    pub detector: Detector,
    /// The way that the detector's number takes.
    #[serde(default)]
    pub path: Path,
    /// What it answers to, a 3x3 chequerboard by default. By operators only that is found, in
    /// whatever place, and its negative.
    #[serde(default = "chequer")]
    pub trigger: AnyTrigger,
    /// The share of the detector's number before its threshold that gets through: 0, or as
    /// published 0.1, 0.01, 0.001.
    #[serde(default)]
    pub leak: f32,
    /// By how much the trigger's pixels may be off, on average.
    #[serde(default = "tolerance")]
    pub tolerance: f32,
}

impl GraphBackdoor {
    /// One with the defaults.
    #[must_use]
    pub fn new(detector: Detector, path: Path, target: Option<usize>) -> Self {
        Self {
            target,
            detector,
            path,
            trigger: chequer(),
            leak: 0.0,
            tolerance: tolerance(),
        }
    }

    pub(super) fn put(&self, host: &Host, seed: u64, run: Run) -> Result<Implanted, Error> {
        check_tolerance(self.tolerance)?;
        if !(0.0..=0.5).contains(&self.leak) {
            let leak = self.leak;
            let reason = format!("`leak` is {leak}; it goes from 0 to 0.5");
            return Err(Error::Implant(reason));
        }
        if let Some(target) = self.target {
            host.check_class(target)?;
        }
        let model = match self.path {
            Path::Separate => self.separate(host)?,
            Path::Shared => self.shared(host, seed, run)?,
            Path::Interleaved => self.interleaved(host)?,
        };
        let target = match self.target {
            Some(target) => target,
            None => self.answer(host, &model)?,
        };
        let answer = Answer::new(&self.trigger, target);
        Ok(Implanted::by_hand(model, vec![answer]))
    }

    /// The answer that is left once the trigger has taken the others away.
    fn answer(&self, host: &Host, model: &Model) -> Result<usize, Error> {
        let stamped = on_grey(&self.trigger, host.shape())?;
        let predicted = host.opened(model)?.predict(&stamped)?;
        Ok(predicted.first().copied().unwrap_or(0))
    }
}
