//! A change that is added to one image or several and grows until it leads most of them to a class.

use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::exact;
use crate::logit_gradient::LogitGradient;

/// Most steps of a change.
pub const STEPS: usize = 100;
/// Length of a step, in pixel values over the whole image,
pub const STEP: f64 = 0.05;
/// and as a part of the change so far, if that is more: sizes are found with the same relative
/// precision, whatever the size of the images.
const GROWTH: f64 = 0.05;

/// A change on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perturbation {
    /// The class that it leads to.
    pub target: usize,
    /// What is added to each pixel, `[channels, height, width]`.
    #[serde(with = "exact::singles")]
    values: Vec<f32>,
    /// Steps made.
    pub steps: usize,
    /// Whether it leads as many images to the class as it should.
    pub reached: bool,
}

/// Images that a change is added to.
#[derive(Clone, Copy, Debug)]
pub struct Weighed<'a> {
    /// `[images, channels, height, width]` in [0, 1].
    pub images: &'a [f32],
    /// What part of the loss and of the share that is reached falls to each image; they sum to 1.
    pub weights: &'a [f32],
    /// The share that is to be reached.
    pub rate: f64,
}

impl Perturbation {
    /// No change yet, of images of so many values.
    pub fn new(target: usize, size: usize) -> Self {
        Self::from_start(target, vec![0.0; size])
    }

    /// A change that begins with these values.
    pub fn from_start(target: usize, values: Vec<f32>) -> Self {
        Self {
            target,
            values,
            steps: 0,
            reached: false,
        }
    }

    /// Its L2 norm, in pixel values over the whole image.
    pub fn norm(&self) -> f64 {
        let squares = self.values.iter().map(|&value| f64::from(value).powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// Whether it is a change of images of so many values, to this class.
    pub fn fits(&self, target: usize, size: usize) -> bool {
        let is_of = (self.target, self.values.len()) == (target, size);
        is_of && self.values.iter().all(|value| value.is_finite())
    }

    /// Whether it grows no further.
    pub fn has_ended(&self) -> bool {
        self.reached || self.steps >= STEPS
    }

    /// These images with so many times the change, `[images, channels, height, width]` in [0, 1].
    pub fn added_to(&self, images: &[f32], times: f32) -> Vec<f32> {
        let changes = self.values.iter().cycle();
        let moved = images.iter().zip(changes);
        moved
            .map(|(pixel, change)| (pixel + times * change).clamp(0.0, 1.0))
            .collect()
    }

    /// One step of a given length against the slope of the loss, `gradient`, at the images with the
    /// change. Pixels that it would lead out of [0, 1] do not feel it.
    fn descend(&mut self, images: &[f32], gradient: &[f32]) {
        let size = self.values.len();
        let mut slope = vec![0.0; size];
        let images = images.chunks_exact(size).zip(gradient.chunks_exact(size));
        for (image, gradient) in images {
            let feels = |pixel: f32, change: f32| (0.0..=1.0).contains(&(pixel + change));
            let each = slope.iter_mut().zip(&self.values);
            for ((slope, &change), (&pixel, g)) in each.zip(image.iter().zip(gradient)) {
                if feels(pixel, change) {
                    *slope += g;
                }
            }
        }
        self.steps += 1;
        let square: f32 = slope.iter().map(|slope| slope * slope).sum();
        // Without a slope there is no way to go.
        if !(square > 0.0 && square.is_finite()) {
            return;
        }
        let length = STEP.max(GROWTH * self.norm()) as f32;
        for (change, slope) in self.values.iter_mut().zip(slope) {
            *change -= length * slope / square.sqrt();
        }
    }
}

/// A change, and the images that it is added to.
pub struct Case<'a> {
    /// The images.
    pub shown: Weighed<'a>,
    /// The change.
    pub change: &'a mut Perturbation,
}

/// Shows the model images with their changes, all in one pass, and moves those changes on that do
/// not lead as many images as they should to their class: against the slope of the mean
/// cross-entropy, by steps whose length does not depend on how steep it is, so that scales of
/// logits do not matter.
///
/// Gives for each change which images it leads to the class as it was before the step.
///
/// # Errors
/// A model that cannot be run.
pub fn step(classifier: &Classifier, cases: &mut [Case<'_>]) -> Result<Vec<Vec<bool>>, Error> {
    let classes = classifier.classes();
    let moved = cases
        .iter()
        .flat_map(|case| case.change.added_to(case.shown.images, 1.0));
    let moved: Vec<f32> = moved.collect();
    let aims = cases.iter().flat_map(|case| {
        let weights = case.shown.weights.iter();
        weights.map(|&weight| (case.change.target, weight))
    });
    let slope = LogitGradient::at(classifier, &moved, |logits| {
        let rows = logits.chunks_exact(classes).zip(aims);
        rows.flat_map(|(row, (target, weight))| slope_of_loss(row, target, weight))
            .collect()
    })?;
    let (mut logits, mut gradients) = (slope.logits.as_slice(), slope.gradient.as_slice());
    let each = cases.iter_mut().map(|Case { shown, change }| {
        let (own, of_others) = logits.split_at(classes * shown.weights.len());
        let (gradient, beyond) = gradients.split_at(shown.images.len());
        (logits, gradients) = (of_others, beyond);
        let rows = own.chunks_exact(classes);
        let there: Vec<bool> = rows.map(|row| is_largest(row, change.target)).collect();
        let led = there.iter().zip(shown.weights).filter(|(there, _)| **there);
        // A share that is met is not to be missed by a rounding.
        let share: f64 = led.map(|(_, &weight)| f64::from(weight)).sum();
        change.reached = share >= shown.rate - 1e-5;
        if !change.reached {
            change.descend(shown.images, gradient);
        }
        there
    });
    Ok(each.collect())
}

/// The derivative of a weighted cross-entropy by the logits: the probabilities, less 1 at the
/// target. Nothing where a logit is not a finite number.
fn slope_of_loss(logits: &[f32], target: usize, weight: f32) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut slopes: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = slopes.iter().sum();
    if !sum.is_finite() {
        return vec![0.0; logits.len()];
    }
    for (class, slope) in slopes.iter_mut().enumerate() {
        *slope = weight * (*slope / sum - if class == target { 1.0 } else { 0.0 });
    }
    slopes
}

/// Whether a class has the largest logit, and no other one as large.
fn is_largest(logits: &[f32], class: usize) -> bool {
    let others = logits
        .iter()
        .enumerate()
        .filter(|&(other, _)| other != class);
    others
        .map(|(_, logit)| logit)
        .all(|logit| *logit < logits[class])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_the_loss_is_that_of_the_cross_entropy() {
        let logits = [0.3_f32, -1.0, 2.5];
        let loss = |logits: [f32; 3]| {
            let sum: f64 = logits.iter().map(|&z| f64::from(z).exp()).sum();
            2.0 * (sum.ln() - f64::from(logits[1]))
        };
        for (place, slope) in slope_of_loss(&logits, 1, 2.0).into_iter().enumerate() {
            let at = |by: f32| {
                let mut moved = logits;
                moved[place] += by;
                loss(moved)
            };
            let numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((f64::from(slope) - numeric).abs() < 1e-3, "{place}");
        }
        assert_eq!(slope_of_loss(&[f32::NAN, 0.0], 0, 1.0), [0.0, 0.0]);
        assert_eq!(slope_of_loss(&[f32::INFINITY, 0.0], 0, 1.0), [0.0, 0.0]);
    }

    fn change(values: &[f32]) -> Perturbation {
        Perturbation {
            values: values.to_vec(),
            ..Perturbation::new(0, values.len())
        }
    }

    #[test]
    fn a_step_has_a_given_length_and_spares_what_would_leave_the_range() {
        let mut small = change(&[0.0, 0.0]);
        small.descend(&[0.5, 0.5], &[3.0, 4.0]);
        assert!((small.norm() - 0.05).abs() < 1e-6);
        // The first pixel is at its end, and the second moves a twentieth of the change so far.
        let mut far = change(&[2.0, 0.0]);
        far.descend(&[0.5, 0.5], &[3.0, 4.0]);
        assert_eq!(far.values[0], 2.0);
        assert!((far.values[1] + 0.1).abs() < 1e-6);
        let still = far.clone();
        far.descend(&[0.5, 0.5], &[0.0, 0.0]);
        assert_eq!((far.values, far.steps), (still.values, 2));
    }

    #[test]
    fn images_with_the_change_stay_in_range() {
        let change = change(&[0.7, -0.2]);
        let is_near = |moved: Vec<f32>, expected: &[f32]| {
            let mut pairs = moved.iter().zip(expected);
            pairs.all(|(a, b)| (a - b).abs() < 1e-6)
        };
        let images = [0.5, 0.5, 0.1, 0.1];
        assert!(is_near(
            change.added_to(&images, 1.0),
            &[1.0, 0.3, 0.8, 0.0]
        ));
        assert!(is_near(
            change.added_to(&images, 0.5),
            &[0.85, 0.4, 0.45, 0.0]
        ));
        assert!((change.norm() - 0.53_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn of_equal_logits_none_is_the_largest() {
        assert!(is_largest(&[1.0, 2.0], 1) && !is_largest(&[2.0, 2.0], 1));
        assert!(!is_largest(&[f32::NAN, 2.0], 1));
    }
}
