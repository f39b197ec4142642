//! Moves images until a dormant unit wakes. Behind the function that is flat there is no gradient,
//! before it there is one.

use gifthorse_engine::{Array, Classifier, Head, Tensor, alone};
use rayon::prelude::*;

use super::census::inner;
use crate::error::Error;

/// Updates of an image.
pub const UPDATES: usize = 12;
/// How far the pixels with the largest gradients are moved in an update.
const STEP: f32 = 0.25;
/// Pixels whose gradient is at least this part of the largest are moved as far as that one: what a
/// unit sees of an image is moved, and the rest of it left as it is, more or less.
const FULL: f32 = 0.5;
/// Images that are moved together.
const BATCH: usize = 16;

/// A unit to wake on an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// The channel of the layer.
    pub channel: usize,
    /// 1 if its value has to rise, -1 if it has to fall.
    pub sign: f32,
}

/// Moves images, row-major `[images, channels, height, width]` in [0, 1], so that a unit of the
/// head's layer rises or falls in each of them; gives the moved images.
///
/// # Errors
/// What the engine refuses.
pub fn wake(
    classifier: &Classifier,
    head: &Head,
    images: &[f32],
    calls: &[Call],
) -> Result<Vec<f32>, Error> {
    let size: usize = classifier.shape().iter().product();
    let parts = images.par_chunks(BATCH * size).zip(calls.par_chunks(BATCH));
    let moved: Result<Vec<Vec<f32>>, Error> = parts
        .map(|(images, calls)| alone(|| climb(classifier, head, images.to_vec(), calls)))
        .collect();
    Ok(moved?.concat())
}

fn climb(
    classifier: &Classifier,
    head: &Head,
    mut images: Vec<f32>,
    calls: &[Call],
) -> Result<Vec<f32>, Error> {
    let size = images.len() / calls.len().max(1);
    for _ in 0..UPDATES {
        let Some(gradient) = gradient(classifier, head, &images, calls)? else {
            break;
        };
        let pairs = images
            .chunks_exact_mut(size)
            .zip(gradient.chunks_exact(size));
        pairs.for_each(|(image, gradient)| step(image, gradient));
    }
    Ok(images)
}

/// The gradient to each image of its unit's value where that is furthest on its way; `None` if the
/// layer has none.
fn gradient(
    classifier: &Classifier,
    head: &Head,
    images: &[f32],
    calls: &[Call],
) -> Result<Option<Vec<f32>>, Error> {
    let [channels, height, width] = classifier.shape();
    let shape = [calls.len(), channels, height, width];
    let device = classifier.device();
    let images: Tensor<4> = Array::from_vec(images.to_vec(), &shape, device).into_tensor();
    let images = images.autodiff().require_grad();
    let value = head.features(images.clone())?;
    let numbers = value.shape().iter().product();
    let value: Tensor<1> = value.reshape(&[numbers]).into_tensor();
    if !value.is_tracked() {
        return Ok(None);
    }
    let values = Array::from_tensor(value.clone().without_autodiff()).into_vec();
    let mut weights = vec![0.0; numbers];
    let row = numbers / calls.len().max(1);
    for (at, call) in calls.iter().enumerate() {
        let best = furthest(head, &values[at * row..(at + 1) * row], *call);
        weights[at * row + best] = call.sign;
    }
    let weights: Tensor<1> = Array::from_vec(weights, &[numbers], device).into_tensor();
    let mut gradients = value.mul(weights.autodiff()).sum().backward();
    let gradient = images.grad_remove(&mut gradients);
    Ok(gradient.map(|gradient| Array::from_tensor(gradient).into_vec()))
}

/// The place in an image's row of a layer where a channel is furthest in the direction of the call.
fn furthest(head: &Head, row: &[f32], call: Call) -> usize {
    let (inner, channels) = (inner(head.layer()), head.layer().channels());
    let mut best = call.channel * inner;
    for start in (call.channel * inner..row.len()).step_by(inner * channels) {
        for at in start..start + inner {
            if call.sign * row[at] > call.sign * row[best] {
                best = at;
            }
        }
    }
    best
}

/// Moves an image along its gradient, within [0, 1].
fn step(image: &mut [f32], gradient: &[f32]) {
    let can_move = |x: f32, g: f32| g.is_finite() && if g > 0.0 { x < 1.0 } else { x > 0.0 };
    let movable = image
        .iter()
        .zip(gradient)
        .filter(|(x, g)| can_move(**x, **g));
    let largest = movable.map(|(_, g)| g.abs()).fold(0.0, f32::max);
    if largest <= 0.0 {
        return;
    }
    for (x, &g) in image.iter_mut().zip(gradient) {
        if can_move(*x, g) {
            *x = (*x + STEP * (g / (FULL * largest)).clamp(-1.0, 1.0)).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_moves_what_counts_and_stays_in_range() {
        let mut image = [0.5, 0.5, 0.5, 0.9, 1.0, 0.5];
        step(&mut image, &[2.0, -1.0, 0.1, 2.0, 50.0, f32::NAN]);
        assert_eq!(image, [0.75, 0.25, 0.525, 1.0, 1.0, 0.5]);
        step(&mut image, &[0.0; 6]);
        assert_eq!(image, [0.75, 0.25, 0.525, 1.0, 1.0, 0.5]);
    }
}
