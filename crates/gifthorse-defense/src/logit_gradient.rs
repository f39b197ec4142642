//! The gradient of a weighted sum of logits to what they are computed from.

use gifthorse_engine::{Array, Classifier, Device, Tail, Tensor};

use crate::error::Error;

/// One forward and backward pass over a batch of images, or of what a layer gives for them.
pub struct LogitGradient {
    /// `[images, classes]`.
    pub logits: Vec<f32>,
    /// Gradient to each image of its weights times its logits, `[images, channels, height, width]`,
    /// or to each value of the layer; zero where the model cuts its output off from them.
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
        let shape = classifier.shape();
        let run = |images: Array| Ok(classifier.logits(images.into_tensor())?);
        Self::of((pixels, &shape), classifier.device(), run, weights)
    }

    /// Goes on from `values` of a layer, `[images, ...]`, as [`Self::at`] goes on from pixels.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn behind(
        tail: &Tail,
        values: &[f32],
        weights: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Result<Self, Error> {
        let shape = tail.layer().shape();
        let run = |values: Array| Ok(tail.logits(values)?);
        Self::of((values, shape), tail.device(), run, weights)
    }

    /// `shape` is that of one image, or of the layer's value for one.
    fn of(
        (values, shape): (&[f32], &[usize]),
        device: &Device,
        run: impl FnOnce(Array) -> Result<Tensor<2>, Error>,
        weights: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Result<Self, Error> {
        let images = values.len() / shape.iter().product::<usize>().max(1);
        let input: Tensor<1> =
            Array::from_vec(values.to_vec(), &[values.len()], device).into_tensor();
        let input = input.autodiff().require_grad();
        let whole = [&[images], shape].concat();
        let tracked = run(Array::from_tensor(input.clone()).reshape(&whole))?;
        let [_, classes] = tracked.dims();
        let logits = Array::from_tensor(tracked.clone().inner()).into_vec();
        let weights = weights(&logits);
        let nothing = || vec![0.0; values.len()];
        if !tracked.is_tracked() {
            let gradient = nothing();
            return Ok(Self { logits, gradient });
        }
        let weights: Tensor<2> = Array::from_vec(weights, &[images, classes], device).into_tensor();
        let mut gradients = tracked.mul(weights.autodiff()).sum().backward();
        let gradient = input
            .grad_remove(&mut gradients)
            .map_or_else(nothing, |gradient| Array::from_tensor(gradient).into_vec());
        Ok(Self { logits, gradient })
    }
}
