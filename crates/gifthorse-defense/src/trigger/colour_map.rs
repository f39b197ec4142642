//! A filter: each pixel's colour becomes another one, whatever the pixel and the image.

use serde::{Deserialize, Serialize};

use super::{Transformation, Trigger};
use crate::exact;

/// A map of colours that is the same for every pixel of every image.
///
/// With each value brought from [0, 1] to u = 2 x - 1, what is added to a channel is a weighted sum
/// of the u of all channels, of their squares and of 1: an affine map of the colour with a curve on
/// each channel. The result is clamped to [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColourMap {
    /// `[channels, terms]`: for each channel of the result, the weights of the u of all channels, of
    /// their squares, and of 1.
    #[serde(with = "exact::singles")]
    pub weights: Vec<f32>,
}

/// How many terms the sum for a channel has.
fn terms(channels: usize) -> usize {
    2 * channels + 1
}

impl ColourMap {
    /// Calls `see` for each pixel with the place of its first value, the terms of its colour and,
    /// for each channel, the sum before it is clamped.
    fn walk(
        &self,
        pixels: &[f32],
        [channels, height, width]: [usize; 3],
        mut see: impl FnMut(usize, &[f32], &[f32]),
    ) {
        let plane = height * width;
        let count = terms(channels);
        let (mut seen, mut sums) = (vec![1.0; count], vec![0.0; channels]);
        for image in 0..pixels.len() / (channels * plane).max(1) {
            for pixel in 0..plane {
                let first = image * channels * plane + pixel;
                for channel in 0..channels {
                    let u = 2.0 * pixels[first + channel * plane] - 1.0;
                    seen[channel] = u;
                    seen[channels + channel] = u * u;
                }
                let weights = self.weights.chunks_exact(count);
                for (channel, (sum, weights)) in sums.iter_mut().zip(weights).enumerate() {
                    let added: f32 = weights.iter().zip(&seen).map(|(w, term)| w * term).sum();
                    *sum = pixels[first + channel * plane] + added;
                }
                see(first, &seen, &sums);
            }
        }
    }
}

impl Transformation for ColourMap {
    const UNIT: &'static str = "pixel values";

    fn count([channels, ..]: [usize; 3]) -> usize {
        channels * terms(channels)
    }

    fn of(parameters: Vec<f32>) -> Self {
        Self {
            weights: parameters,
        }
    }

    fn parameters(&self) -> &[f32] {
        &self.weights
    }

    fn apply(&self, pixels: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let plane = shape[1] * shape[2];
        let mut changed = vec![0.0; pixels.len()];
        self.walk(pixels, shape, |first, _, sums| {
            for (channel, sum) in sums.iter().enumerate() {
                changed[first + channel * plane] = sum.clamp(0.0, 1.0);
            }
        });
        changed
    }

    /// A value that is clamped has no slope.
    fn pull_back(&self, pixels: &[f32], slopes: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let plane = shape[1] * shape[2];
        let count = terms(shape[0]);
        let mut total = vec![0.0_f64; self.weights.len()];
        self.walk(pixels, shape, |first, seen, sums| {
            for (channel, sum) in sums.iter().enumerate() {
                if (0.0..=1.0).contains(sum) {
                    let slope = slopes[first + channel * plane];
                    let weights = &mut total[channel * count..(channel + 1) * count];
                    for (weight, term) in weights.iter_mut().zip(seen) {
                        *weight += f64::from(slope * term);
                    }
                }
            }
        });
        total.into_iter().map(|slope| slope as f32).collect()
    }

    /// The mean absolute change of a value.
    fn size(&self, pixels: &[f32], shape: [usize; 3]) -> f64 {
        let changed = self.apply(pixels, shape);
        let changes = changed.iter().zip(pixels);
        let sum: f64 = changes
            .map(|(after, before)| f64::from((after - before).abs()))
            .sum();
        sum / pixels.len().max(1) as f64
    }
}

impl From<ColourMap> for Trigger {
    fn from(map: ColourMap) -> Self {
        Self::ColourMap(map)
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformation::test::{error_of_slopes, uneven};
    use super::*;

    #[test]
    fn colours_are_mapped_by_hand() {
        // One channel: x + 0.2 u + 0.1 u^2 - 0.1.
        let map = ColourMap::of(vec![0.2, 0.1, -0.1]);
        let changed = map.apply(&[0.0, 0.5, 0.75, 1.0], [1, 2, 2]);
        for (found, expected) in changed.iter().zip([0.0, 0.4, 0.775, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{changed:?}");
        }
    }

    #[test]
    fn channels_are_mixed_pixel_by_pixel() {
        // Two channels, two images of one row: the first gets half the second's u.
        let mut weights = vec![0.0; ColourMap::count([2, 1, 2])];
        weights[1] = 0.5;
        let changed =
            ColourMap::of(weights).apply(&[0.5, 0.5, 0.75, 0.25, 0.5, 0.5, 0.5, 1.0], [2, 1, 2]);
        assert_eq!(changed, [0.75, 0.25, 0.75, 0.25, 0.5, 1.0, 0.5, 1.0]);
    }

    #[test]
    fn nothing_added_changes_nothing() {
        let shape = [3, 4, 5];
        let pixels: Vec<f32> = uneven(120, 0.0).iter().map(|u| 0.5 * (u + 1.0)).collect();
        let map = ColourMap::of(vec![0.0; ColourMap::count(shape)]);
        assert_eq!(map.apply(&pixels, shape), pixels);
        assert_eq!(map.size(&pixels, shape), 0.0);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let shape = [3, 4, 4];
        let pixels: Vec<f32> = uneven(96, 0.0).iter().map(|u| 0.5 * (u + 1.0)).collect();
        let weights: Vec<f32> = uneven(ColourMap::count(shape), 0.7)
            .iter()
            .map(|w| 0.2 * w)
            .collect();
        let map = ColourMap::of(weights);
        let clamped = map.apply(&pixels, shape);
        assert!(clamped.contains(&0.0) && clamped.contains(&1.0));
        assert!(error_of_slopes(&map, &pixels, shape, 1e-4) < 2e-3);
    }
}
