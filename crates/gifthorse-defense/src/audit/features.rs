//! What a layer gives for each image of a training set.

use gifthorse_engine::{Classifier, Layer, activations, logits_input};

use crate::error::Error;
use crate::filter::in_parts;

/// Most numbers that are held of a training set: 1 GiB of them.
const MOST_NUMBERS: usize = 1 << 28;

/// What a layer gives for each of some images.
#[derive(Debug)]
pub struct Features {
    values: Vec<f32>,
    numbers: usize,
}

impl Features {
    /// Of all images `[images, channels, height, width]`.
    ///
    /// # Errors
    /// [`Error::CannotAudit`] if they would fill the memory; a model that cannot be run.
    pub fn of(classifier: &Classifier, layer: &Layer, pixels: &[f32]) -> Result<Self, Error> {
        let numbers: usize = layer.shape().iter().product::<usize>().max(1);
        let size: usize = classifier.shape().iter().product();
        let images = pixels.len() / size.max(1);
        if images.saturating_mul(numbers) > MOST_NUMBERS {
            return Err(Error::CannotAudit(format!(
                "layer {} gives {numbers} numbers for each of {images} images, more than fit: look at {} of them at most \
                 (--max-images)",
                layer.name(),
                MOST_NUMBERS / numbers
            )));
        }
        let layers = std::slice::from_ref(layer);
        let values = in_parts(classifier, layers, pixels, |passed| {
            Ok(passed.features.concat())
        })?;
        Ok(Self { values, numbers })
    }

    /// Those of one image.
    pub fn row(&self, image: usize) -> &[f32] {
        &self.values[image * self.numbers..(image + 1) * self.numbers]
    }

    /// How many numbers there are of an image.
    pub fn numbers(&self) -> usize {
        self.numbers
    }
}

/// The layer whose value the logits are made of, or, where they are no affine function of one, the
/// last activation.
///
/// # Errors
/// [`Error::CannotAudit`] if there is neither.
pub fn last_hidden(classifier: &Classifier) -> Result<Layer, Error> {
    if let Some(layer) = logits_input(classifier)? {
        return Ok(layer);
    }
    let last = activations(classifier)?.into_iter().next();
    last.map(|hinge| hinge.after).ok_or_else(|| {
        let reason = "the model has no hidden layer that could be looked at";
        Error::CannotAudit(reason.to_owned())
    })
}
