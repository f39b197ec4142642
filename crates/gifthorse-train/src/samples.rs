//! Where training images come from.

use gifthorse_data::{ImageShape, Images};

use crate::Error;

/// Labelled images that may look different each time they are drawn: augmented, or poisoned on the
/// fly.
///
/// What is drawn depends on the epoch, the index and the source's own seed alone, so that it does
/// not matter which thread draws it or when.
pub trait Samples: Sync {
    /// Number of images in an epoch.
    fn len(&self) -> usize;

    /// Whether there is no image.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of each image.
    fn shape(&self) -> ImageShape;

    /// Number of classes that the labels need: one more than the largest.
    fn classes(&self) -> usize;

    /// Writes image `index` as it looks in `epoch`, counted from 0, to `pixels`, `[channels,
    /// height, width]` in `[0, 1]`, and gives its label.
    ///
    /// # Errors
    /// What cannot be done to the image, such as a trigger that does not fit.
    fn draw(&self, epoch: usize, index: usize, pixels: &mut [f32]) -> Result<usize, Error>;
}

/// Images as they are, the same in every epoch.
impl Samples for Images {
    fn len(&self) -> usize {
        self.len()
    }

    fn shape(&self) -> ImageShape {
        self.shape()
    }

    fn classes(&self) -> usize {
        let labels = self.labels().unwrap_or_default();
        labels.iter().max().map_or(0, |largest| largest + 1)
    }

    /// # Errors
    /// [`Error::Images`] without labels.
    fn draw(&self, _: usize, index: usize, pixels: &mut [f32]) -> Result<usize, Error> {
        let Some(labels) = self.labels() else {
            return Err(Error::Images("they have no labels".to_owned()));
        };
        pixels.copy_from_slice(self.image(index));
        Ok(labels[index])
    }
}
