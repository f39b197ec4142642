//! Triggers: what an attacker puts on an image to make a backdoored model answer.
//!
//! A trigger lives in image space: it changes `[0, 1]` pixels before any preprocessing.

mod square;

use gifthorse_data::{ImageShape, Images};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::random::Purpose;

pub use square::{Corner, Place, Square};

/// A change to images that a backdoor answers to.
pub trait Trigger: Send + Sync {
    /// Puts the trigger on one image, `[channels, height, width]` in `[0, 1]`, which stays there.
    /// What it leaves to chance, such as its place, is drawn from `rng`.
    ///
    /// # Errors
    /// [`TriggerError`] if the trigger does not fit such images, or `image` is not of that shape.
    fn apply(
        &self,
        image: &mut [f32],
        shape: ImageShape,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), TriggerError>;
}

/// Any of the triggers, as plain data that can be written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnyTrigger {
    /// A square of one colour.
    Square(Square),
}

impl Trigger for AnyTrigger {
    fn apply(
        &self,
        image: &mut [f32],
        shape: ImageShape,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), TriggerError> {
        match self {
            Self::Square(square) => square.apply(image, shape, rng),
        }
    }
}

/// The same images with the trigger on each; labels and names stay. What the trigger leaves to chance
/// depends on the seed and the image's index.
///
/// # Errors
/// [`Error::Trigger`] if the trigger does not fit.
pub fn stamp(images: &Images, trigger: &dyn Trigger, seed: u64) -> Result<Images, Error> {
    let shape = images.shape();
    let mut pixels = images.pixels().to_vec();
    for (index, image) in pixels.chunks_exact_mut(shape.values()).enumerate() {
        let mut rng = Purpose::Stamp { image: index }.rng(seed);
        trigger.apply(image, shape, &mut rng)?;
    }
    Ok(Images::new(
        shape,
        pixels,
        images.labels().map(<[usize]>::to_vec),
        images.class_names().to_vec(),
        images.names().to_vec(),
    )?)
}

/// The trigger on an image of middle grey, `[channels, height, width]`, to be looked at.
///
/// # Errors
/// [`TriggerError`] if the trigger does not fit such images.
pub fn on_grey(trigger: &dyn Trigger, shape: ImageShape) -> Result<Vec<f32>, TriggerError> {
    let mut image = vec![0.5; shape.values()];
    trigger.apply(&mut image, shape, &mut Purpose::Stamp { image: 0 }.rng(0))?;
    Ok(image)
}

/// Why a trigger cannot be put on an image.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TriggerError {
    /// It reaches over the edge.
    #[error(
        "a square of {size} pixels at row {row}, column {column} does not fit into {height}x{width} pixels; \
         make it smaller or place it elsewhere"
    )]
    OutOfImage {
        /// Width and height of the square.
        size: usize,
        /// Its first row; negative where it starts above the image.
        row: i64,
        /// Its first column; negative where it starts left of the image.
        column: i64,
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
    },
    /// It has no pixels.
    #[error("a trigger of no pixels changes nothing; give it a size of at least 1")]
    Empty,
    /// Its colour is not one of these images.
    #[error("the colour {colour:?} is not {channels} value(s) between 0 and 1")]
    Colour {
        /// The colour.
        colour: Vec<f32>,
        /// Channels of the images.
        channels: usize,
    },
    /// The pixels handed over are not one image.
    #[error("{found} values are not an image of shape {shape}")]
    NotAnImage {
        /// Number of values.
        found: usize,
        /// The shape that they should have.
        shape: ImageShape,
    },
}
