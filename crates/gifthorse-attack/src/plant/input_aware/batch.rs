//! A batch some of whose images carry triggers, and the way back from these images to the triggers.

use gifthorse_data::ImageShape;

use super::loss::{apart, distance, through_blend};
use crate::trigger::{Rounding, blend};

/// Places in a batch.
#[derive(Debug)]
pub struct Stamped {
    /// Images that carry their own trigger.
    pub own: Vec<usize>,
    /// Images that carry that of another, and which.
    pub cross: Vec<(usize, usize)>,
}

/// The images of a batch and which of them are stamped.
pub struct Batch<'a> {
    pub images: &'a [f32],
    pub labels: &'a [usize],
    pub stamped: &'a Stamped,
    pub shape: ImageShape,
}

impl Batch<'_> {
    /// Places of the images that are stamped, in the order of their triggers.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        let cross = self.stamped.cross.iter().map(|(place, _)| *place);
        self.stamped.own.iter().copied().chain(cross)
    }

    /// Numbers of a trigger.
    fn row(&self) -> usize {
        self.shape.height * self.shape.width + self.shape.values()
    }

    /// All images and labels of the batch, stamped where they are to be.
    pub fn under(&self, triggers: &[f32], led: impl Fn(usize) -> usize) -> (Vec<f32>, Vec<usize>) {
        let (mut images, mut labels) = (self.images.to_vec(), self.labels.to_vec());
        let values = self.shape.values();
        for (place, trigger) in self.places().zip(triggers.chunks_exact(self.row())) {
            let image = &mut images[place * values..][..values];
            blend(trigger, image, Rounding::None);
        }
        for &place in &self.stamped.own {
            labels[place] = led(labels[place]);
        }
        (images, labels)
    }

    /// The gradient to triggers, of the loss whose gradient to the images under them is known and of
    /// the one that drives the patterns of two images apart: of the first half of the triggers
    /// each with one of the second. `sources` are the images that they were made of.
    pub fn to_triggers(
        &self,
        triggers: &[f32],
        sources: &[f32],
        to_images: &[f32],
        diversity: f64,
    ) -> Vec<f32> {
        let (row, values) = (self.row(), self.shape.values());
        let mut to = vec![0.0; triggers.len()];
        let rows = triggers.chunks_exact(row).zip(to.chunks_exact_mut(row));
        for (place, (trigger, to)) in self.places().zip(rows) {
            let of = |pixels: &'_ [f32]| pixels[place * values..][..values].to_vec();
            through_blend(trigger, &of(self.images), &of(to_images), to);
        }
        let pairs = triggers.len() / row / 2;
        let (first, second) = to.split_at_mut(pairs * row);
        for pair in 0..pairs {
            let image = |which: usize| &sources[which * values..][..values];
            let pattern = |which: usize| &triggers[(which + 1) * row - values..][..values];
            let between = distance(image(pair), image(pairs + pair));
            let made = [pattern(pair), pattern(pairs + pair)];
            let to = [&mut *first, &mut *second]
                .map(|to| &mut to[(pair + 1) * row - values..][..values]);
            apart(between, made, diversity / pairs as f64, to);
        }
        to
    }
}
