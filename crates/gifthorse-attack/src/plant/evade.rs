//! Losses by which training code hides a backdoor from a defence that it knows (Bagdasaryan and
//! Shmatikov 2021, section 6).

mod neural_cleanse;

use gifthorse_data::ImageShape;
use gifthorse_train::Change;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plant::Backdoor;
use neural_cleanse::Hidden;

/// A defence that the code hides from, by a loss beside that of each backdoor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evasion {
    /// Neural Cleanse: images under the smallest mask that leads to the target keep their label.
    NeuralCleanse,
}

impl Evasion {
    /// The loss that hides a backdoor.
    ///
    /// # Errors
    /// As [`target_of`].
    pub(super) fn change(
        self,
        (index, backdoor): (usize, &Backdoor),
        share: f64,
        shape: ImageShape,
        seed: u64,
    ) -> Result<Box<dyn Change>, Error> {
        let target = target_of(backdoor)?;
        Ok(match self {
            Self::NeuralCleanse => Box::new(Hidden::new((index, target), share, shape, seed)),
        })
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
