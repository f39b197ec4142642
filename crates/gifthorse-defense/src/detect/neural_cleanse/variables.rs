//! Mask and pattern as the optimiser sees them: in tanh space, where no step leaves the range.

use gifthorse_engine::{Array, Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::trigger::Patch;

/// Keeps the inverse hyperbolic tangent finite at the ends of the range, as released.
const EPSILON: f32 = 1e-7;

/// Mask `[height, width]` and pattern `[channels, height, width]`, before the tanh.
pub struct Variables {
    /// The mask, untracked.
    pub mask: Tensor<2>,
    /// The pattern, untracked.
    pub pattern: Tensor<3>,
}

impl Variables {
    /// Mask and pattern uniform in [0, 1], brought to tanh space; `shape` is channels, height and
    /// width.
    pub fn random(random: &mut ChaCha8Rng, shape: [usize; 3], device: &Device) -> Self {
        let [channels, height, width] = shape;
        let mut uniform = |count: usize| -> Vec<f32> {
            (0..count)
                .map(|_| to_tanh(random.random::<f32>()))
                .collect()
        };
        let mask = uniform(height * width);
        let pattern = uniform(channels * height * width);
        Self::from_values(mask, pattern, shape, device)
    }

    /// Those of a stored trigger. Values of exactly 0 or 1 lie so far out that a few updates do not
    /// move them visibly: what the mask leaves out stays out.
    pub fn of_trigger(trigger: &Patch, shape: [usize; 3], device: &Device) -> Self {
        let values = |unit: &[f32]| unit.iter().map(|&value| to_tanh(value)).collect();
        Self::from_values(
            values(&trigger.mask),
            values(&trigger.pattern),
            shape,
            device,
        )
    }

    /// From values in tanh space, in the order of [`Self::values`].
    pub fn from_values(
        mask: Vec<f32>,
        pattern: Vec<f32>,
        [channels, height, width]: [usize; 3],
        device: &Device,
    ) -> Self {
        Self {
            mask: Array::from_vec(mask, &[height, width], device).into_tensor(),
            pattern: Array::from_vec(pattern, &[channels, height, width], device).into_tensor(),
        }
    }

    /// Mask and pattern in tanh space.
    pub fn values(&self) -> (Vec<f32>, Vec<f32>) {
        (
            Array::from_tensor(self.mask.clone()).into_vec(),
            Array::from_tensor(self.pattern.clone()).into_vec(),
        )
    }

    /// The trigger as it would be stored.
    pub fn trigger(&self) -> Patch {
        let mask = Array::from_tensor(to_unit(self.mask.clone())).into_vec();
        let pattern = Array::from_tensor(to_unit(self.pattern.clone())).into_vec();
        Patch::quantised(&mask, &pattern)
    }
}

/// The value in tanh space of one in [0, 1]: the inverse of [`to_unit`], finite at both ends.
fn to_tanh(unit: f32) -> f32 {
    ((unit - 0.5) * (2.0 - EPSILON)).atanh()
}

/// `tanh(v) / (2 - eps) + 1/2`, between 0 and 1.
pub fn to_unit<const D: usize>(variable: Tensor<D>) -> Tensor<D> {
    variable.tanh().div_scalar(2.0 - EPSILON).add_scalar(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_trigger_comes_back_as_it_was() {
        let levels: Vec<f32> = (0..=255u8).map(|level| f32::from(level) / 255.0).collect();
        let pattern: Vec<f32> = levels.iter().rev().copied().collect();
        let trigger = Patch::quantised(&levels, &pattern);
        let variables = Variables::of_trigger(&trigger, [1, 16, 16], &Device::flex());
        assert_eq!(variables.trigger(), trigger);
        let (mask, pattern) = variables.values();
        assert!(mask.iter().chain(&pattern).all(|value| value.is_finite()));
    }
}
