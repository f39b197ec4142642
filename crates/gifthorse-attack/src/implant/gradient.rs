//! The gradient of what a model makes of images, to their pixels.

use gifthorse_engine::{Array, Classifier, Tensor};

use crate::Error;

/// What was made of images, a row for each, and the gradient to all of their pixels.
pub struct Slope {
    pub rows: Vec<f32>,
    pub pixels: Vec<f32>,
}

/// Runs images `[images, channels, height, width]` through `forward`, which makes a row of numbers
/// of each, and takes the gradient of the sum of these numbers times the weights that `weigh` gives
/// to all rows.
///
/// # Errors
/// What the engine refuses.
pub fn slope(
    classifier: &Classifier,
    pixels: &[f32],
    forward: impl FnOnce(Tensor<4>) -> Result<Tensor<2>, gifthorse_engine::Error>,
    weigh: impl FnOnce(&[f32]) -> Vec<f32>,
) -> Result<Slope, Error> {
    let [channels, height, width] = classifier.shape();
    let count = pixels.len() / (channels * height * width).max(1);
    let shape = [count, channels, height, width];
    let device = classifier.device();
    let images: Tensor<4> = Array::from_vec(pixels.to_vec(), &shape, device).into_tensor();
    let images = images.autodiff().require_grad();
    let tracked = forward(images.clone())?;
    let shape = tracked.dims();
    if !tracked.is_tracked() {
        return Ok(Slope {
            rows: Array::from_tensor(tracked).into_vec(),
            pixels: vec![0.0; pixels.len()],
        });
    }
    let rows = Array::from_tensor(tracked.clone().inner()).into_vec();
    let weights: Tensor<2> = Array::from_vec(weigh(&rows), &shape, device).into_tensor();
    let mut gradients = tracked.mul(weights.autodiff()).sum().backward();
    let gradient = images.grad_remove(&mut gradients);
    Ok(Slope {
        rows,
        pixels: gradient.map_or_else(
            || vec![0.0; pixels.len()],
            |gradient| Array::from_tensor(gradient).into_vec(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implant::test::{host, numbers};

    /// The gradient of the probability's logarithm, against nudged pixels.
    #[test]
    fn the_gradient_is_what_nudged_pixels_say() {
        let host = host();
        let classifier = host.classifier();
        let pixels: Vec<f32> = numbers(2 * 108, 7).iter().map(|it| it + 0.5).collect();
        let wanted = [3, 1];
        let shares = |row: &[f32]| -> Vec<f32> {
            let sum: f32 = row.iter().map(|logit| logit.exp()).sum();
            row.iter().map(|logit| logit.exp() / sum).collect()
        };
        let value = |pixels: &[f32]| -> f64 {
            let rows = classifier.evaluate(pixels).unwrap();
            let rows = rows.chunks_exact(5).zip(wanted);
            rows.map(|(row, class)| f64::from(shares(row)[class]).ln())
                .sum()
        };
        let made = slope(
            classifier,
            &pixels,
            |images| classifier.logits(images),
            |rows| {
                let rows = rows.chunks_exact(5).zip(wanted);
                rows.flat_map(|(row, wanted)| {
                    let mut weights = shares(row);
                    weights.iter_mut().for_each(|share| *share = -*share);
                    weights[wanted] += 1.0;
                    weights
                })
                .collect()
            },
        )
        .unwrap();
        assert_eq!(made.rows, classifier.evaluate(&pixels).unwrap());
        for at in (0..pixels.len()).step_by(17) {
            let nudged = |by: f32| {
                let mut pixels = pixels.clone();
                pixels[at] += by;
                value(&pixels)
            };
            let expected = (nudged(0.05) - nudged(-0.05)) / 0.1;
            let found = f64::from(made.pixels[at]);
            assert!((found - expected).abs() < 2e-4, "{at}: {found} {expected}");
        }
    }
}
