//! What can be wrong with a trigger, a poison or the images they are used on.

use crate::trigger::TriggerError;

/// Why images could not be poisoned, or a backdoor not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Images without labels, or too few of them, or of another shape than the network takes.
    #[error("these images cannot be used: {0}")]
    Images(String),
    /// A class that the images do not have.
    #[error("there is no class {class}: the images have classes 0 to {}", classes.saturating_sub(1))]
    NoSuchClass {
        /// The class that was asked for.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// A share of images to poison that is not between none and all.
    #[error("a poison rate of {rate} is not a share above 0 and up to 1")]
    PoisonRate {
        /// What was asked for.
        rate: f64,
    },
    /// A poison that cannot be made.
    #[error("these images cannot be poisoned so: {0}")]
    Poison(String),
    /// A backdoor that cannot be put into a model by hand.
    #[error("the backdoor cannot be put into this model: {0}")]
    Implant(String),
    /// What is wrong with one backdoor or cover of several.
    #[error("{part}: {error}")]
    Part {
        /// Which one, counted from 1, and its trigger.
        part: String,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// The trigger does not fit the images.
    #[error(transparent)]
    Trigger(#[from] TriggerError),
    /// The engine refused the network or its input.
    #[error(transparent)]
    Engine(#[from] gifthorse_engine::Error),
    /// The model could not be read or edited.
    #[error(transparent)]
    Onnx(#[from] gifthorse_onnx::Error),
    /// The images could not be put together.
    #[error(transparent)]
    Data(#[from] gifthorse_data::Error),
    /// The network could not be made or trained.
    #[error(transparent)]
    Train(Box<gifthorse_train::Error>),
}

impl Error {
    /// This error as that of a part.
    pub(crate) fn of(self, part: String) -> Self {
        Self::Part {
            part,
            error: Box::new(self),
        }
    }
}

impl From<gifthorse_train::Error> for Error {
    fn from(error: gifthorse_train::Error) -> Self {
        Self::Train(Box::new(error))
    }
}
