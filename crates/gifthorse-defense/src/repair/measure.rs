//! What a model does on images that nothing was fitted to, with and without triggers.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use super::KnownTrigger;
use crate::count::Count;
use crate::error::Error;
use crate::search::answers;

/// What a trigger does to the images that it is for: those of other classes than its target, or of
/// its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The class that it leads to; `None` if that is another one for each class.
    pub target: Option<usize>,
    /// Stamped images that go where it leads (attack success, ASR).
    pub success: Count,
    /// The same images that go there as they are.
    pub without: Count,
    /// Stamped images that are given their own label (robust accuracy, RA).
    pub robust: Count,
}

impl Effect {
    /// How much more often images go where the trigger leads with it than without, in [-1, 1]: what
    /// of the success is the trigger's doing.
    #[must_use]
    pub fn excess(&self) -> f64 {
        let rate = |count: Count| count.rate().unwrap_or(0.0);
        rate(self.success) - rate(self.without)
    }
}

/// What a model does on labelled images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Images that are given their label (clean accuracy, CA).
    pub clean: Count,
    /// What each trigger does, in their order.
    pub triggers: Vec<Effect>,
    /// Whether each image was given its label, for comparisons image by image.
    right: Vec<bool>,
}

impl Measured {
    /// Counts what a model does.
    ///
    /// # Errors
    /// Images of another shape than the model's, or without labels.
    pub fn of(
        classifier: &Classifier,
        images: &Images,
        triggers: &[KnownTrigger],
    ) -> Result<Self, Error> {
        let labels = images.labels().ok_or(Error::NoLabels)?;
        let clean = classifier.predict(images.pixels())?;
        let right: Vec<bool> = clean.iter().zip(labels).map(|(c, l)| c == l).collect();
        let effect = |known: &KnownTrigger| {
            let places: Vec<usize> = (0..labels.len())
                .filter(|&place| known.is_for(labels[place]))
                .collect();
            let stamped = answers(classifier, images, &places, &known.trigger)?;
            let pairs = || places.iter().map(|&place| labels[place]).zip(&stamped);
            let unstamped = places.iter().map(|&place| (labels[place], clean[place]));
            Ok(Effect {
                target: known.target,
                success: Count::of(pairs().map(|(label, answer)| known.leads(label, *answer))),
                without: Count::of(unstamped.map(|(label, answer)| known.leads(label, answer))),
                robust: Count::of(pairs().map(|(label, answer)| *answer == label)),
            })
        };
        Ok(Self {
            clean: Count::of(right.iter().copied()),
            triggers: triggers.iter().map(effect).collect::<Result<_, Error>>()?,
            right,
        })
    }

    /// How many more images `before` gave their label than this does: the fall of clean accuracy,
    /// in images; negative for a rise.
    #[must_use]
    pub fn lost_since(&self, before: &Self) -> i64 {
        let right = |measured: &Self| measured.right.iter().filter(|right| **right).count() as i64;
        right(before) - right(self)
    }

    /// The largest excess of any trigger; 0 without any.
    #[must_use]
    pub fn worst_excess(&self) -> f64 {
        let excesses = self.triggers.iter().map(Effect::excess);
        excesses.fold(0.0, f64::max)
    }
}
