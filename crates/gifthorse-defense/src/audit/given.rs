//! What an audit looks at.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use crate::error::Error;

/// What an audit looks at.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// A model that was trained on the images.
    pub classifier: &'a Classifier,
    /// The training set, with the labels that the model was trained for.
    pub images: &'a Images,
    /// The share of a class's images that may be poisoned at most, where somebody knows; methods
    /// that take such a share remove so many as is published.
    pub share: Option<f64>,
    /// Settles every random choice.
    pub seed: u64,
}

impl Given<'_> {
    /// Of each class of the model the places of the images that are labelled so, ascending.
    ///
    /// # Errors
    /// [`Error::NoLabels`]; [`Error::NoSuchClass`]; a share that is none.
    pub(super) fn by_class(&self) -> Result<Vec<Vec<usize>>, Error> {
        if let Some(share) = self.share
            && !(share > 0.0 && share <= 0.5)
        {
            return Err(Error::CannotAudit(format!(
                "the share of a class that may be poisoned is above 0 and at most 0.5, not {share}"
            )));
        }
        let labels = self.images.labels().ok_or(Error::NoLabels)?;
        let classes = self.classifier.classes();
        let mut places = vec![Vec::new(); classes];
        for (place, &class) in labels.iter().enumerate() {
            let of_class = places
                .get_mut(class)
                .ok_or(Error::NoSuchClass { class, classes })?;
            of_class.push(place);
        }
        Ok(places)
    }
}
