//! The images of a scan: read in the shape of the model's input, then split into those that
//! triggers are searched on and those held out to confirm them.

use std::path::Path;

use gifthorse_data::{ImageShape, Images, LoadOptions, Loaded, split_holdout};
use gifthorse_defense::subject::CleanImages;
use gifthorse_engine::Classifier;
use gifthorse_report::report;

use super::about_images::{AboutImages, in_words};
use super::turns;
use crate::{Error, PreprocessChoice, ScanRequest};

/// Share of each class that is held out.
const HOLDOUT_SHARE: f64 = 0.3;
/// Images of each class that a scan takes by default.
const PER_CLASS: usize = 10;
/// Fewest images that a scan takes by default.
pub const FEWEST: usize = 1000;
/// Most images that a scan takes by default.
const MOST: usize = 3000;
/// Most values of pixels that a scan takes by default: 1 GiB of them.
const MOST_VALUES: usize = 1 << 28;
/// The images as read.
pub struct ImageSet {
    /// All images, with labels where the set has them, without class names.
    pub images: Images,
    /// What is known of them.
    pub about: AboutImages,
}

/// The images in two parts that share none, both labelled.
pub struct SplitSet {
    /// Images to search on.
    pub search: Images,
    /// Images to confirm on.
    pub holdout: Images,
    /// What is known of them.
    pub about: AboutImages,
}

impl ImageSet {
    /// Reads the images at `path` as a request asks for them, in the shape of the model's input.
    ///
    /// # Errors
    /// Images that cannot be read; a label that the model has no class for.
    pub fn load(
        request: &ScanRequest,
        path: &Path,
        classifier: &Classifier,
    ) -> Result<Self, Error> {
        let [channels, height, width] = classifier.shape();
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        let max_images = request
            .max_images
            .unwrap_or_else(|| default_count(classifier.classes(), shape));
        let options = LoadOptions {
            target: Some(shape),
            split: request.split,
            crop: request.crop,
            exif: turns::first(request.exif),
            labels: request.labels.clone(),
            class_names: request.class_names.clone(),
            label_order: request.label_order.clone(),
            classes: Some(classifier.classes()),
            max_images: Some(max_images),
            draw: request.draw,
            seed: request.seed,
        };
        let auto = matches!(request.preprocess, PreprocessChoice::Auto { .. });
        let (loaded, turns) = turns::settle(path, options, request.exif, classifier, auto)?;
        let Loaded {
            images,
            format,
            warnings,
            notes,
            calls,
            passed_over,
            available,
            sha256,
            ..
        } = loaded;
        let classes = classifier.classes();
        let labels = images.labels().unwrap_or_default();
        if let Some(&label) = labels.iter().find(|&&label| label >= classes) {
            let call = calls.get(label).cloned().unwrap_or_default();
            return Err(Error::Label {
                label,
                call,
                classes,
            });
        }
        let label_classes = label_classes(&images);
        let class_names = images.class_names().to_vec();
        // The model's predictions may have to stand in for labels, and the model may have more
        // classes than are named.
        let images = images.with_class_names(Vec::new())?;
        Ok(Self {
            about: AboutImages {
                path: path.to_owned(),
                class_names,
                warnings: notes
                    .iter()
                    .map(ToString::to_string)
                    .chain(turns.message)
                    .chain(in_words(&warnings))
                    .collect(),
                calls,
                passed_over,
                exif: turns.exif,
                turned: turns.count,
                preprocess: turns.preprocess,
                count: images.len(),
                cut: false,
                labelled: images.labels().is_some(),
                label_classes,
                max_images,
                format: format.to_string(),
                available,
                sha256,
            },
            images,
        })
    }

    /// The images that a search can use: all, or where they have no labels of their own only those
    /// of which the model's class is known, the ones at the places `predicted`.
    pub fn usable(self, predicted: &[usize]) -> Self {
        let Self { images, mut about } = self;
        if about.labelled || predicted.len() == images.len() {
            return Self { images, about };
        }
        about.count = predicted.len();
        about.cut = true;
        Self {
            images: images.into_subset(predicted),
            about,
        }
    }

    /// The images to search on and those held out, disjoint and each with its share of every class.
    /// Without labels the model's predictions stand in.
    ///
    /// # Errors
    /// Predictions that are not one for each image.
    pub fn split(self, predictions: &[usize], seed: u64) -> Result<SplitSet, Error> {
        let Self { images, about } = self;
        let images = match images.labels() {
            Some(_) => images,
            None => images.with_labels(predictions.to_vec())?,
        };
        let labels = images.labels().unwrap_or_default();
        let (search, holdout) = split_holdout(labels, HOLDOUT_SHARE, seed);
        let holdout = images.subset(&holdout);
        Ok(SplitSet {
            search: images.into_subset(&search),
            holdout,
            about,
        })
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
}

impl SplitSet {
    /// The images as detectors take them.
    pub fn clean(&self) -> CleanImages<'_> {
        CleanImages {
            search: &self.search,
            holdout: &self.holdout,
        }
    }

    /// What tells these images from others: the hash of all that were read and, if fewer are used,
    /// how many.
    pub fn identity(&self) -> String {
        let AboutImages {
            sha256, count, cut, ..
        } = &self.about;
        if *cut {
            format!("{sha256}, {count} of them")
        } else {
            sha256.clone()
        }
    }

    /// The images as a report describes them.
    pub fn described(&self, request: &ScanRequest) -> report::Images {
        self.about
            .described(request, [self.search.len(), self.holdout.len()])
    }
}

/// Number of classes that images are labelled with: that of their names or, without, one more than
/// the largest label.
pub fn label_classes(images: &Images) -> Option<usize> {
    let largest = images.labels()?.iter().max()?;
    Some(images.class_names().len().max(largest + 1))
}

/// How many images a scan takes where nobody says.
fn default_count(classes: usize, shape: ImageShape) -> usize {
    let wanted = classes.saturating_mul(PER_CLASS).clamp(FEWEST, MOST);
    wanted.min(MOST_VALUES / shape.values().max(1)).max(1)
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
