//! What a detector looks at.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use crate::error::Error;

/// A model under examination, and what there is to examine it with.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// Clean images; `None` where a scan has only the model.
    pub images: Option<CleanImages<'a>>,
    /// Seed of every random choice.
    pub seed: u64,
}

/// Clean images in two parts that share none.
#[derive(Clone, Copy)]
pub struct CleanImages<'a> {
    /// Images to search with, labelled: truly, or by the model's own predictions.
    pub search: &'a Images,
    /// Labelled images that triggers are tried on once they are found.
    pub holdout: &'a Images,
}

impl<'a> Subject<'a> {
    /// The clean images.
    ///
    /// # Errors
    /// [`Error::NeedsImages`] where there are none.
    pub fn images(&self) -> Result<CleanImages<'a>, Error> {
        self.images.ok_or(Error::NeedsImages)
    }
}
