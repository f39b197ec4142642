//! Clean images of which a share carries a trigger, each with its true label.

use gifthorse_data::{ImageShape, Images};
use gifthorse_train::{Error, Samples};
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::KnownTrigger;

/// Images to unlearn triggers with. Which of them are stamped changes from epoch to epoch; no image
/// carries a trigger that leads to its own class.
pub(super) struct Stamped<'a> {
    pub images: &'a Images,
    pub triggers: &'a [KnownTrigger],
    /// The share that is stamped, in [0, 1].
    pub share: f64,
    pub seed: u64,
}

impl Samples for Stamped<'_> {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    fn classes(&self) -> usize {
        Samples::classes(self.images)
    }

    fn draw(&self, epoch: usize, index: usize, pixels: &mut [f32]) -> Result<usize, Error> {
        let label = Samples::draw(self.images, epoch, index, pixels)?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // Streams that begin with the bits 01 are free for callers of training.
        rng.set_stream((1 << 62) + ((epoch as u64) << 32) + index as u64);
        let ImageShape {
            channels,
            height,
            width,
        } = self.shape();
        let size = [channels, height, width];
        let fitting = self.triggers.iter().filter(|known| known.is_for(label));
        stamp(fitting, self.share, pixels, size, &mut rng);
        Ok(label)
    }
}

/// Stamps an image with one of the triggers that are for it, with this probability.
pub(super) fn stamp<'a>(
    fitting: impl Iterator<Item = &'a KnownTrigger>,
    share: f64,
    pixels: &mut [f32],
    size: [usize; 3],
    rng: &mut ChaCha8Rng,
) {
    if !rng.random_bool(share) {
        return;
    }
    if let Some(known) = fitting.choose(rng) {
        let stamped = known.trigger.stamp(pixels, size);
        pixels.copy_from_slice(&stamped);
    }
}
