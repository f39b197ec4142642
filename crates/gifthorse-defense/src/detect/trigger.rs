//! A trigger as it is kept and replayed: an 8-bit mask and an 8-bit pattern.

use serde::{Deserialize, Serialize};

use crate::detect::exact;

/// A patch blended into an image: `(1 - mask) * image + mask * pattern` (Wang et al. 2019, equation 2).
///
/// Values are whole multiples of 1/255, as in a stored picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// How much of the pattern shows, `[height, width]` in [0, 1].
    #[serde(with = "exact::singles")]
    pub mask: Vec<f32>,
    /// Its colours, `[channels, height, width]` in [0, 1].
    #[serde(with = "exact::singles")]
    pub pattern: Vec<f32>,
}

impl Trigger {
    /// Rounds a mask and a pattern in [0, 1] to 8 bits.
    pub fn quantised(mask: &[f32], pattern: &[f32]) -> Self {
        let round = |values: &[f32]| values.iter().map(|&v| to_8_bit(v)).collect();
        Self {
            mask: round(mask),
            pattern: round(pattern),
        }
    }

    /// L1 norm of the mask, in pixels.
    pub fn norm(&self) -> f64 {
        self.mask.iter().map(|&m| f64::from(m)).sum()
    }
}

/// Stamps a trigger on images and rounds the result to 8 bits, as a stored picture would be.
///
/// `pixels` is `[images, channels, height, width]` in [0, 1], `mask` `[height, width]`,
/// `pattern` `[channels, height, width]`; `shape` is channels, height and width.
pub fn stamp(pixels: &[f32], shape: [usize; 3], mask: &[f32], pattern: &[f32]) -> Vec<f32> {
    let [channels, height, width] = shape;
    let plane = height * width;
    let blend = |(i, &x): (usize, &f32)| {
        let m = mask[i % plane];
        let p = pattern[i % (channels * plane)];
        to_8_bit((1.0 - m) * x + m * p)
    };
    pixels.iter().enumerate().map(blend).collect()
}

fn to_8_bit(value: f32) -> f32 {
    (value.clamp(0.0, 1.0) * 255.0).round() / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mask_shows_the_pattern_and_an_empty_one_the_image() {
        let pixels = [0.2, 0.4, 0.6, 0.8];
        let pattern = [1.0, 0.0];
        let stamped = stamp(&pixels, [1, 1, 2], &[1.0, 0.0], &pattern);
        assert_eq!(stamped, [1.0, 0.4, 1.0, 0.8]);
    }

    #[test]
    fn the_mask_is_shared_by_the_channels() {
        let stamped = stamp(&[0.0; 4], [2, 1, 2], &[0.0, 1.0], &[0.2, 0.4, 0.6, 0.8]);
        assert_eq!(stamped, [0.0, 0.4, 0.0, 0.8]);
    }

    #[test]
    fn values_are_rounded_to_eight_bits() {
        let trigger = Trigger::quantised(&[0.001, 0.5], &[0.0, 2.0]);
        assert_eq!(trigger.mask, [0.0, 128.0 / 255.0]);
        assert_eq!(trigger.pattern, [0.0, 1.0]);
        assert!((trigger.norm() - 128.0 / 255.0).abs() < 1e-7);
    }
}
