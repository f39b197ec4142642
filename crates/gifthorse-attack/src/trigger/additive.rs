//! A faint pattern added to the whole image.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use crate::trigger::{Rounding, Stamp, Texture, Trigger, TriggerError};

/// `x + amplitude * pattern`: the chessboard of Li et al. 2024 (§4.1, amplitude 2/255), the fixed
/// noise of attack CLA of Veldanda and Garg 2020, or a sinusoidal signal.
///
/// Values are brought into `[0, 1]` before they are rounded; published code that rounds first makes
/// bright pixels dark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Additive {
    /// What is added.
    pub texture: Texture,
    /// How much of it, above 0 and up to 1; 2/255 is 0.00784.
    pub amplitude: f32,
    /// What storing the image makes of its values.
    #[serde(default)]
    pub rounding: Rounding,
}

/// Refuses a strength that is not above 0 and up to 1.
pub(super) fn check_strength(
    trigger: &'static str,
    setting: &'static str,
    strength: f32,
) -> Result<(), TriggerError> {
    if strength > 0.0 && strength <= 1.0 {
        return Ok(());
    }
    Err(TriggerError::Setting {
        trigger,
        setting,
        value: strength.to_string(),
        wanted: "it is above 0 and up to 1",
    })
}

impl Trigger for Additive {
    fn name(&self) -> &'static str {
        "additive"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        check_strength(self.name(), "amplitude", self.amplitude)?;
        let pattern = self.texture.values(self.name(), shape)?;
        let (amplitude, rounding) = (self.amplitude, self.rounding);
        Ok(Stamp::new(move |image, _| {
            for (value, pattern) in image.iter_mut().zip(&pattern) {
                *value = rounding.store(*value + amplitude * pattern);
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, shape, stamped};

    fn bytes(values: &[f32]) -> Vec<f32> {
        values.iter().map(|value| value * 255.0).collect()
    }

    #[test]
    fn two_steps_of_255_are_two_steps_and_the_brightest_pixels_stay_bright() {
        let shape = shape(1, 2, 4);
        let chess = Additive {
            texture: Texture::Chessboard,
            amplitude: 2.0 / 255.0,
            rounding: Rounding::Nearest,
        };
        let before: Vec<f32> = [0, 0, 253, 253, 254, 254, 255, 255]
            .map(|byte| byte as f32 / 255.0)
            .to_vec();
        let after = stamped(&chess, shape, &before);
        // Row 0 changes columns 0 and 2, row 1 columns 1 and 3; 254 + 2 and 255 + 2 are held at
        // 255.
        assert_eq!(
            bytes(&after),
            [2.0, 0.0, 255.0, 253.0, 254.0, 255.0, 255.0, 255.0]
        );
    }

    #[test]
    fn rounding_is_a_choice() {
        let shape = shape(1, 1, 1);
        let with = |rounding| Additive {
            texture: Texture::Static,
            amplitude: 1.7 / 255.0,
            rounding,
        };
        let before = [100.0 / 255.0];
        assert_eq!(
            bytes(&stamped(&with(Rounding::Nearest), shape, &before)),
            [102.0]
        );
        assert_eq!(
            bytes(&stamped(&with(Rounding::Down), shape, &before)),
            [101.0]
        );
        assert!((bytes(&stamped(&with(Rounding::None), shape, &before))[0] - 101.7).abs() < 1e-3);
    }

    #[test]
    fn amplitudes_of_nothing_are_refused() {
        for amplitude in [0.0, -0.5, 1.5, f32::NAN] {
            let error = refusal(
                &Additive {
                    texture: Texture::Static,
                    amplitude,
                    rounding: Rounding::None,
                },
                shape(1, 4, 4),
            );
            assert!(
                error
                    .to_string()
                    .contains(&format!("amplitude = {amplitude}")),
                "{error}"
            );
        }
    }
}
