//! Clean images that waking begins at.

use gifthorse_data::{Images, balanced_sample};
use gifthorse_engine::{Classifier, Layer};

use super::waking::{Call, wake};
use crate::error::Error;

/// How many.
const COUNT: usize = 24;

/// A draw of clean images, the first two with different answers if there are such.
pub struct Starts<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// Row-major `[images, channels, height, width]`.
    pub pixels: Vec<f32>,
    /// The model's answers.
    pub answers: Vec<usize>,
}

impl<'a> Starts<'a> {
    /// Draws them, as evenly over the classes as the labels allow.
    ///
    /// # Errors
    /// [`Error::NoImages`] where there are none; what the engine refuses.
    pub fn draw(classifier: &'a Classifier, images: &Images, seed: u64) -> Result<Self, Error> {
        let labels = images.labels();
        let labels = labels.map_or_else(|| vec![0; images.len()], <[usize]>::to_vec);
        let mut drawn = balanced_sample(&labels, COUNT, seed);
        let pixels = |drawn: &[usize]| -> Vec<f32> {
            let rows = drawn.iter().flat_map(|&at| images.image(at));
            rows.copied().collect()
        };
        let mut answers = classifier.predict(&pixels(&drawn))?;
        let Some(&first) = answers.first() else {
            return Err(Error::NoImages(0));
        };
        if let Some(other) = answers.iter().position(|&answer| answer != first) {
            drawn.swap(1, other);
            answers.swap(1, other);
        }
        Ok(Self {
            classifier,
            pixels: pixels(&drawn),
            answers,
        })
    }

    /// Moves the first `count` images for each unit of a layer, until it wakes: for each unit its
    /// moved images.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn wake(
        &self,
        layer: &Layer,
        calls: &[Call],
        count: usize,
    ) -> Result<Vec<Vec<f32>>, Error> {
        let head = self.classifier.head(layer)?;
        let images = self.first(count);
        let count = count.min(self.answers.len());
        let each: Vec<Call> = calls.iter().flat_map(|&call| vec![call; count]).collect();
        let moved = wake(self.classifier, &head, &images.repeat(calls.len()), &each)?;
        Ok(moved
            .chunks_exact(images.len())
            .map(<[f32]>::to_vec)
            .collect())
    }

    /// All images, moved so far (0 to 1) towards what they were moved to.
    pub fn towards(&self, moved: &[f32], far: f32) -> Vec<f32> {
        let pairs = self.pixels.iter().zip(moved);
        pairs.map(|(from, to)| from + far * (to - from)).collect()
    }

    /// The first so many images.
    pub fn first(&self, count: usize) -> &[f32] {
        let size: usize = self.classifier.shape().iter().product();
        &self.pixels[..(count.min(self.answers.len()) * size)]
    }
}
