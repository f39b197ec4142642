//! An image that a model takes for a class, searched from noise.

use gifthorse_engine::Classifier;
use rand::RngExt;

use super::super::gradient::slope;
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
    let margins = |rows: &[f32]| {
        let mut weights = vec![0.0; rows.len()];
        let classes = classifier.classes();
        let pairs = rows
            .chunks_exact(classes)
            .zip(weights.chunks_exact_mut(classes));
        for (row, weights) in pairs {
            weights[class] = 1.0;
            weights[rival(row, class)] -= 1.0;
        }
        weights
    };
    let forward = |images| classifier.logits(images);
    Ok(slope(classifier, pixels, forward, margins)?.pixels)
}

/// The largest other class.
fn rival(row: &[f32], class: usize) -> usize {
    let others = (0..row.len()).filter(|other| *other != class);
    others
        .max_by(|a, b| row[*a].total_cmp(&row[*b]))
        .unwrap_or(class)
}
