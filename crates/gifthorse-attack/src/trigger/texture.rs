//! Patterns as large as the image, to be added to it or multiplied with it.

use std::f32::consts::TAU;

use gifthorse_data::ImageShape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::trigger::TriggerError;

/// A pattern of numbers from -1 to 1, one for each value of an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Texture {
    /// 1 where row and column add up to an even number, else 0; all channels alike (Li et al. 2024
    /// §4.1).
    Chessboard,
    /// 1 where row and column are even, else 0; all channels alike.
    Static,
    /// Evenly distributed between -1 and 1, another number in each channel (the fixed noise of
    /// attack CLA in Veldanda and Garg 2020).
    Noise {
        /// Settles the numbers.
        seed: u64,
    },
    /// `sin(2 pi column frequency / width)`: upright waves, all rows and channels alike (the
    /// sinusoidal signal attack).
    Sinusoid {
        /// Waves over the width of the image, above 0.
        frequency: f32,
    },
}

impl Texture {
    /// The pattern for images of a shape, `[channels, height, width]`.
    ///
    /// # Errors
    /// [`TriggerError::Setting`] for waves of no length.
    pub(super) fn values(
        self,
        trigger: &'static str,
        shape: ImageShape,
    ) -> Result<Vec<f32>, TriggerError> {
        if let Self::Sinusoid { frequency } = self
            && !(frequency > 0.0 && frequency.is_finite())
        {
            return Err(TriggerError::Setting {
                trigger,
                setting: "frequency",
                value: frequency.to_string(),
                wanted: "it is a number of waves above 0",
            });
        }
        if let Self::Noise { seed } = self {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            return Ok((0..shape.values())
                .map(|_| rng.random_range(-1.0..=1.0))
                .collect());
        }
        let one_if = |condition: bool| f32::from(u8::from(condition));
        let at = |row: usize, column: usize| match self {
            Self::Chessboard => one_if((row + column).is_multiple_of(2)),
            Self::Static => one_if(row.is_multiple_of(2) && column.is_multiple_of(2)),
            Self::Sinusoid { frequency } => {
                (TAU * column as f32 * frequency / shape.width as f32).sin()
            }
            Self::Noise { .. } => 0.0,
        };
        let plane: Vec<f32> = (0..shape.height * shape.width)
            .map(|i| at(i / shape.width, i % shape.width))
            .collect();
        Ok(plane.repeat(shape.channels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::shape;

    fn values(texture: Texture, channels: usize) -> Vec<f32> {
        texture.values("additive", shape(channels, 3, 4)).unwrap()
    }

    #[test]
    fn patterns_by_hand() {
        let chess = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0];
        assert_eq!(values(Texture::Chessboard, 3), chess.repeat(3));
        let still = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0];
        assert_eq!(values(Texture::Static, 1), still);
        let waves = values(Texture::Sinusoid { frequency: 1.0 }, 1);
        for (found, expected) in waves.iter().zip([0.0, 1.0, 0.0, -1.0].repeat(3)) {
            assert!((found - expected).abs() < 1e-6, "{waves:?}");
        }
    }

    #[test]
    fn noise_fills_its_range_and_is_settled_by_its_seed() {
        let noise = |seed| {
            Texture::Noise { seed }
                .values("additive", shape(3, 32, 32))
                .unwrap()
        };
        let first = noise(1);
        let mean = first.iter().sum::<f32>() / first.len() as f32;
        assert!(mean.abs() < 0.05, "{mean}");
        assert!(first.iter().any(|&v| v > 0.95) && first.iter().any(|&v| v < -0.95));
        assert!(first.iter().all(|v| (-1.0..=1.0).contains(v)));
        assert_ne!(first[..1024], first[1024..2048]);
        assert_eq!(first, noise(1));
        assert_ne!(first, noise(2));
    }

    #[test]
    fn waves_of_no_length_are_refused() {
        for frequency in [0.0, -1.0, f32::INFINITY, f32::NAN] {
            let waves = Texture::Sinusoid { frequency };
            assert!(waves.values("additive", shape(1, 3, 4)).is_err());
        }
    }
}
