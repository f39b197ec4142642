//! A model that is asked about noisy images.

use std::path::Path;

use gifthorse_engine::Classifier;

use crate::model::OpenModel;
use crate::repair::record::ModelFile;
use crate::scan::checks::Fit;
use crate::scan::images::ImageSet;
use crate::scan::output;
use crate::{Error, ScanRequest};

/// A model that works on the images, with what it says of them.
pub struct Subject {
    pub classifier: Classifier,
    pub file: ModelFile,
    pub set: ImageSet,
    /// Whether the images have labels of their own.
    pub labelled: bool,
    /// The labels, or the model's answers in their stead.
    pub labels: Vec<usize>,
    /// What the model says of each image.
    pub answers: Vec<usize>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Subject {
    /// Opens the model of a request and asks it about the images at `path`.
    ///
    /// # Errors
    /// Files that cannot be read, a model that does not work on the images (unless forced).
    pub fn open(scan: &ScanRequest, path: &Path) -> Result<Self, Error> {
        let OpenModel {
            classifier,
            described,
            said,
            ..
        } = output::open(scan)?;
        let mut warnings = output::told(&described);
        let set = ImageSet::load(scan, path, &classifier)?;
        warnings.extend(set.about.warnings.iter().cloned());
        warnings.extend(set.about.passed_over_in_words());
        let fit = Fit::check(scan, classifier, Some(&set), said.as_ref())?;
        warnings.extend(fit.messages);
        let answers = fit.classifier.predict(set.images.pixels())?;
        Ok(Self {
            labelled: fit.labelled,
            labels: match set.images.labels() {
                Some(labels) => labels.to_vec(),
                None => answers.clone(),
            },
            classifier: fit.classifier,
            file: ModelFile {
                path: described.path,
                sha256: described.sha256,
            },
            set,
            answers,
            warnings,
        })
    }

    /// Images that the model is right on.
    pub fn right(&self) -> Right {
        let answers = self.answers.iter().zip(&self.labels).enumerate();
        let right = answers.filter(|(_, (answer, label))| answer == label);
        let right = right.map(|(place, (_, &label))| (place, label));
        let (places, labels) = right.unzip();
        Right { places, labels }
    }
}

/// Some of the images.
pub struct Right {
    /// Where they are in the set.
    pub places: Vec<usize>,
    /// Their labels.
    pub labels: Vec<usize>,
}
