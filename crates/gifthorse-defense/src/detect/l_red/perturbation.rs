//! A change that is added to several images and grows until it leads most of them to a class.

use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::exact;
use crate::logit_gradient::LogitGradient;

/// Most steps of a change.
pub const STEPS: usize = 100;
/// Size of a step as a part of the change so far, unless [`Extent::least_step`] is more: sizes are
/// found with the same relative precision, whatever the size of the images.
const GROWTH: f64 = 0.05;
/// Pixels that a step changes where only few are to be changed.
const FEW: usize = 4;

/// Where a change may be, and how its size is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// Anywhere, as noise or a wave: by its L2 norm, in pixel values over the whole image.
    Everywhere,
    /// On few pixels, as a patch: by the sum over all pixels of the channel that changes most, in
    /// pixels, as the L1 norm of a mask.
    FewPixels,
}

impl Extent {
    /// What sizes are counted in.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Everywhere => "pixel values",
            Self::FewPixels => "pixels",
        }
    }

    /// Size of the first steps.
    fn least_step(self) -> f64 {
        match self {
            Self::Everywhere => 0.05,
            Self::FewPixels => 0.5,
        }
    }

    /// The size of a change of images of so many pixels, `[channels, pixels]`.
    fn size(self, change: &[f32], pixels: usize) -> f64 {
        match self {
            Self::Everywhere => {
                let squares = change.iter().map(|&value| f64::from(value).powi(2));
                squares.sum::<f64>().sqrt()
            }
            Self::FewPixels => {
                let of_pixel = |pixel: usize| {
                    let channels = change.iter().skip(pixel).step_by(pixels);
                    channels.map(|value| value.abs()).fold(0.0, f32::max)
                };
                (0..pixels).map(|pixel| f64::from(of_pixel(pixel))).sum()
            }
        }
    }

    /// The change of size 1 along which a loss of this slope falls most; of those of few pixels, the
    /// mean of the steepest four. `None` where there is no way down.
    fn steepest(self, slope: &[f32], pixels: usize) -> Option<Vec<f32>> {
        let square: f32 = slope.iter().map(|slope| slope * slope).sum();
        if !(square > 0.0 && square.is_finite()) {
            return None;
        }
        if self == Self::Everywhere {
            return Some(slope.iter().map(|slope| -slope / square.sqrt()).collect());
        }
        let of_pixel = |&pixel: &usize| -> f32 {
            let channels = slope.iter().skip(pixel).step_by(pixels);
            channels.map(|slope| slope.abs()).sum()
        };
        let mut places: Vec<(f32, usize)> = (0..pixels).map(|it| (of_pixel(&it), it)).collect();
        places.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        places.truncate(FEW);
        places.retain(|&(steep, _)| steep > 0.0);
        let part = 1.0 / places.len() as f32;
        let mut down = vec![0.0; slope.len()];
        for (_, pixel) in places {
            for value in (pixel..slope.len()).step_by(pixels) {
                down[value] = match slope[value] == 0.0 {
                    true => 0.0,
                    false => -part * slope[value].signum(),
                };
            }
        }
        Some(down)
    }
}

/// A change on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perturbation {
    /// The class that it leads to.
    pub target: usize,
    /// Where it may be.
    pub extent: Extent,
    /// What is added to each pixel, `[channels, height, width]`.
    #[serde(with = "exact::singles")]
    values: Vec<f32>,
    /// Height times width.
    pixels: usize,
    /// Steps made.
    pub steps: usize,
    /// Whether it leads as many images to the class as it should.
    pub reached: bool,
}

/// Images that changes are added to, all of them with the same weights.
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
    /// No change yet, of images of channels, height and width.
    pub fn new(target: usize, extent: Extent, [channels, height, width]: [usize; 3]) -> Self {
        let pixels = height * width;
        Self {
            target,
            extent,
            values: vec![0.0; channels * pixels],
            pixels,
            steps: 0,
            reached: false,
        }
    }

    /// How large it is, in the unit of its extent.
    pub fn size(&self) -> f64 {
        self.extent.size(&self.values, self.pixels)
    }

    /// Whether it is a change of this kind, of images of this shape, to this class.
    pub fn fits(&self, target: usize, extent: Extent, shape: [usize; 3]) -> bool {
        let new = Self::new(target, extent, shape);
        let is_of = (self.target, self.extent, self.pixels) == (target, extent, new.pixels);
        is_of
            && self.values.len() == new.values.len()
            && self.values.iter().all(|it| it.is_finite())
    }

    /// Whether it grows no further.
    pub fn has_ended(&self) -> bool {
        self.reached || self.steps >= STEPS
    }

    /// These images with the change, `[images, channels, height, width]` in [0, 1].
    pub fn added_to(&self, images: &[f32]) -> Vec<f32> {
        let changes = self.values.iter().cycle();
        let moved = images.iter().zip(changes);
        moved
            .map(|(pixel, change)| (pixel + change).clamp(0.0, 1.0))
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
        let Some(down) = self.extent.steepest(&slope, self.pixels) else {
            return;
        };
        let length = self.extent.least_step().max(GROWTH * self.size()) as f32;
        for (change, down) in self.values.iter_mut().zip(down) {
            *change += length * down;
        }
    }
}

/// Shows the model the images with each of the changes, and moves those on that do not lead as many
/// as they should to their class: against the slope of the mean cross-entropy, by steps whose
/// length does not depend on how steep it is, so that scales of logits do not matter.
///
/// Gives for each change which images it leads to the class as it was before the step.
///
/// # Errors
/// A model that cannot be run.
pub fn step(
    classifier: &Classifier,
    shown: Weighed<'_>,
    changes: &mut [&mut Perturbation],
) -> Result<Vec<Vec<bool>>, Error> {
    let classes = classifier.classes();
    let images = shown.weights.len();
    let moved = changes.iter().flat_map(|it| it.added_to(shown.images));
    let moved: Vec<f32> = moved.collect();
    let targets: Vec<usize> = changes.iter().map(|change| change.target).collect();
    let slope = LogitGradient::at(classifier, &moved, |logits| {
        let mut weights = Vec::with_capacity(logits.len());
        for (place, row) in logits.chunks_exact(classes).enumerate() {
            let weight = shown.weights[place % images];
            weights.extend(slope_of_loss(row, targets[place / images], weight));
        }
        weights
    })?;
    let of_changes = slope.logits.chunks_exact(classes * images);
    let gradients = slope.gradient.chunks_exact(shown.images.len());
    let each = changes.iter_mut().zip(of_changes.zip(gradients));
    Ok(each
        .map(|(change, (logits, gradient))| {
            let rows = logits.chunks_exact(classes);
            let there: Vec<bool> = rows.map(|row| is_largest(row, change.target)).collect();
            let led = there.iter().zip(shown.weights).filter(|(there, _)| **there);
            // A share that is met is not to be missed by a rounding.
            let share: f64 = led.map(|(_, &weight)| f64::from(weight)).sum();
            change.reached = share >= shown.rate - 1e-5;
            if !change.reached {
                change.descend(shown.images, gradient);
            }
            there
        })
        .collect())
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

    fn change(extent: Extent, values: &[f32]) -> Perturbation {
        Perturbation {
            values: values.to_vec(),
            ..Perturbation::new(0, extent, [1, 1, values.len()])
        }
    }

    #[test]
    fn a_step_has_a_given_length_and_spares_what_would_leave_the_range() {
        let mut small = change(Extent::Everywhere, &[0.0, 0.0]);
        small.descend(&[0.5, 0.5], &[3.0, 4.0]);
        assert!((small.size() - 0.05).abs() < 1e-6);
        // The first pixel is at its end, and the second moves a twentieth of the change so far.
        let mut far = change(Extent::Everywhere, &[2.0, 0.0]);
        far.descend(&[0.5, 0.5], &[3.0, 4.0]);
        assert_eq!(far.values[0], 2.0);
        assert!((far.values[1] + 0.1).abs() < 1e-6);
        let still = far.clone();
        far.descend(&[0.5, 0.5], &[0.0, 0.0]);
        assert_eq!((far.values, far.steps), (still.values, 2));
    }

    #[test]
    fn on_few_pixels_the_steepest_move_in_all_channels_and_count_by_the_largest() {
        // Two channels of six pixels.
        let slope = [5.0, 1.0, -3.0, 0.1, 2.0, 0.0, -1.0, 1.0, 3.0, 0.1, 0.0, 4.0];
        let mut patch = Perturbation::new(0, Extent::FewPixels, [2, 1, 6]);
        patch.descend(&[0.5; 12], &slope);
        let by = 0.5 / 4.0;
        let first = [-by, 0.0, by, 0.0, -by, 0.0];
        let second = [by, 0.0, -by, 0.0, 0.0, -by];
        assert_eq!(patch.values, [first, second].concat());
        assert!((patch.size() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn images_with_the_change_stay_in_range() {
        let change = change(Extent::Everywhere, &[0.7, -0.2]);
        let moved = change.added_to(&[0.5, 0.5, 0.1, 0.1]);
        let near = moved.iter().zip([1.0, 0.3, 0.8, 0.0]);
        assert!(
            near.into_iter().all(|(a, b)| (a - b).abs() < 1e-6),
            "{moved:?}"
        );
        assert!((change.size() - 0.53_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn of_equal_logits_none_is_the_largest() {
        assert!(is_largest(&[1.0, 2.0], 1) && !is_largest(&[2.0, 2.0], 1));
        assert!(!is_largest(&[f32::NAN, 2.0], 1));
    }
}
