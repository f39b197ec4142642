//! What is compared: images, and the same images under a trigger.

use gifthorse_engine::Classifier;

use crate::error::Error;
use crate::explain::{Count, Performance};

/// Labelled clean images, and the same images with a trigger on each.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub(super) classifier: &'a Classifier,
    pub(super) labels: &'a [usize],
    pub(super) clean: &'a [f32],
    pub(super) stamped: &'a [f32],
}

impl<'a> Case<'a> {
    /// Puts the parts together.
    ///
    /// `clean` and `stamped` are `[images, channels, height, width]` in [0, 1], of the classifier's
    /// shape and in the same order; `labels` has the class of each.
    ///
    /// # Errors
    /// [`Error::Stamped`] if there is not one label, one clean and one stamped image of each, or
    /// none at all.
    pub fn new(
        classifier: &'a Classifier,
        labels: &'a [usize],
        clean: &'a [f32],
        stamped: &'a [f32],
    ) -> Result<Self, Error> {
        let size: usize = classifier.shape().iter().product();
        let expected = labels.len() * size;
        if labels.is_empty() || clean.len() != expected || stamped.len() != expected {
            return Err(Error::Stamped {
                labels: labels.len(),
                clean: clean.len() / size,
                stamped: stamped.len() / size,
            });
        }
        Ok(Self {
            classifier,
            labels,
            clean,
            stamped,
        })
    }

    /// How a classifier does, be it the model as it is or with channels switched off.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn performance(
        &self,
        classifier: &Classifier,
        target: usize,
    ) -> Result<Performance, Error> {
        let (clean, stamped) = (
            classifier.predict(self.clean)?,
            classifier.predict(self.stamped)?,
        );
        let to_target = |answers: &[usize]| {
            let others = answers.iter().zip(self.labels);
            let others = others.filter(|&(_, &label)| label != target);
            Count::of(others.map(|(&answer, _)| answer == target))
        };
        let right = clean.iter().zip(self.labels);
        Ok(Performance {
            success: to_target(&stamped),
            unstamped: to_target(&clean),
            accuracy: Count::of(right.map(|(answer, label)| answer == label)),
        })
    }
}
