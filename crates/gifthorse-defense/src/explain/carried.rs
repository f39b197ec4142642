//! How much of an attack some channels carry by themselves.

use gifthorse_engine::{Classifier, Intervention, Layer};

use crate::error::Error;
use crate::explain::{Case, Count};

/// How a model does with some of its channels switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Performance {
    /// Of stamped images of other classes, those that are taken for the target.
    pub success: Count,
    /// Of the same images without the trigger, those that are taken for the target: as many as of
    /// the stamped ones, and the success is none of the trigger's.
    pub unstamped: Count,
    /// Of clean images, those that are taken for what they are.
    pub accuracy: Count,
}

/// What some channels of a layer carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// With them alone, all others zeroed.
    pub kept: Performance,
    /// With them alone zeroed.
    pub zeroed: Performance,
}

impl Performance {
    /// How a classifier does as it is.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn of(case: &Case<'_>, classifier: &Classifier, target: usize) -> Result<Self, Error> {
        case.performance(classifier, target)
    }
}

impl Carried {
    /// Switches these channels of a layer off, and then all the others.
    ///
    /// # Errors
    /// A channel that the layer does not have; a layer of another model; a model that cannot be
    /// run.
    pub fn by(
        case: &Case<'_>,
        layer: &Layer,
        channels: &[usize],
        target: usize,
    ) -> Result<Self, Error> {
        let without = |off: &[usize]| -> Result<Performance, Error> {
            let mask = Intervention::mask(layer, off, case.classifier.device())?;
            Performance::of(case, &case.classifier.with([mask])?, target)
        };
        let is_other = |channel: &usize| !channels.contains(channel);
        let others: Vec<usize> = (0..layer.channels()).filter(is_other).collect();
        Ok(Self {
            kept: without(&others)?,
            zeroed: without(channels)?,
        })
    }
}
