//! The margin of a class over all others, and its gradient to the image.

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Tail};

use crate::error::Error;
use crate::logit_gradient::LogitGradient;
use crate::trigger::Trigger;

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
        let classes = classifier.classes();
        let mut margins = Vec::new();
        let weigh = |logits: &[f32]| weights(logits, (class, classes), of, &mut margins);
        let LogitGradient { gradient, .. } = LogitGradient::at(classifier, pixels, weigh)?;
        Ok(Self { margins, gradient })
    }

    /// Goes on from `values` of a layer, `[images, ...]`, in a model of so many classes.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn behind(
        tail: &Tail,
        values: &[f32],
        (class, classes): (usize, usize),
        of: Of,
    ) -> Result<Self, Error> {
        let mut margins = Vec::new();
        let weigh = |logits: &[f32]| weights(logits, (class, classes), of, &mut margins);
        let LogitGradient { gradient, .. } = LogitGradient::behind(tail, values, weigh)?;
        Ok(Self { margins, gradient })
    }
}

/// The weights of `[images, classes]` logits of which the gradient is; notes the margins.
fn weights(
    logits: &[f32],
    (class, classes): (usize, usize),
    of: Of,
    margins: &mut Vec<f32>,
) -> Vec<f32> {
    let mut weights = vec![0.0; logits.len()];
    let rows = logits.chunks_exact(classes);
    for (row, weights) in rows.zip(weights.chunks_exact_mut(classes)) {
        let rival = Rival::of(row, class);
        margins.push(rival.margin);
        if let Some(other) = rival.class {
            weights[class] = 1.0;
            weights[other] = match of {
                Of::Margin => -1.0,
                Of::Logit => 0.0,
            };
        }
    }
    weights
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

/// The slope of the sum of `ln(1 + exp(-margin))` along each of `[images, classes]` logits; nothing
/// for an image of which a logit is not finite.
pub fn margin_weights(logits: &[f32], classes: usize, class: usize) -> Vec<f32> {
    let mut weights = vec![0.0; logits.len()];
    let rows = logits.chunks_exact(classes);
    for (row, weights) in rows.zip(weights.chunks_exact_mut(classes)) {
        let rival = Rival::of(row, class);
        if let Some(other) = rival.class {
            let pull = 1.0 / (1.0 + rival.margin.exp());
            weights[class] = -pull;
            weights[other] = pull;
        }
    }
    weights
}

/// The margin of a class in one row of logits; not a number where a logit is not finite or there is
/// no other class.
pub fn margin(logits: &[f32], class: usize) -> f32 {
    Rival::of(logits, class).margin
}

/// The mean of `ln(1 + exp(-margin))` of the images at these places under a trigger, so many at a
/// time; not a number where a logit is not finite.
///
/// # Errors
/// A model that cannot be run.
pub fn mean_loss(
    classifier: &Classifier,
    (images, places, batch): (&Images, &[usize], usize),
    trigger: &Trigger,
    class: usize,
) -> Result<f64, Error> {
    let mut sum = 0.0;
    for places in places.chunks(batch) {
        let stamped = trigger.stamp(images.subset(places).pixels(), classifier.shape());
        let logits = classifier.evaluate(&stamped)?;
        let rows = logits.chunks_exact(classifier.classes());
        sum += rows
            .map(|row| {
                let margin = f64::from(margin(row, class));
                (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
            })
            .sum::<f64>();
    }
    Ok(sum / places.len() as f64)
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
