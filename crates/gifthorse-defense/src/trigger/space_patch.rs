//! A patch that is blended into images in a space of their own.

use serde::{Deserialize, Serialize};

use super::space::{self, Space};
use super::transformation::root_mean_square;
use super::{Transformation, Trigger};
use crate::exact;

/// `Q((1 - m) P(x) + m D)`: an image is led into a space by a map `P`, blended there with a pattern
/// `D` under a mask `m`, both of one number for each value, and led back by the inverse `Q` of the
/// map. The result is clamped to [0, 1] before the last step of `Q`, its curves, and so after it.
///
/// `P` is a curve `x / (x + (1 - x) exp(-a))` on each channel and then adds, with weights: to the
/// pixels whose row and column have an even sum, what all channels have above, below, to the left
/// and to the right of them; to the others likewise; to one channel after the other what the other
/// channels have there. `Q` subtracts in reverse, and ends with the curves of `-a`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpacePatch {
    /// The `a` of each channel; the weights of neighbours for pixels of an even sum and then of an
    /// odd one, `[channels, channels, 4]` each; those of the other channels, `[channels, channels -
    /// 1]`; then the mask and the pattern, `[channels, height, width]` each.
    #[serde(with = "exact::singles")]
    pub numbers: Vec<f32>,
}

impl SpacePatch {
    /// How many numbers say the space.
    pub const fn of_space(channels: usize) -> usize {
        space::count(channels)
    }

    /// The numbers of the space, the mask and the pattern.
    fn parts(&self, [channels, height, width]: [usize; 3]) -> [&[f32]; 3] {
        let (space, rest) = self.numbers.split_at(Self::of_space(channels));
        let (mask, pattern) = rest.split_at(channels * height * width);
        [space, mask, pattern]
    }
}

/// Values of the space, blended with the pattern.
fn blended(inside: &[f32], mask: &[f32], pattern: &[f32]) -> Vec<f32> {
    let values = inside.iter().zip(mask).zip(pattern);
    values.map(|((z, m), d)| z + m * (d - z)).collect()
}

impl Transformation for SpacePatch {
    const UNIT: &'static str = "pixel values";

    fn count(shape: [usize; 3]) -> usize {
        Self::of_space(shape[0]) + 2 * shape.iter().product::<usize>()
    }

    fn of(parameters: Vec<f32>) -> Self {
        Self {
            numbers: parameters,
        }
    }

    fn parameters(&self) -> &[f32] {
        &self.numbers
    }

    fn apply(&self, pixels: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let [numbers, mask, pattern] = self.parts(shape);
        let space = Space::new(shape, numbers);
        let mut changed = Vec::with_capacity(pixels.len());
        for image in pixels.chunks_exact(mask.len().max(1)) {
            let values = blended(&space.inside(image), mask, pattern);
            changed.extend(space.outside(&space.unlifted(values)));
        }
        changed
    }

    /// A value that is clamped has no slope.
    fn pull_back(&self, pixels: &[f32], slopes: &[f32], shape: [usize; 3]) -> Vec<f32> {
        let [numbers, mask, pattern] = self.parts(shape);
        let space = Space::new(shape, numbers);
        let size = mask.len().max(1);
        let mut of_space = vec![0.0_f64; numbers.len()];
        let mut of_mask = vec![0.0_f32; mask.len()];
        let mut of_pattern = vec![0.0_f32; mask.len()];
        let images = pixels.chunks_exact(size).zip(slopes.chunks_exact(size));
        for (image, slopes) in images {
            let inside = space.inside(image);
            let unlifted = space.unlifted(blended(&inside, mask, pattern));
            let mut along = space.pull_outside(unlifted, slopes.to_vec(), &mut of_space);
            for (place, slope) in along.iter_mut().enumerate() {
                of_mask[place] += *slope * (pattern[place] - inside[place]);
                of_pattern[place] += *slope * mask[place];
                *slope *= 1.0 - mask[place];
            }
            space.pull_inside(inside, along, &mut of_space);
        }
        let of_space = of_space.into_iter().map(|slope| slope as f32);
        of_space.chain(of_mask).chain(of_pattern).collect()
    }

    /// The root of the mean squared change of a value.
    fn size(&self, pixels: &[f32], shape: [usize; 3]) -> f64 {
        root_mean_square(&self.apply(pixels, shape), pixels)
    }
}

impl From<SpacePatch> for Trigger {
    fn from(patch: SpacePatch) -> Self {
        Self::SpacePatch(patch)
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformation::test::{error_of_slopes, uneven};
    use super::*;

    const SHAPE: [usize; 3] = [3, 5, 6];

    fn pixels(images: usize) -> Vec<f32> {
        let count = images * SHAPE.iter().product::<usize>();
        let values = uneven(count, 0.0).into_iter();
        values.map(|u| 0.5 * (u + 1.0)).collect()
    }

    /// A patch of uneven numbers: of the space, the mask and the pattern.
    fn patch() -> SpacePatch {
        let space = uneven(SpacePatch::of_space(SHAPE[0]), 0.7);
        let space = space.iter().map(|n| 0.1 * n);
        let mask = uneven(90, 0.4).into_iter().map(|u| 0.2 * (u + 1.0));
        let pattern = uneven(90, 0.9).into_iter().map(|u| 0.5 + u);
        SpacePatch::of(space.chain(mask).chain(pattern).collect())
    }

    #[test]
    fn nothing_under_the_mask_changes_nothing() {
        let pixels = pixels(2);
        let mut patch = patch();
        let first = SpacePatch::of_space(SHAPE[0]);
        patch.numbers[first..first + 90].fill(0.0);
        assert!(patch.size(&pixels, SHAPE) < 1e-6);
        let rounded =
            |values: &[f32]| -> Vec<f32> { values.iter().map(|x| (x * 255.0).round()).collect() };
        assert_eq!(rounded(&patch.apply(&pixels, SHAPE)), rounded(&pixels));
    }

    #[test]
    fn in_the_space_of_pixels_it_is_a_patch() {
        let mut patch = patch();
        patch.numbers[..SpacePatch::of_space(SHAPE[0])].fill(0.0);
        let [_, mask, pattern] = patch.parts(SHAPE);
        let pixels = pixels(2);
        let changed = patch.apply(&pixels, SHAPE);
        for (place, after) in changed.iter().enumerate() {
            let (m, d) = (mask[place % 90], pattern[place % 90]);
            let expected = ((1.0 - m) * pixels[place] + m * d).clamp(0.0, 1.0);
            assert!((after - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let changed = patch().apply(&pixels(2), SHAPE);
        assert!(changed.contains(&0.0) && changed.contains(&1.0));
        let error = error_of_slopes(&patch(), &pixels(2), SHAPE, 1e-3);
        assert!(error < 5e-3, "{error}");
    }
}
