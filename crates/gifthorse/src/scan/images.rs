//! The images of a scan: read in the shape of the model's input, then split into those that triggers are searched on and
//! those held out to confirm them.

use gifthorse_data::{ImageShape, Images, LoadOptions, Loaded, split_holdout};
use gifthorse_engine::Classifier;
use gifthorse_report::report;

use crate::{Error, ScanRequest};

/// Share of each class that is held out.
const HOLDOUT_SHARE: f64 = 0.3;
/// Images that a scan takes by default: so many a class,
const PER_CLASS: usize = 10;
/// but at least
const FEWEST: usize = 1000;
/// and at most so many,
const MOST: usize = 3000;
/// and never more values than this, 1 GiB of pixels.
const MOST_VALUES: usize = 1 << 28;
/// Unreadable images that are named one by one.
const NAMED: usize = 10;

/// The images as read.
pub struct ImageSet {
    /// All images until they are split, with labels where the set has them, without class names.
    pub images: Images,
    /// Names of the classes as the image set or the user gives them; may be fewer than the classes.
    pub class_names: Vec<String>,
    /// What was wrong with single images, and how often.
    pub warnings: Vec<String>,
    /// How many images were read, and whether they have labels of their own.
    count: usize,
    labelled: bool,
    /// Most images that were asked for.
    max_images: usize,
    format: String,
    available: usize,
    /// Hash over pixels and labels.
    pub sha256: String,
}

impl ImageSet {
    /// Reads the images that a request asks for, in the shape of the model's input.
    ///
    /// # Errors
    /// Images that cannot be read; a label that the model has no class for.
    pub fn load(request: &ScanRequest, classifier: &Classifier) -> Result<Self, Error> {
        let [channels, height, width] = classifier.shape();
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        let max_images = request
            .max_images
            .unwrap_or_else(|| default_count(classifier.classes(), shape));
        let Loaded {
            images,
            format,
            warnings,
            available,
            sha256,
            ..
        } = gifthorse_data::load(
            &request.images,
            &LoadOptions {
                target: Some(shape),
                split: request.split,
                crop: request.crop,
                labels: request.labels.clone(),
                class_names: request.class_names.clone(),
                max_images: Some(max_images),
                seed: request.seed,
            },
        )?;
        let classes = classifier.classes();
        let labels = images.labels().unwrap_or_default();
        if let Some(&label) = labels.iter().find(|&&label| label >= classes) {
            return Err(Error::Label { label, classes });
        }
        let class_names = images.class_names().to_vec();
        // The model's predictions may have to stand in for labels, and the model may have more classes than are named.
        let images = images.with_class_names(Vec::new())?;
        Ok(Self {
            count: images.len(),
            labelled: images.labels().is_some(),
            images,
            class_names,
            warnings: in_words(&warnings),
            max_images,
            format: format.to_string(),
            available,
            sha256,
        })
    }

    /// How many images were read.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The images to search on and those held out, disjoint and each with its share of every class. Without labels the
    /// model's predictions stand in. The set itself has no images after that, so that none is kept twice.
    ///
    /// # Errors
    /// Predictions that are not one for each image.
    pub fn split(&mut self, predictions: &[usize], seed: u64) -> Result<(Images, Images), Error> {
        let none = self.images.subset(&[]);
        let images = std::mem::replace(&mut self.images, none);
        let images = match images.labels() {
            Some(_) => images,
            None => images.with_labels(predictions.to_vec())?,
        };
        let labels = images.labels().unwrap_or_default();
        let (search, holdout) = split_holdout(labels, HOLDOUT_SHARE, seed);
        let holdout = images.subset(&holdout);
        Ok((images.into_subset(&search), holdout))
    }

    /// All images with their labels or, without, with the model's predictions for labels.
    ///
    /// # Errors
    /// Predictions that are not one for each image.
    pub fn labelled(&self, predictions: &[usize]) -> Result<Images, Error> {
        Ok(match self.images.labels() {
            Some(_) => self.images.clone(),
            None => self.images.clone().with_labels(predictions.to_vec())?,
        })
    }

    /// The images as a report describes them.
    pub fn described(
        &self,
        request: &ScanRequest,
        search: usize,
        holdout: usize,
    ) -> report::Images {
        let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        report::Images {
            path: path(&request.images),
            format: self.format.clone(),
            count: self.count,
            available: self.available,
            labelled: self.labelled,
            labels: request.labels.as_ref().map(path),
            class_names: request.class_names.as_ref().map(path),
            split: request.split.to_string(),
            max_images: Some(self.max_images),
            sha256: self.sha256.clone(),
            search,
            holdout,
            warnings: self.warnings.clone(),
        }
    }
}

/// How many images a scan takes where nobody says.
fn default_count(classes: usize, shape: ImageShape) -> usize {
    let wanted = classes.saturating_mul(PER_CLASS).clamp(FEWEST, MOST);
    wanted.min(MOST_VALUES / shape.values().max(1)).max(1)
}

/// The first warnings in full, and how many there are if there are more.
fn in_words(warnings: &[gifthorse_data::Warning]) -> Vec<String> {
    let mut words: Vec<String> = warnings
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    match warnings.len() {
        0 => {}
        1 => words.insert(0, "1 image could not be read and is left out".to_owned()),
        count => words.insert(
            0,
            format!("{count} images could not be read and are left out"),
        ),
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_count_follows_the_classes_within_limits() {
        let small = ImageShape {
            channels: 3,
            height: 32,
            width: 32,
        };
        assert_eq!(default_count(10, small), 1000);
        assert_eq!(default_count(200, small), 2000);
        assert_eq!(default_count(1283, small), 3000);
        let large = ImageShape {
            channels: 3,
            height: 512,
            width: 512,
        };
        assert_eq!(default_count(1000, large), 341);
    }
}
