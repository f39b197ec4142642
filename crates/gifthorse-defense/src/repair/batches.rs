//! Images in batches, in an order that changes from pass to pass.

use gifthorse_data::Images;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Some labelled images.
pub(super) struct Batch {
    /// `[images, channels, height, width]`, row-major in [0, 1].
    pub pixels: Vec<f32>,
    pub labels: Vec<usize>,
}

impl Batch {
    /// Those at these places.
    pub(super) fn of(images: &Images, labels: &[usize], places: &[usize]) -> Self {
        let pixels = places.iter().flat_map(|&place| images.image(place));
        Self {
            pixels: pixels.copied().collect(),
            labels: places.iter().map(|&place| labels[place]).collect(),
        }
    }
}

/// The places of so many images in batches of one size, again and again: each pass in an order of
/// its own, in which what is left over at its end waits for the next.
pub(super) struct Batches {
    order: Vec<usize>,
    at: usize,
    size: usize,
    rng: ChaCha8Rng,
}

impl Batches {
    /// Batches of at most so many images.
    pub(super) fn new(images: usize, size: usize, seed: u64) -> Self {
        Self {
            order: (0..images).collect(),
            at: images,
            size: size.min(images),
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Goes on as if so many had been drawn.
    pub(super) fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.draw();
        }
    }

    /// How many a pass has.
    pub(super) fn of_a_pass(&self) -> usize {
        (self.order.len() / self.size.max(1)).max(1)
    }

    /// The places of the next.
    pub(super) fn draw(&mut self) -> Vec<usize> {
        if self.at + self.size > self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.at = 0;
        }
        self.at += self.size;
        self.order[self.at - self.size..self.at].to_vec()
    }
}
