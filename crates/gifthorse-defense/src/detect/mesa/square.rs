//! Squares that are stamped over images, each at a place of its own.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::trigger::Patch;

/// Images of a shape, and squares with so many pixels a side.
#[derive(Clone, Copy, Debug)]
pub struct Squares {
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Height and width of a square, no more than those of the images.
    pub side: usize,
}

/// Row and column of a square's first pixel.
pub type Place = [usize; 2];

impl Squares {
    /// Values of a square.
    pub fn values(&self) -> usize {
        self.shape[0] * self.side * self.side
    }

    /// A place for each of so many images, all equally likely.
    pub fn places(&self, count: usize, random: &mut ChaCha8Rng) -> Vec<Place> {
        let [_, height, width] = self.shape;
        let mut first = |length: usize| random.random_range(0..=length - self.side);
        (0..count).map(|_| [first(height), first(width)]).collect()
    }

    /// Images `[batch, channels, height, width]` with the squares `[batch, channels, side, side]`
    /// over them.
    pub fn stamp(&self, images: &[f32], squares: &[f32], places: &[Place]) -> Vec<f32> {
        let mut stamped = images.to_vec();
        let size: usize = self.shape.iter().product();
        let each = stamped.chunks_exact_mut(size);
        let squares = squares.chunks_exact(self.values());
        for ((image, square), &place) in each.zip(squares).zip(places) {
            for (value, at) in square.iter().zip(self.pixels(place)) {
                image[at] = *value;
            }
        }
        stamped
    }

    /// Of numbers for each value of images, those for the values of their squares.
    pub fn under(&self, numbers: &[f32], places: &[Place]) -> Vec<f32> {
        let size: usize = self.shape.iter().product();
        let images = numbers.chunks_exact(size).zip(places);
        let under = images.flat_map(|(image, &place)| self.pixels(place).map(|at| image[at]));
        under.collect()
    }

    /// One square at one place, as a trigger is stored.
    pub fn patch(&self, square: &[f32], place: Place) -> Patch {
        let [channels, height, width] = self.shape;
        let empty = vec![0.0; channels * height * width];
        let pattern = self.stamp(&empty, square, &[place]);
        let of_mask = Self {
            shape: [1, height, width],
            ..*self
        };
        let full = vec![1.0; self.side * self.side];
        let mask = of_mask.stamp(&empty[..height * width], &full, &[place]);
        Patch::quantised(&mask, &pattern)
    }

    /// Places of a square's values in its image.
    fn pixels(self, [top, left]: Place) -> impl Iterator<Item = usize> {
        let [channels, height, width] = self.shape;
        let side = self.side;
        (0..channels).flat_map(move |channel| {
            (0..side).flat_map(move |row| {
                let first = (channel * height + top + row) * width + left;
                first..first + side
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARES: Squares = Squares {
        shape: [2, 2, 3],
        side: 2,
    };

    #[test]
    fn a_square_covers_what_is_at_its_place_in_each_channel() {
        let image: Vec<f32> = (0..12).map(|value| value as f32 / 255.0).collect();
        let square = [0.8; 8];
        let stamped = SQUARES.stamp(&image, &square, &[[0, 1]]);
        for at in [1, 2, 4, 5, 7, 8, 10, 11] {
            assert_eq!(stamped[at], 0.8);
        }
        for at in [0, 3, 6, 9] {
            assert_eq!(stamped[at], image[at]);
        }
        let covered: Vec<f32> = [1, 2, 4, 5, 7, 8, 10, 11].map(|at| image[at]).to_vec();
        assert_eq!(SQUARES.under(&image, &[[0, 1]]), covered);
    }

    #[test]
    fn the_patch_of_a_square_stamps_as_the_square_does() {
        let square = [0.2, 0.4, 0.6, 0.8, 1.0, 0.0, 0.2, 0.4];
        let image = [0.6; 12];
        let patch = SQUARES.patch(&square, [0, 0]);
        assert_eq!(patch.mask, [1.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
        let stamped = SQUARES.stamp(&image, &square, &[[0, 0]]);
        let shape = SQUARES.shape;
        assert_eq!(
            crate::trigger::Trigger::Patch(patch).stamp(&image, shape),
            stamped
        );
    }
}
