//! What leads a model to a class, as it is kept and replayed: stamped images have 8 bits a value, as
//! in a stored picture.

mod additive;
mod colour_map;
mod local_map;
mod space;
mod space_patch;
mod transformation;
mod warp;

use serde::{Deserialize, Serialize};

pub use additive::Additive;
pub use colour_map::ColourMap;
pub use local_map::LocalMap;
pub use space_patch::SpacePatch;
pub use transformation::Transformation;
pub use warp::Warp;

use crate::exact;

/// A trigger of any kind. Colours and masks are whole multiples of 1/255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Blended into an image.
    Patch(Patch),
    /// A picture of its own, which takes an image's place.
    Picture {
        /// `[channels, height, width]` in [0, 1].
        #[serde(with = "exact::singles")]
        pixels: Vec<f32>,
    },
    /// Every colour becomes another one.
    ColourMap(ColourMap),
    /// The image is bent.
    Warp(Warp),
    /// Every value becomes a weighted sum of those around it.
    LocalMap(LocalMap),
    /// Numbers are added to its pixels.
    Additive(Additive),
    /// A patch is blended into it in a space of its own.
    SpacePatch(SpacePatch),
}

/// A patch blended into an image: `(1 - mask) * image + mask * pattern` (Wang et al. 2019, equation
/// 2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// How much of the pattern shows, `[height, width]` in [0, 1].
    #[serde(with = "exact::singles")]
    pub mask: Vec<f32>,
    /// Its colours, `[channels, height, width]` in [0, 1].
    #[serde(with = "exact::singles")]
    pub pattern: Vec<f32>,
}

impl Trigger {
    /// A picture, rounded to 8 bits.
    pub fn picture(pixels: &[f32]) -> Self {
        Self::Picture {
            pixels: pixels.iter().copied().map(to_8_bit).collect(),
        }
    }

    /// Stamps the trigger on images and rounds the result to 8 bits, as a stored picture would be.
    ///
    /// `pixels` is `[images, channels, height, width]` in [0, 1]; `shape` is channels, height and
    /// width.
    pub fn stamp(&self, pixels: &[f32], shape: [usize; 3]) -> Vec<f32> {
        match self {
            Self::Patch(patch) => patch.stamp(pixels, shape),
            Self::Picture { pixels: picture } => {
                let images = pixels.len() / picture.len().max(1);
                picture.repeat(images)
            }
            Self::ColourMap(map) => rounded(map.apply(pixels, shape)),
            Self::Warp(warp) => rounded(warp.apply(pixels, shape)),
            Self::LocalMap(map) => rounded(map.apply(pixels, shape)),
            Self::Additive(change) => rounded(change.apply(pixels, shape)),
            Self::SpacePatch(patch) => rounded(patch.apply(pixels, shape)),
        }
    }

    /// What is wrong with it as a trigger for images of `shape`, channels, height and width; in
    /// words that go after "it".
    pub fn problem(&self, shape: [usize; 3]) -> Option<&'static str> {
        let [channels, height, width] = shape;
        let image = channels * height * width;
        let parts: &[(&[f32], usize)] = match self {
            Self::Patch(patch) => &[(&patch.mask, height * width), (&patch.pattern, image)],
            Self::Picture { pixels } => &[(pixels, image)],
            Self::ColourMap(map) => return problem_of(map, shape),
            Self::Warp(warp) => return problem_of(warp, shape),
            Self::LocalMap(map) => return problem_of(map, shape),
            Self::Additive(change) => return problem_of(change, shape),
            Self::SpacePatch(patch) => return problem_of(patch, shape),
        };
        if parts.iter().any(|(values, count)| values.len() != *count) {
            return Some("has a trigger of another size than the images");
        }
        let mut values = parts.iter().flat_map(|(values, _)| *values);
        values
            .any(|value| !(0.0..=1.0).contains(value))
            .then_some("has a trigger with values outside [0, 1]")
    }
}

impl Patch {
    /// Rounds a mask and a pattern in [0, 1] to 8 bits.
    pub fn quantised(mask: &[f32], pattern: &[f32]) -> Self {
        let round = |values: &[f32]| values.iter().copied().map(to_8_bit).collect();
        Self {
            mask: round(mask),
            pattern: round(pattern),
        }
    }

    /// L1 norm of the mask, in pixels.
    pub fn norm(&self) -> f64 {
        self.mask.iter().map(|&m| f64::from(m)).sum()
    }

    fn stamp(&self, pixels: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
        let plane = height * width;
        let blend = |(i, &x): (usize, &f32)| {
            let m = self.mask[i % plane];
            let p = self.pattern[i % (channels * plane)];
            to_8_bit((1.0 - m) * x + m * p)
        };
        pixels.iter().enumerate().map(blend).collect()
    }
}

/// What is wrong with the numbers of a transformation.
fn problem_of<T: Transformation>(change: &T, shape: [usize; 3]) -> Option<&'static str> {
    let numbers = change.parameters();
    if numbers.len() != T::count(shape) {
        return Some("has a trigger for images of another shape");
    }
    let finite = numbers.iter().all(|number| number.is_finite());
    (!finite).then_some("has a trigger with numbers that are not finite")
}

/// Values in [0, 1], each rounded to a whole multiple of 1/255.
fn rounded(pixels: Vec<f32>) -> Vec<f32> {
    pixels.into_iter().map(to_8_bit).collect()
}

/// Rounds a value in [0, 1] to a whole multiple of 1/255.
fn to_8_bit(value: f32) -> f32 {
    (value.clamp(0.0, 1.0) * 255.0).round() / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(mask: &[f32], pattern: &[f32]) -> Trigger {
        Trigger::Patch(Patch {
            mask: mask.to_vec(),
            pattern: pattern.to_vec(),
        })
    }

    #[test]
    fn a_full_mask_shows_the_pattern_and_an_empty_one_the_image() {
        let stamped = patch(&[1.0, 0.0], &[1.0, 0.0]).stamp(&[0.2, 0.4, 0.6, 0.8], [1, 1, 2]);
        assert_eq!(stamped, [1.0, 0.4, 1.0, 0.8]);
    }

    #[test]
    fn the_mask_is_shared_by_the_channels() {
        let stamped = patch(&[0.0, 1.0], &[0.2, 0.4, 0.6, 0.8]).stamp(&[0.0; 4], [2, 1, 2]);
        assert_eq!(stamped, [0.0, 0.4, 0.0, 0.8]);
    }

    #[test]
    fn a_picture_takes_the_place_of_every_image() {
        let stamped = Trigger::picture(&[0.2, 1.4]).stamp(&[0.0; 4], [1, 1, 2]);
        assert_eq!(stamped, [0.2, 1.0, 0.2, 1.0]);
    }

    #[test]
    fn values_are_rounded_to_eight_bits() {
        let patch = Patch::quantised(&[0.001, 0.5], &[0.0, 2.0]);
        assert_eq!(patch.mask, [0.0, 128.0 / 255.0]);
        assert_eq!(patch.pattern, [0.0, 1.0]);
        assert!((patch.norm() - 128.0 / 255.0).abs() < 1e-7);
    }

    #[test]
    fn a_trigger_for_other_images_or_out_of_range_is_a_problem() {
        let good = patch(&[0.0, 1.0], &[0.2, 0.4]);
        assert_eq!(good.problem([1, 1, 2]), None);
        assert!(good.problem([1, 2, 2]).is_some());
        assert!(
            patch(&[0.0, f32::NAN], &[0.2, 0.4])
                .problem([1, 1, 2])
                .is_some()
        );
        assert!(
            patch(&[0.0, 1.0], &[0.2, -0.4])
                .problem([1, 1, 2])
                .is_some()
        );
        assert!(Trigger::picture(&[0.5; 3]).problem([1, 1, 2]).is_some());
    }
}
