//! Helpers of the triggers' tests.

use gifthorse_data::ImageShape;
use rand_chacha::ChaCha8Rng;

use crate::random::Purpose;
use crate::trigger::{Trigger, TriggerError};

pub fn rng(image: usize) -> ChaCha8Rng {
    Purpose::Stamp { image }.rng(0)
}

pub fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape {
        channels,
        height,
        width,
    }
}

pub fn black(shape: ImageShape) -> Vec<f32> {
    vec![0.0; shape.values()]
}

/// The image with the trigger on it.
pub fn stamped(trigger: &dyn Trigger, shape: ImageShape, image: &[f32]) -> Vec<f32> {
    let mut image = image.to_vec();
    trigger.apply(&mut image, shape, &mut rng(0)).unwrap();
    image
}

pub fn refusal(trigger: &dyn Trigger, shape: ImageShape) -> TriggerError {
    trigger.fit(shape).unwrap_err()
}

/// Rows and columns at which any channel differs.
pub fn changed(shape: ImageShape, before: &[f32], after: &[f32]) -> Vec<(usize, usize)> {
    let plane = shape.height * shape.width;
    let differs =
        |i: usize| (0..shape.channels).any(|c| before[c * plane + i] != after[c * plane + i]);
    (0..plane)
        .filter(|&i| differs(i))
        .map(|i| (i / shape.width, i % shape.width))
        .collect()
}
