//! The gradient of a weighted sum of logits to the images.

use gifthorse_engine::{Array, Classifier, Tensor};

use crate::error::Error;

/// One forward and backward pass over a batch of images.
pub struct LogitGradient {
    /// `[images, classes]`.
    pub logits: Vec<f32>,
    /// Gradient to each image of its weights times its logits, `[images, channels, height, width]`;
    /// zero where the model cuts its output off from its input.
    pub gradient: Vec<f32>,
}

impl LogitGradient {
    /// Shows the model `pixels`, `[images, channels, height, width]` in [0, 1]. `weights` gives a
    /// weight for each logit, `[images, classes]`, when the logits are known: with the derivative
    /// of a loss by the logits, the gradient is that of the loss.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn at(
        classifier: &Classifier,
        pixels: &[f32],
        weights: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Result<Self, Error> {
        let [channels, height, width] = classifier.shape();
        let images = pixels.len() / (channels * height * width).max(1);
        let device = classifier.device();
        let shape = [images, channels, height, width];
        let input: Tensor<4> = Array::from_vec(pixels.to_vec(), &shape, device).into_tensor();
        let input = input.autodiff().require_grad();
        let tracked = classifier.logits(input.clone())?;
        let logits = Array::from_tensor(tracked.clone().inner()).into_vec();
        let weights = weights(&logits);
        let nothing = || vec![0.0; pixels.len()];
        if !tracked.is_tracked() {
            let gradient = nothing();
            return Ok(Self { logits, gradient });
        }
        let shape = [images, classifier.classes()];
        let weights: Tensor<2> = Array::from_vec(weights, &shape, device).into_tensor();
        let mut gradients = tracked.mul(weights.autodiff()).sum().backward();
        let gradient = input
            .grad_remove(&mut gradients)
            .map_or_else(nothing, |gradient| Array::from_tensor(gradient).into_vec());
        Ok(Self { logits, gradient })
    }
}
