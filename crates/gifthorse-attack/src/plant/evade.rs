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
    /// Refuses a backdoor that it cannot hide.
    ///
    /// # Errors
    /// [`Error::Poison`] for one that leads to no single class.
    pub(super) fn check(self, backdoor: &Backdoor) -> Result<(), Error> {
        match backdoor.labels.target() {
            Some(_) => Ok(()),
            None => Err(Error::Poison(NO_TARGET.to_owned())),
        }
    }

    /// The loss that hides a backdoor.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn change(
        self,
        (index, backdoor): (usize, &Backdoor),
        share: f64,
        shape: ImageShape,
        seed: u64,
    ) -> Result<Box<dyn Change>, Error> {
        self.check(backdoor)?;
        let target = backdoor.labels.target().unwrap_or_default();
        Ok(match self {
            Self::NeuralCleanse => Box::new(Hidden::new((index, target), share, shape, seed)),
        })
    }
}

const NO_TARGET: &str =
    "`evade` hides backdoors that lead to one class: take another map of labels, or leave it out";
