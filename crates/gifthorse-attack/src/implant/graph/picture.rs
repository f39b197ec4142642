//! An image that a model takes for a class, searched from noise.

use gifthorse_engine::{Array, Classifier, Tensor};
use rand::RngExt;

use crate::Error;
use crate::random::Purpose;

/// Images that are moved at a time: one begins as grey, the others as noise.
const STARTS: usize = 8;
/// Steps of each.
const STEPS: usize = 100;
/// The first and the last step of a pixel, as shares of its range.
const FIRST: f32 = 0.05;
const LAST: f32 = 0.005;

/// Moves grey and noise along the sign of the gradient until one is the class's by the widest
/// margin, and rounds it to bytes.
///
/// # Errors
/// [`Error::Implant`] if none is led to the class.
pub fn image_of(classifier: &Classifier, class: usize, seed: u64) -> Result<Vec<f32>, Error> {
    let size: usize = classifier.shape().iter().product();
    let mut rng = Purpose::Picture.rng(seed);
    let mut pixels: Vec<f32> = (0..STARTS * size)
        .map(|at| {
            if at < size {
                0.5
            } else {
                rng.random_range(0.0..1.0)
            }
        })
        .collect();
    for step in 0..STEPS {
        let far = FIRST * (LAST / FIRST).powf(step as f32 / STEPS as f32);
        let gradient = ascent(classifier, &pixels, class)?;
        for (pixel, slope) in pixels.iter_mut().zip(&gradient) {
            if *slope != 0.0 {
                *pixel = (*pixel + far * slope.signum()).clamp(0.0, 1.0);
            }
        }
    }
    for pixel in &mut pixels {
        *pixel = (*pixel * 255.0).round() / 255.0;
    }
    let logits = classifier.evaluate(&pixels)?;
    let best = (logits.chunks_exact(classifier.classes()).enumerate())
        .map(|(start, row)| (start, row[class] - row[rival(row, class)]))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    match best {
        Some((start, margin)) if margin > 0.0 => {
            Ok(pixels[start * size..(start + 1) * size].to_vec())
        }
        _ => Err(Error::Implant(format!(
            "no image of class {class} was found by its gradients, to be put in place of others: take another path, such as \
             `separate`"
        ))),
    }
}

/// The gradient to each image of the class's logit less the largest other one.
fn ascent(classifier: &Classifier, pixels: &[f32], class: usize) -> Result<Vec<f32>, Error> {
    let [channels, height, width] = classifier.shape();
    let shape = [STARTS, channels, height, width];
    let device = classifier.device();
    let images: Tensor<4> = Array::from_vec(pixels.to_vec(), &shape, device).into_tensor();
    let images = images.autodiff().require_grad();
    let tracked = classifier.logits(images.clone())?;
    if !tracked.is_tracked() {
        return Ok(vec![0.0; pixels.len()]);
    }
    let logits = Array::from_tensor(tracked.clone().inner()).into_vec();
    let mut weights = vec![0.0; logits.len()];
    for (row, weights) in (logits.chunks_exact(classifier.classes()))
        .zip(weights.chunks_exact_mut(classifier.classes()))
    {
        weights[class] = 1.0;
        weights[rival(row, class)] -= 1.0;
    }
    let weights = Array::from_vec(weights, &[STARTS, classifier.classes()], device);
    let weights: Tensor<2> = weights.into_tensor();
    let mut gradients = tracked.mul(weights.autodiff()).sum().backward();
    let gradient = images.grad_remove(&mut gradients);
    Ok(gradient.map_or_else(
        || vec![0.0; pixels.len()],
        |gradient| Array::from_tensor(gradient).into_vec(),
    ))
}

/// The largest other class.
fn rival(row: &[f32], class: usize) -> usize {
    let others = (0..row.len()).filter(|other| *other != class);
    others
        .max_by(|a, b| row[*a].total_cmp(&row[*b]))
        .unwrap_or(class)
}
