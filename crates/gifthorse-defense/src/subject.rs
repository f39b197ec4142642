//! What a detector looks at.

use std::sync::{Arc, OnceLock};

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use crate::detect::last_layer::LastLayer;
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
    /// What several searches ask of it.
    pub facts: &'a Facts,
}

/// What several searches ask of a subject, worked out when it is first asked for. They belong to
/// one subject.
#[derive(Debug, Default)]
pub struct Facts {
    last_layer: OnceLock<Result<Arc<LastLayer>, String>>,
}

impl Facts {
    /// The last layer of the subject.
    ///
    /// # Errors
    /// Why there is none to look at, in words that go after "class 3: ".
    pub fn last_layer(&self, subject: &Subject<'_>) -> Result<Arc<LastLayer>, String> {
        if let Some(known) = self.last_layer.get() {
            return known.clone();
        }
        // Worked out before the cell is taken: another thread may be given other work meanwhile,
        // which must not wait for this one.
        let found = LastLayer::of(subject).map(Arc::new);
        let found = found.map_err(|why| why.to_string());
        self.last_layer.get_or_init(|| found).clone()
    }
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
