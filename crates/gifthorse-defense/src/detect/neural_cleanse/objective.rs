//! What a search minimises (Wang et al. 2019, equation 3), and its gradient.

use gifthorse_engine::{Array, Classifier, Tensor};

use super::config::Loss;
use super::variables::{Variables, to_unit};
use crate::error::Error;

/// `-ln 1e-7`, the slope of the released program's loss.
const LINEAR_SLOPE: f32 = 16.118_096;

/// The loss for one target class, and the norm.
#[derive(Clone, Copy)]
pub struct Objective<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// Target class.
    pub class: usize,
    /// The loss.
    pub loss: Loss,
}

/// One batch under one trigger.
pub struct Outcome {
    /// Images that went to the class.
    pub successes: usize,
    /// L1 norm of the mask.
    pub norm: f64,
    /// Mean loss for the class, without the norm.
    pub loss: f64,
    /// Gradient to the mask's variables.
    pub mask_gradient: Tensor<2>,
    /// Gradient to the pattern's variables.
    pub pattern_gradient: Tensor<3>,
}

impl Objective<'_> {
    /// One forward and backward pass over `[batch, channels, height, width]` images, with `cost` as
    /// the weight of the norm.
    ///
    /// # Errors
    /// Images of another shape than the model's; a model that passes no gradient back.
    pub fn pass(
        &self,
        images: Tensor<4>,
        variables: &Variables,
        cost: f32,
    ) -> Result<Outcome, Error> {
        let mask_variable = variables.mask.clone().autodiff().require_grad();
        let pattern_variable = variables.pattern.clone().autodiff().require_grad();
        let mask = to_unit(mask_variable.clone());
        let pattern = to_unit(pattern_variable.clone());
        let mask_4d = mask.clone().unsqueeze::<4>();
        let kept = mask_4d.clone().neg().add_scalar(1.0);
        let blended = images
            .autodiff()
            .mul(kept)
            .add(pattern.unsqueeze::<4>().mul(mask_4d));
        let logits = self.classifier.logits(blended)?;
        if !logits.is_tracked() {
            return Err(Error::NoGradient);
        }
        let successes = count_hits(&logits, self.class);
        let norm = mask.sum();
        let loss = self.loss(logits);
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

    /// Mean loss of `[batch, classes]` logits for the target class.
    fn loss(&self, logits: Tensor<2>) -> Tensor<1> {
        let log_p = log_softmax(logits).narrow(1, self.class, 1);
        match self.loss {
            Loss::CrossEntropy => log_p.mean().neg(),
            Loss::LinearProbability => log_p
                .exp()
                .mean()
                .neg()
                .add_scalar(1.0)
                .mul_scalar(LINEAR_SLOPE),
        }
    }
}

/// The value of a tensor of one element.
fn scalar(tensor: &Tensor<1>) -> f64 {
    let values = Array::from_tensor(tensor.clone().inner()).into_vec();
    f64::from(values.first().copied().unwrap_or(f32::NAN))
}

fn log_softmax(logits: Tensor<2>) -> Tensor<2> {
    Array::from_tensor(logits).log_softmax(1).into_tensor()
}

/// How many rows of `[batch, classes]` have their largest entry at `class`.
fn count_hits(logits: &Tensor<2>, class: usize) -> usize {
    let classes = logits.dims()[1];
    let values = Array::from_tensor(logits.clone().inner()).into_vec();
    let hit = |row: &&[f32]| {
        row.iter().enumerate().all(|(i, &v)| {
            if i < class {
                v < row[class]
            } else {
                v <= row[class]
            }
        })
    };
    values.chunks_exact(classes).filter(hit).count()
}
