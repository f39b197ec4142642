//! A change that is added to the pixels: the same numbers on every image.

use serde::{Deserialize, Serialize};

use super::{Transformation, Trigger};
use crate::exact;

/// What is added to each pixel of every image; the sum is clamped to [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Additive {
    /// `[channels, height, width]`, in pixel values; it may be negative.
    #[serde(with = "exact::singles")]
    pub values: Vec<f32>,
}

impl Additive {
    /// Its L2 norm, in pixel values over the whole image.
    pub fn norm(&self) -> f64 {
        let squares = self.values.iter().map(|&value| f64::from(value).powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// How many pixels it changes in images of `shape`, channels, height and width.
    pub fn pixels(&self, shape: [usize; 3]) -> usize {
        let largest = self.largest(shape);
        largest.filter(|&by| by > 0.0).count()
    }

    /// The largest change of any channel of a pixel, summed over all pixels: pixels that become
    /// another colour altogether count as one each, as in the L1 norm of a mask.
    pub fn extent(&self, shape: [usize; 3]) -> f64 {
        self.largest(shape).map(f64::from).sum()
    }

    /// The largest absolute change of each pixel.
    fn largest(&self, [_, height, width]: [usize; 3]) -> impl Iterator<Item = f32> {
        let plane = height * width;
        (0..plane).map(move |pixel| {
            let channels = self.values.iter().skip(pixel).step_by(plane);
            channels.fold(0.0, |most, by| by.abs().max(most))
        })
    }
}

impl Transformation for Additive {
    const UNIT: &'static str = "pixel values";

    fn count(shape: [usize; 3]) -> usize {
        shape.iter().product()
    }

    fn of(parameters: Vec<f32>) -> Self {
        Self { values: parameters }
    }

    fn parameters(&self) -> &[f32] {
        &self.values
    }

    fn apply(&self, pixels: &[f32], _: [usize; 3]) -> Vec<f32> {
        let added = pixels.iter().zip(self.values.iter().cycle());
        added.map(|(x, by)| (x + by).clamp(0.0, 1.0)).collect()
    }

    /// A value that is clamped has no slope.
    fn pull_back(&self, pixels: &[f32], slopes: &[f32], _: [usize; 3]) -> Vec<f32> {
        let size = self.values.len().max(1);
        let mut total = vec![0.0_f64; self.values.len()];
        let images = pixels.chunks_exact(size).zip(slopes.chunks_exact(size));
        for (image, slopes) in images {
            let each = image.iter().zip(slopes).zip(&self.values);
            for (total, ((x, &slope), by)) in total.iter_mut().zip(each) {
                if (0.0..=1.0).contains(&(x + by)) {
                    *total += f64::from(slope);
                }
            }
        }
        total.into_iter().map(|slope| slope as f32).collect()
    }

    /// The norm of what is added, whatever of it the range of the pixels cuts off.
    fn size(&self, _: &[f32], _: [usize; 3]) -> f64 {
        self.norm()
    }
}

impl From<Additive> for Trigger {
    fn from(change: Additive) -> Self {
        Self::Additive(change)
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformation::test::{error_of_slopes, uneven};
    use super::*;

    #[test]
    fn every_image_gets_the_same_numbers_and_stays_in_range() {
        let change = Additive::of(vec![0.75, -0.25]);
        let changed = change.apply(&[0.5, 0.5, 0.125, 0.125], [1, 1, 2]);
        assert_eq!(changed, [1.0, 0.25, 0.875, 0.0]);
        assert!((change.norm() - 0.625_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_pixel_counts_once_however_many_of_its_channels_change() {
        let change = Additive::of(vec![0.75, 0.0, 0.5, -0.25, 0.0, -1.0]);
        assert_eq!(change.pixels([2, 1, 3]), 2);
        assert_eq!(change.extent([2, 1, 3]), 1.75);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let shape = [2, 3, 4];
        let pixels: Vec<f32> = uneven(72, 0.0).iter().map(|u| 0.5 * (u + 1.0)).collect();
        let values: Vec<f32> = uneven(24, 0.7).iter().map(|w| 0.4 * w).collect();
        let change = Additive::of(values);
        let clamped = change.apply(&pixels, shape);
        assert!(clamped.contains(&0.0) && clamped.contains(&1.0));
        assert!(error_of_slopes(&change, &pixels, shape, 1e-3) < 2e-3);
    }
}
