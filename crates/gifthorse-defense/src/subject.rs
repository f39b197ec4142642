//! What a detector looks at.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use crate::clean_features::CleanFeatures;
use crate::detect::abs::{Candidate, candidates};
use crate::detect::bti_dbf::Decoupling;
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

/// At most so many of these places of labelled images, spread evenly over the classes: the first of
/// every class, then the second of every class, and so on.
pub fn spread_over_classes(
    labels: &[usize],
    places: impl Iterator<Item = usize>,
    most: usize,
) -> Vec<usize> {
    let mut of_class = BTreeMap::<usize, usize>::new();
    let mut rounds: Vec<(usize, usize)> = places
        .map(|place| {
            let seen = of_class.entry(labels[place]).or_default();
            *seen += 1;
            (*seen, place)
        })
        .collect();
    rounds.sort_unstable();
    rounds.truncate(most);
    rounds.into_iter().map(|(_, place)| place).collect()
}

/// What several searches ask of a subject, worked out when it is first asked for. They belong to
/// one subject.
#[derive(Debug, Default)]
pub struct Facts {
    last_layer: OnceLock<Result<Arc<LastLayer>, String>>,
    right: OnceLock<Arc<Vec<bool>>>,
    stimulated: OnceLock<Arc<Vec<Candidate>>>,
    clean_features: OnceLock<Option<Arc<CleanFeatures>>>,
    decoupled: OnceLock<Option<Arc<Decoupling>>>,
}

impl Facts {
    /// Of the images to search with, which the model is right on, by place.
    ///
    /// # Errors
    /// No images, or none with labels; a model that cannot be run.
    pub fn right(&self, subject: &Subject<'_>) -> Result<Arc<Vec<bool>>, Error> {
        if let Some(known) = self.right.get() {
            return Ok(known.clone());
        }
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let predicted = subject.classifier.predict(search.pixels())?;
        let right = predicted
            .iter()
            .zip(labels)
            .map(|(answer, label)| answer == label);
        let right = Arc::new(right.collect());
        Ok(self.right.get_or_init(|| right).clone())
    }

    /// Of these places of images to search with, at most so many that the model is right on, spread
    /// evenly over the classes: the first of every class, then the second of every class, and so
    /// on.
    ///
    /// # Errors
    /// As [`Self::right`].
    pub fn right_and_spread(
        &self,
        subject: &Subject<'_>,
        places: &[usize],
        most: usize,
    ) -> Result<Vec<usize>, Error> {
        let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
        let right = self.right(subject)?;
        let right = places.iter().copied().filter(|&place| right[place]);
        Ok(spread_over_classes(labels, right, most))
    }

    /// The units that lead images to one class by themselves, those of the largest elevation in
    /// front.
    ///
    /// # Errors
    /// As [`Self::right`]; [`Error::NothingRight`].
    pub(crate) fn stimulated(&self, subject: &Subject<'_>) -> Result<Arc<Vec<Candidate>>, Error> {
        if let Some(known) = self.stimulated.get() {
            return Ok(known.clone());
        }
        // Worked out before the cell is taken, as the last layer is.
        let found = Arc::new(candidates(subject)?);
        Ok(self.stimulated.get_or_init(|| found).clone())
    }

    /// What an inner layer gives for clean images; `None` if the model has no activation that
    /// everything passes through.
    ///
    /// # Errors
    /// As [`Self::right`]; [`Error::NothingRight`].
    pub(crate) fn clean_features(
        &self,
        subject: &Subject<'_>,
    ) -> Result<Option<Arc<CleanFeatures>>, Error> {
        if let Some(known) = self.clean_features.get() {
            return Ok(known.clone());
        }
        // Worked out before the cell is taken, as the last layer is.
        let found = CleanFeatures::of(subject)?.map(Arc::new);
        Ok(self.clean_features.get_or_init(|| found).clone())
    }

    /// The features that the answers on clean images hang on; `None` if the model has no activation
    /// that everything passes through.
    ///
    /// # Errors
    /// As [`Self::right`]; [`Error::NothingRight`].
    pub(crate) fn decoupled(
        &self,
        subject: &Subject<'_>,
    ) -> Result<Option<Arc<Decoupling>>, Error> {
        if let Some(known) = self.decoupled.get() {
            return Ok(known.clone());
        }
        // Worked out before the cell is taken, as the last layer is.
        let found = Decoupling::of(subject)?.map(Arc::new);
        Ok(self.decoupled.get_or_init(|| found).clone())
    }

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
