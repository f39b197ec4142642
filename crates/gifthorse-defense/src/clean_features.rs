//! What an inner layer gives for clean images.

use gifthorse_engine::{Classifier, Layer, activations};

use crate::error::Error;
use crate::subject::{Subject, spread_over_classes};

/// Most images that are looked at.
pub const IMAGES: usize = 256;
/// Of a layer with so many numbers that all images together would have more than this, fewer images
/// are taken.
const MOST_NUMBERS: usize = 1 << 25;

/// What the last activation that has places in it gives for clean images.
#[derive(Debug)]
pub struct CleanFeatures {
    layer: Layer,
    /// Places of images to search with that the model is right on, spread over the classes,
    images: Vec<usize>,
    /// their classes,
    labels: Vec<usize>,
    /// and what the layer gives for them, row-major.
    values: Vec<f32>,
}

impl CleanFeatures {
    /// Of a model; `None` if it has no activation that everything passes through.
    ///
    /// # Errors
    /// No images, or none with labels that the model is right on; a model that cannot be run.
    pub fn of(subject: &Subject<'_>) -> Result<Option<Self>, Error> {
        let classifier = subject.classifier;
        let Some(layer) = layer(classifier)? else {
            return Ok(None);
        };
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let right = subject.facts.right(subject)?;
        let right = (0..labels.len()).filter(|&place| right[place]);
        let numbers = layer.shape().iter().product::<usize>().max(1);
        let most = IMAGES.min(MOST_NUMBERS / numbers).max(1);
        let images = spread_over_classes(labels, right, most);
        if images.is_empty() {
            return Err(Error::NothingRight);
        }
        let (head, _) = classifier.split_at(&layer)?;
        let values = head.evaluate(search.subset(&images).pixels())?;
        classifier.network().forget_sections();
        Ok(Some(Self {
            labels: images.iter().map(|&place| labels[place]).collect(),
            layer,
            images,
            values,
        }))
    }

    /// The layer.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// Places of the images among those to search with.
    pub fn images(&self) -> &[usize] {
        &self.images
    }

    /// The classes of the images.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// What the layer gives for all of the images, `[images, ...]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Numbers that the layer gives for an image.
    pub fn numbers(&self) -> usize {
        self.layer.shape().iter().product()
    }

    /// What the layer gives for these of the images, by their places in [`Self::images`].
    pub fn rows(&self, images: &[usize]) -> Vec<f32> {
        let numbers = self.numbers();
        let rows = images.iter().map(|row| row * numbers);
        let rows = rows.flat_map(|first| &self.values[first..first + numbers]);
        rows.copied().collect()
    }
}

/// The last activation with places in it, which convolutions make; the last of any kind if there is
/// none.
fn layer(classifier: &Classifier) -> Result<Option<Layer>, Error> {
    let all = activations(classifier)?;
    let of_map = all.iter().find(|hinge| hinge.after.shape().len() > 1);
    Ok(of_map.or(all.first()).map(|hinge| hinge.after.clone()))
}
