//! What a filter is fitted with.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use crate::error::Error;
use crate::repair::KnownTrigger;

/// The models that a filter looks into.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The model that it filters for.
    pub classifier: &'a Classifier,
    /// The same model repaired, if there is one.
    pub repaired: Option<&'a Classifier>,
}

/// What a filter is fitted with.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The models.
    pub held: Held<'a>,
    /// Clean images, labelled: truly, or by the model's own answers. None of those that the
    /// threshold is set by.
    pub images: &'a Images,
    /// Triggers that are known to work on the model; may be empty.
    pub triggers: &'a [KnownTrigger],
    /// Settles every random choice.
    pub seed: u64,
}

impl Given<'_> {
    /// Labels of the images.
    ///
    /// # Errors
    /// [`Error::NoLabels`].
    pub fn labels(&self) -> Result<&[usize], Error> {
        self.images.labels().ok_or(Error::NoLabels)
    }

    /// The images that a trigger is for, and the same stamped: two arrays of pixels `[images,
    /// channels, height, width]`.
    ///
    /// # Errors
    /// Images without labels; [`Error::CannotFilter`] if it is for none of them.
    pub fn stamped(&self, known: &KnownTrigger) -> Result<(Vec<f32>, Vec<f32>), Error> {
        let labels = self.labels()?;
        let places: Vec<usize> = (0..labels.len())
            .filter(|&place| known.is_for(labels[place]))
            .collect();
        if places.is_empty() {
            return Err(Error::CannotFilter(
                "the trigger is for none of the clean images: give some of other classes than its target"
                    .to_owned(),
            ));
        }
        let clean = self.images.subset(&places).pixels().to_vec();
        let stamped = known.trigger.stamp(&clean, self.held.classifier.shape());
        Ok((clean, stamped))
    }
}
