//! Small random changes to each image, so that a network sees it a little different in every epoch.

use gifthorse_data::ImageShape;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::Samples;
use crate::random::Purpose;

/// How images are changed each time that they are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Pixels by which an image is moved at most, up or down and left or right, as by a random crop
    /// of the image in a black frame of this width; fewer than the image has either way.
    pub crop: usize,
    /// Whether half of the images are mirrored, left to right.
    pub flip: bool,
}

/// Samples, augmented. What happens to a sample depends on the seed, the epoch and its index alone.
#[derive(Debug, Clone, Copy)]
pub struct Augmented<S> {
    samples: S,
    augment: Augment,
    seed: u64,
}

impl<'a> Augmented<&'a dyn Samples> {
    /// Augments samples; the seed settles how.
    pub fn new(samples: &'a dyn Samples, augment: Augment, seed: u64) -> Self {
        Self {
            samples,
            augment,
            seed,
        }
    }
}

impl Samples for Augmented<&dyn Samples> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn shape(&self) -> ImageShape {
        self.samples.shape()
    }

    fn classes(&self) -> usize {
        self.samples.classes()
    }

    fn draw(&self, epoch: usize, index: usize, pixels: &mut [f32]) -> Result<usize, Error> {
        let label = self.samples.draw(epoch, index, pixels)?;
        let mut rng = Purpose::Augment {
            epoch,
            sample: index,
        }
        .rng(self.seed);
        let Augment { crop, flip } = self.augment;
        let shape = self.samples.shape();
        if crop > 0 {
            let down = rng.random_range(0..=2 * crop) as isize - crop as isize;
            let right = rng.random_range(0..=2 * crop) as isize - crop as isize;
            shift(pixels, shape, down, right);
        }
        if flip && rng.random() {
            pixels
                .chunks_exact_mut(shape.width)
                .for_each(<[f32]>::reverse);
        }
        Ok(label)
    }
}

/// Moves an image, `[channels, height, width]`; what comes in is black.
fn shift(pixels: &mut [f32], shape: ImageShape, down: isize, right: isize) {
    let before = pixels.to_vec();
    let planes = before.chunks_exact(shape.height * shape.width);
    let moved = pixels.chunks_exact_mut(shape.height * shape.width);
    for (from, to) in planes.zip(moved) {
        for (row, to) in to.chunks_exact_mut(shape.width).enumerate() {
            to.fill(0.0);
            let Some(source) = row.checked_add_signed(-down).filter(|&r| r < shape.height) else {
                continue;
            };
            let from = &from[source * shape.width..][..shape.width];
            let by = right.unsigned_abs().min(shape.width);
            if right >= 0 {
                to[by..].copy_from_slice(&from[..shape.width - by]);
            } else {
                to[..shape.width - by].copy_from_slice(&from[by..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gifthorse_data::Images;

    const SHAPE: ImageShape = ImageShape {
        channels: 3,
        height: 5,
        width: 4,
    };

    fn images(count: usize) -> Images {
        let pixels = (1..=count * SHAPE.values())
            .map(|i| i as f32 / (count * SHAPE.values()) as f32)
            .collect();
        let names = (0..count).map(|i| i.to_string()).collect();
        Images::new(SHAPE, pixels, Some(vec![1; count]), Vec::new(), names).unwrap()
    }

    fn draw(samples: &dyn Samples, epoch: usize, index: usize) -> Vec<f32> {
        let mut pixels = vec![f32::NAN; SHAPE.values()];
        assert_eq!(samples.draw(epoch, index, &mut pixels).unwrap(), 1);
        pixels
    }

    #[test]
    fn a_shift_moves_rows_and_columns_and_lets_black_in() {
        let image: Vec<f32> = images(1).pixels().to_vec();
        for (down, right) in [(0, 0), (2, 0), (-1, 3), (4, -2), (-5, 0), (0, 9), (-7, -9)] {
            let mut moved = image.clone();
            shift(&mut moved, SHAPE, down, right);
            for (at, &value) in moved.iter().enumerate() {
                let (channel, row, column) = (at / 20, at % 20 / 4, at % 4);
                let (row, column) = (row as isize - down, column as isize - right);
                let inside = (0..5).contains(&row) && (0..4).contains(&column);
                let expected = if inside {
                    image[channel * 20 + row as usize * 4 + column as usize]
                } else {
                    0.0
                };
                assert_eq!(value, expected, "{down} {right} {at}");
            }
        }
    }

    #[test]
    fn half_of_the_images_are_mirrored() {
        let images = images(100);
        let flip = Augment {
            crop: 0,
            flip: true,
        };
        let augmented = Augmented::new(&images, flip, 3);
        let mut mirrored = 0;
        for index in 0..100 {
            let (before, after) = (images.image(index), draw(&augmented, 0, index));
            let mirror: Vec<f32> = before
                .chunks_exact(4)
                .flat_map(|row| row.iter().rev().copied())
                .collect();
            assert!(after == before || after == mirror);
            mirrored += usize::from(after == mirror);
        }
        assert!((30..=70).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn what_happens_depends_on_seed_epoch_and_index_alone() {
        let images = images(50);
        let both = Augment {
            crop: 2,
            flip: true,
        };
        let all = |seed, epoch| -> Vec<Vec<f32>> {
            let augmented = Augmented::new(&images, both, seed);
            (0..50)
                .map(|index| draw(&augmented, epoch, index))
                .collect()
        };
        assert_eq!(all(1, 0), all(1, 0));
        assert_ne!(all(1, 0), all(1, 1));
        assert_ne!(all(1, 0), all(2, 0));
        let none = Augmented::new(&images, Augment::default(), 1);
        assert_eq!(draw(&none, 0, 7), images.image(7));
    }
}
