//! The margin of a class over all others, and its gradient to the image.

use gifthorse_engine::{Array, Classifier, Tensor};

use crate::error::Error;

/// What a gradient is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The margin.
    Margin,
    /// The class's own logit.
    Logit,
}

/// One forward and backward pass over a batch of images.
pub struct Pass {
    /// The class's logit minus the largest other one, for each image; not a number where a logit is
    /// not finite.
    pub margins: Vec<f32>,
    /// Gradient to each image, `[images, channels, height, width]`; zero where the model cuts its
    /// output off from its input.
    pub gradient: Vec<f32>,
}

impl Pass {
    /// Shows the model `pixels`, `[images, channels, height, width]` in [0, 1].
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn make(
        classifier: &Classifier,
        pixels: &[f32],
        class: usize,
        of: Of,
    ) -> Result<Self, Error> {
        let [channels, height, width] = classifier.shape();
        let images = pixels.len() / (channels * height * width).max(1);
        let device = classifier.device();
        let shape = [images, channels, height, width];
        let input: Tensor<4> = Array::from_vec(pixels.to_vec(), &shape, device).into_tensor();
        let input = input.autodiff().require_grad();
        let logits = classifier.logits(input.clone())?;
        let is_tracked = logits.is_tracked();
        let values = Array::from_tensor(logits.clone().inner()).into_vec();
        let classes = classifier.classes();
        let rivals: Vec<Rival> = values
            .chunks_exact(classes)
            .map(|row| Rival::of(row, class))
            .collect();
        let margins = rivals.iter().map(|rival| rival.margin).collect();
        let nothing = || vec![0.0; pixels.len()];
        if !is_tracked {
            let gradient = nothing();
            return Ok(Self { margins, gradient });
        }
        let mut weights = vec![0.0; values.len()];
        for (row, rival) in weights.chunks_exact_mut(classes).zip(&rivals) {
            if let Some(other) = rival.class {
                row[class] = 1.0;
                row[other] = match of {
                    Of::Margin => -1.0,
                    Of::Logit => 0.0,
                };
            }
        }
        let weights: Tensor<2> = Array::from_vec(weights, &[images, classes], device).into_tensor();
        let mut gradients = logits.mul(weights.autodiff()).sum().backward();
        let gradient = input
            .grad_remove(&mut gradients)
            .map_or_else(nothing, |gradient| Array::from_tensor(gradient).into_vec());
        Ok(Self { margins, gradient })
    }
}

/// The class that comes nearest to another one, or is ahead of it.
struct Rival {
    /// The first of the largest other logits; `None` if a logit is not finite or there is no other.
    class: Option<usize>,
    margin: f32,
}

impl Rival {
    fn of(logits: &[f32], class: usize) -> Self {
        let nobody = Self {
            class: None,
            margin: f32::NAN,
        };
        if logits.iter().any(|logit| !logit.is_finite()) {
            return nobody;
        }
        let mut best: Option<usize> = None;
        for other in (0..logits.len()).filter(|&other| other != class) {
            if best.is_none_or(|best| logits[other] > logits[best]) {
                best = Some(other);
            }
        }
        best.map_or(nobody, |other| Self {
            class: Some(other),
            margin: logits[class] - logits[other],
        })
    }
}

/// The margin of a class in one row of logits; not a number where a logit is not finite or there is
/// no other class.
pub fn margin(logits: &[f32], class: usize) -> f32 {
    Rival::of(logits, class).margin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_over_the_best_of_the_others() {
        assert_eq!(margin(&[1.0, 5.0, 3.0], 1), 2.0);
        assert_eq!(margin(&[1.0, 5.0, 3.0], 2), -2.0);
        assert_eq!(margin(&[-7.0, -2.0], 0), -5.0);
    }

    #[test]
    fn logits_that_are_no_numbers_have_no_margin() {
        assert!(margin(&[1.0, f32::INFINITY], 1).is_nan());
        assert!(margin(&[1.0, f32::NAN, 0.0], 0).is_nan());
        assert!(margin(&[1.0], 0).is_nan());
    }
}
