//! A generated, traffic-sign-like image set: labelled data without a download.
//!
//! Twelve classes differ by shape, colour and glyph, and no one of the three names a class. Place,
//! size, turn, light, blur, noise and background vary from image to image, so that a small
//! convolutional net has something to learn and a linear model or a colour histogram does not get
//! far. Pixels are multiples of 1/255, as those of image files are.

mod background;
mod camera;
mod canvas;
mod classes;
mod glyphs;
mod pose;
mod shapes;
mod sign;
#[cfg(test)]
mod tests;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Error, ImageShape, Images};
use classes::{CLASSES, SignClass};

/// Smaller signs have glyphs of two or three pixels that nobody could tell apart.
const SMALLEST_SIZE: usize = 16;

/// The most pixel values that one set may hold: 4 GiB of f32.
const MOST_VALUES: usize = 1 << 30;

/// What set of signs to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignOptions {
    /// Number of images. Classes come equally often, or one apart where 12 does not divide the
    /// number.
    pub count: usize,
    /// Same seed, same bytes, whatever the number of threads. Take different seeds for training and
    /// test sets.
    pub seed: u64,
    /// Width and height in pixels, at least 16.
    pub size: usize,
    /// 3 (red, green, blue) or 1 (grey).
    pub channels: usize,
}

impl Default for SignOptions {
    /// 6,000 RGB images of 32x32 pixels.
    fn default() -> Self {
        Self {
            count: 6000,
            seed: 0,
            size: 32,
            channels: 3,
        }
    }
}

/// Why a set of signs cannot be generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The images would be too small to tell glyphs apart.
    #[error(
        "signs of {0}x{0} pixels cannot be told apart; take a size of at least {SMALLEST_SIZE}"
    )]
    TooSmall(usize),
    /// Neither grey nor RGB.
    #[error("signs have 1 (grey) or 3 (RGB) channels, not {0}")]
    Channels(usize),
    /// The set would take more memory than is sensible for generated data.
    #[error(
        "{count} images of {size}x{size} pixels hold more than {MOST_VALUES} values; take fewer or smaller images"
    )]
    TooLarge {
        /// Images asked for.
        count: usize,
        /// Width and height asked for.
        size: usize,
    },
    /// The parts did not make an image set.
    #[error(transparent)]
    Images(#[from] Error),
}

/// Generates labelled sign images: `[count, channels, size, size]`, pixels in `[0, 1]` that are
/// multiples of 1/255, classes balanced and in shuffled order, class names in plain words.
///
/// Image `i` depends on the seed, `i`, its label, `size` and `channels` alone.
///
/// # Errors
/// [`SignError`] if the size is below 16, there are neither 1 nor 3 channels, or the set would hold
/// more than 2^30 pixel values.
pub fn signs(options: &SignOptions) -> Result<Images, SignError> {
    let &SignOptions {
        count,
        seed,
        size,
        channels,
    } = options;
    if size < SMALLEST_SIZE {
        return Err(SignError::TooSmall(size));
    }
    if !matches!(channels, 1 | 3) {
        return Err(SignError::Channels(channels));
    }
    let shape = ImageShape {
        channels,
        height: size,
        width: size,
    };
    let values = shape.values().saturating_mul(count);
    if values > MOST_VALUES {
        return Err(SignError::TooLarge { count, size });
    }

    let labels = shuffled_labels(count, seed);
    let mut pixels = vec![0.0; values];
    pixels
        .par_chunks_exact_mut(shape.values())
        .zip(&labels)
        .enumerate()
        .for_each(|(index, (image, &label))| {
            let stream = index as u64 + 1;
            render(image, &CLASSES[label], size, &mut stream_of(seed, stream));
        });
    let class_names = CLASSES.iter().map(|class| class.name.to_owned()).collect();
    let names = (0..count).map(|index| format!("sign-{index:05}")).collect();
    Ok(Images::new(
        shape,
        pixels,
        Some(labels),
        class_names,
        names,
    )?)
}

/// Random numbers of one purpose: stream 0 is the order of labels, stream `i + 1` is image `i`.
fn stream_of(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

fn shuffled_labels(count: usize, seed: u64) -> Vec<usize> {
    let mut labels: Vec<usize> = (0..count).map(|index| index % CLASSES.len()).collect();
    labels.shuffle(&mut stream_of(seed, 0));
    labels
}

/// Renders a sign of `class` into `image`, `[channels, size, size]`.
fn render(image: &mut [f32], class: &SignClass, size: usize, rng: &mut ChaCha8Rng) {
    let mut canvas = background::scene(size, rng);
    sign::paint_sign(&mut canvas, class, rng);
    camera::light(&mut canvas, rng);
    camera::blur(&mut canvas, rng);
    camera::expose(&canvas, image, rng);
}
