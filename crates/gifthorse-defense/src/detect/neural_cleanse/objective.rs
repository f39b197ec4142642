//! What a search minimises (Wang et al. 2019, equation 3), and its gradient.

use gifthorse_engine::{Array, Classifier, Tensor};

use super::aim::Aim;
use super::batches::Batch;
use super::config::Loss;
use super::variables::{Variables, to_unit};
use crate::error::Error;

/// The loss of one aim, and the norm.
#[derive(Clone, Copy)]
pub struct Objective<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// Where images are to go.
    pub aim: Aim,
    /// The loss.
    pub loss: Loss,
}

/// One batch under one trigger.
pub struct Outcome {
    /// Images that went where they are to go.
    pub successes: usize,
    /// L1 norm of the mask.
    pub norm: f64,
    /// Mean loss, without the norm.
    pub loss: f64,
    /// Gradient to the mask's variables.
    pub mask_gradient: Tensor<2>,
    /// Gradient to the pattern's variables.
    pub pattern_gradient: Tensor<3>,
}

impl Objective<'_> {
    /// One forward and backward pass over a batch, with `cost` as the weight of the norm.
    ///
    /// # Errors
    /// Images of another shape than the model's; a model that passes no gradient back.
    pub fn pass(&self, batch: Batch, variables: &Variables, cost: f32) -> Result<Outcome, Error> {
        let mask_variable = variables.mask.clone().autodiff().require_grad();
        let pattern_variable = variables.pattern.clone().autodiff().require_grad();
        let mask = to_unit(mask_variable.clone());
        let pattern = to_unit(pattern_variable.clone());
        let mask_4d = mask.clone().unsqueeze::<4>();
        let kept = mask_4d.clone().neg().add_scalar(1.0);
        let blended = batch
            .images
            .autodiff()
            .mul(kept)
            .add(pattern.unsqueeze::<4>().mul(mask_4d));
        let logits = self.classifier.logits(blended)?;
        if !logits.is_tracked() {
            return Err(Error::NoGradient);
        }
        let successes = self.aim.hits(&logits, &batch.labels);
        let norm = mask.sum();
        let loss = self.aim.loss(self.loss, logits, &batch.labels);
        let size = scalar(&norm);
        let fit = scalar(&loss);
        let mut gradients = loss.add(norm.mul_scalar(cost)).backward();
        let missing = || Error::NoGradient;
        Ok(Outcome {
            successes,
            norm: size,
            loss: fit,
            mask_gradient: mask_variable
                .grad_remove(&mut gradients)
                .ok_or_else(missing)?,
            pattern_gradient: pattern_variable
                .grad_remove(&mut gradients)
                .ok_or_else(missing)?,
        })
    }
}

/// The value of a tensor of one element.
fn scalar(tensor: &Tensor<1>) -> f64 {
    let values = Array::from_tensor(tensor.clone().inner()).into_vec();
    f64::from(values.first().copied().unwrap_or(f32::NAN))
}
