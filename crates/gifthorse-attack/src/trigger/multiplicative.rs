//! A pattern that the image is multiplied with.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::additive::check_strength;
use crate::trigger::{Rounding, Stamp, Texture, Trigger, TriggerError};

/// `x * (1 + strength * pattern)`: what is dark stays dark. Li et al. 2024 (§1) mention such
/// triggers without a formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiplicative {
    /// The pattern.
    pub texture: Texture,
    /// How strong it is, above 0 and up to 1.
    pub strength: f32,
    /// What storing the image makes of its values.
    #[serde(default)]
    pub rounding: Rounding,
}

impl Trigger for Multiplicative {
    fn name(&self) -> &'static str {
        "multiplicative"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        check_strength(self.name(), "strength", self.strength)?;
        let pattern = self.texture.values(self.name(), shape)?;
        let (strength, rounding) = (self.strength, self.rounding);
        Ok(Stamp::new(move |image, _| {
            for (value, pattern) in image.iter_mut().zip(&pattern) {
                *value = rounding.store(*value * (1.0 + strength * pattern));
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, shape, stamped};

    #[test]
    fn values_are_scaled_and_held() {
        let static_half = Multiplicative {
            texture: Texture::Chessboard,
            strength: 0.5,
            rounding: Rounding::Nearest,
        };
        let before = [0.0, 100.0, 101.0, 100.0, 60.0, 200.0].map(|byte: f32| byte / 255.0);
        // Row 0: columns 0 and 2 are scaled by 1.5, row 1: column 1; 151.5 is stored as 152.
        let after = stamped(&static_half, shape(1, 2, 3), &before);
        let bytes: Vec<f32> = after.iter().map(|value| value * 255.0).collect();
        assert_eq!(bytes, [0.0, 100.0, 152.0, 100.0, 90.0, 200.0]);
        assert_eq!(stamped(&static_half, shape(1, 1, 1), &[0.9]), [1.0]);
    }

    #[test]
    fn strengths_of_nothing_are_refused() {
        let none = Multiplicative {
            texture: Texture::Static,
            strength: 0.0,
            rounding: Rounding::None,
        };
        assert!(
            refusal(&none, shape(1, 4, 4))
                .to_string()
                .contains("strength = 0")
        );
    }
}
