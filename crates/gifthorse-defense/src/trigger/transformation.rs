//! Changes of whole images that a few numbers say.

use std::fmt::Debug;

use super::Trigger;

/// A change of images that a few numbers say, the same for all images. With all of them 0 it leaves
/// images as they are, and the smaller they are, the less it changes.
///
/// Pixels are `[images, channels, height, width]` in [0, 1], and `shape` is channels, height and
/// width.
pub trait Transformation: Clone + Debug + Send + Sync + Into<Trigger> {
    /// What its size is counted in.
    const UNIT: &'static str;

    /// How many numbers say a change of images of `shape`.
    fn count(shape: [usize; 3]) -> usize;

    /// The change that these numbers say; there are [`Self::count`] of them.
    fn of(parameters: Vec<f32>) -> Self;

    /// The numbers.
    fn parameters(&self) -> &[f32];

    /// The images, changed, in [0, 1].
    fn apply(&self, pixels: &[f32], shape: [usize; 3]) -> Vec<f32>;

    /// The slope of a function of the changed images along each of the numbers, from its `slopes`
    /// along each of their pixels.
    fn pull_back(&self, pixels: &[f32], slopes: &[f32], shape: [usize; 3]) -> Vec<f32>;

    /// How large the change of these images is, in [`Self::UNIT`].
    fn size(&self, pixels: &[f32], shape: [usize; 3]) -> f64;
}

/// The root of the mean squared difference of a value from what it was.
pub(super) fn root_mean_square(changed: &[f32], pixels: &[f32]) -> f64 {
    let changes = changed.iter().zip(pixels);
    let sum: f64 = changes
        .map(|(after, before)| f64::from(after - before).powi(2))
        .sum();
    (sum / pixels.len().max(1) as f64).sqrt()
}

#[cfg(test)]
pub(super) mod test {
    use super::Transformation;

    /// Numbers between -1 and 1 that look random and are not.
    pub fn uneven(count: usize, seed: f32) -> Vec<f32> {
        let value = |i: usize| 2.0 * ((i as f32 + seed) * 0.618_034).fract() - 1.0;
        (0..count).map(value).collect()
    }

    /// The largest difference between the slopes of a sum of pixels, each with a weight of its own,
    /// as `change` gives them and by differences of twice `step`; as a part of the largest slope.
    pub fn error_of_slopes<T: Transformation>(
        change: &T,
        pixels: &[f32],
        shape: [usize; 3],
        step: f32,
    ) -> f64 {
        let weights = uneven(pixels.len(), 0.3);
        let sum = |parameters: Vec<f32>| -> f64 {
            let changed = T::of(parameters).apply(pixels, shape);
            let terms = changed.iter().zip(&weights);
            terms
                .map(|(&x, &weight)| f64::from(x) * f64::from(weight))
                .sum()
        };
        let slopes = change.pull_back(pixels, &weights, shape);
        assert_eq!(slopes.len(), T::count(shape));
        let moved = |place: usize, by: f32| {
            let mut parameters = change.parameters().to_vec();
            parameters[place] += by;
            sum(parameters)
        };
        let measured: Vec<f64> = (0..slopes.len())
            .map(|place| (moved(place, step) - moved(place, -step)) / f64::from(2.0 * step))
            .collect();
        let largest = measured
            .iter()
            .fold(0.0_f64, |most, slope| most.max(slope.abs()));
        assert!(largest > 0.0, "nothing moves");
        let errors = slopes.iter().zip(&measured);
        errors.fold(0.0_f64, |most, (&slope, measured)| {
            most.max((f64::from(slope) - measured).abs())
        }) / largest
    }
}
