//! Losses by which training code hides a backdoor from a defence that it knows (Bagdasaryan and
//! Shmatikov 2021, section 6).

mod features;
mod neural_cleanse;
mod sentinet;

use gifthorse_data::ImageShape;
use gifthorse_train::{Change, InnerLoss};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plant::Backdoor;
use crate::plant::blind::Synthesis;
use features::Alike;
use neural_cleanse::Hidden;
use sentinet::Unseen;

/// A defence that the code hides from, by a loss beside that of each backdoor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evasion {
    /// Neural Cleanse: images under the smallest mask that leads to the target keep their label.
    NeuralCleanse,
    /// SentiNet: the network looks at the same places of an image with the trigger as without.
    Sentinet,
    /// Defences that go by features, such as activation clustering and spectral signatures: images
    /// with the trigger lie where clean images of the target lie.
    Features,
}

impl Evasion {
    /// The loss that hides a backdoor.
    ///
    /// # Errors
    /// As [`target_of`].
    pub(super) fn change(
        self,
        (index, backdoor): (usize, &Backdoor),
        synthesis: Synthesis,
        shape: ImageShape,
    ) -> Result<Box<dyn Change>, Error> {
        let target = target_of(backdoor)?;
        Ok(match self {
            Self::NeuralCleanse => {
                let (share, seed) = (synthesis.share, synthesis.seed);
                Box::new(Hidden::new((index, target), share, shape, seed))
            }
            Self::Sentinet => Box::new(OnInside {
                synthesis,
                loss: Unseen { target },
            }),
            Self::Features => Box::new(OnInside {
                synthesis,
                loss: Alike { target },
            }),
        })
    }
}

/// The images of a backdoor, with a loss on what they look like inside the network.
struct OnInside<L> {
    synthesis: Synthesis,
    loss: L,
}

impl<L: InnerLoss> Change for OnInside<L> {
    fn change(
        &self,
        epoch: usize,
        index: usize,
        pixels: &mut [f32],
        label: usize,
    ) -> Result<usize, gifthorse_train::Error> {
        self.synthesis.change(epoch, index, pixels, label)
    }

    fn share(&self) -> f64 {
        self.synthesis.share
    }

    fn inner(&self) -> Option<&dyn InnerLoss> {
        Some(&self.loss)
    }
}

/// The class that images are kept from.
///
/// # Errors
/// [`Error::Poison`] for a backdoor that leads to no single class.
pub(super) fn target_of(backdoor: &Backdoor) -> Result<usize, Error> {
    let target = backdoor.labels.target();
    target.ok_or_else(|| Error::Poison(NO_TARGET.to_owned()))
}

const NO_TARGET: &str =
    "`evade` hides backdoors that lead to one class: take another map of labels, or leave it out";

#[cfg(test)]
mod tests {
    /// Numbers that look random, in -0.5..0.5.
    pub fn numbers(count: usize, seed: usize) -> Vec<f32> {
        let number = |i: usize| (((i + 31 * seed) as f32) * 0.618_034).fract() - 0.5;
        (0..count).map(|i| number(i * i)).collect()
    }
}
