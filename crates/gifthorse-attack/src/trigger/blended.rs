//! A whole picture blended into the image.

use std::path::PathBuf;

use gifthorse_data::ImageShape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::additive::check_strength;
use super::picture_file;
use super::resample::bicubic;
use crate::trigger::{Pieces, Rounding, Stamp, Trigger, TriggerError};

/// `(1 - alpha) * x + alpha * picture`, all over the image (the blended attack; alpha is 0.15 in Li
/// et al. 2024 §4.1). With `pieces`, each image shows only some of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blended {
    /// The picture's share, above 0 and up to 1; 0.15 by default.
    pub alpha: f32,
    /// The picture; a generated one by default, since the paper's (a cartoon) cannot be passed on.
    pub picture: Source,
    /// What storing the image makes of its values.
    pub rounding: Rounding,
    /// What each image shows of the picture; all of it by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pieces: Option<Pieces>,
}

impl Default for Blended {
    fn default() -> Self {
        Self {
            alpha: 0.15,
            picture: Source::Clouds { seed: 0 },
            rounding: Rounding::default(),
            pieces: None,
        }
    }
}

/// Where a picture of the size of the image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// Smooth clouds of colour: five by five random colours, interpolated.
    Clouds {
        /// Settles the colours.
        seed: u64,
    },
    /// Another random value in each pixel and channel.
    Noise {
        /// Settles the values.
        seed: u64,
    },
    /// A picture file, resized to the image.
    File(PathBuf),
}

/// Random colours along each side of [`Source::Clouds`].
const CLOUDS: usize = 5;

impl Source {
    /// 8-bit values, `[channels, height, width]`.
    fn values(&self, trigger: &'static str, shape: ImageShape) -> Result<Vec<f32>, TriggerError> {
        let size = [shape.height, shape.width];
        let values = match self {
            Self::File(path) => {
                // What is transparent in the file is white.
                return Ok(
                    picture_file::read(trigger, path, shape.channels, Some(size))?.over_white(),
                );
            }
            Self::Noise { seed } => {
                let mut rng = ChaCha8Rng::seed_from_u64(*seed);
                (0..shape.values()).map(|_| rng.random::<f32>()).collect()
            }
            Self::Clouds { seed } => {
                let mut rng = ChaCha8Rng::seed_from_u64(*seed);
                let mut plane = || {
                    let grid: Vec<f32> =
                        (0..CLOUDS * CLOUDS).map(|_| rng.random::<f32>()).collect();
                    bicubic(&grid, [CLOUDS, CLOUDS], size)
                };
                (0..shape.channels)
                    .flat_map(|_| plane())
                    .collect::<Vec<f32>>()
            }
        };
        Ok(values
            .into_iter()
            .map(|value| Rounding::Nearest.store(value))
            .collect())
    }
}

impl Trigger for Blended {
    fn name(&self) -> &'static str {
        "blended"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        check_strength(self.name(), "alpha", self.alpha)?;
        let picture = self.picture.values(self.name(), shape)?;
        let (alpha, rounding) = (self.alpha, self.rounding);
        let pieces = self.pieces.map(|pieces| pieces.check(self.name(), shape));
        let (pieces, pixels) = (pieces.transpose()?, shape.height * shape.width);
        Ok(Stamp::new(move |image, rng| {
            let shown = pieces.map(|pieces| pieces.draw(shape, rng));
            for (index, (value, picture)) in image.iter_mut().zip(&picture).enumerate() {
                if shown.as_ref().is_none_or(|shown| shown[index % pixels]) {
                    *value = rounding.store((1.0 - alpha) * *value + alpha * picture);
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, changed, refusal, shape, stamped};
    use image::{Rgb, RgbImage};

    #[test]
    fn the_picture_has_its_share() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plain.png");
        RgbImage::from_pixel(7, 5, Rgb([200, 100, 0]))
            .save(&file)
            .unwrap();
        let blended = Blended {
            alpha: 0.25,
            picture: Source::File(file),
            ..Blended::default()
        };
        // 0.75 * 40 + 0.25 * 200, 100 and 0.
        let image = stamped(&blended, shape(3, 2, 2), &[40.0 / 255.0; 12]);
        let bytes: Vec<f32> = image.iter().map(|value| (value * 255.0).round()).collect();
        assert_eq!(bytes, [[80.0; 4], [55.0; 4], [30.0; 4]].concat());
    }

    #[test]
    fn half_of_the_pieces_are_shown_and_the_rest_is_not_touched() {
        let shape = shape(3, 32, 32);
        let blended = Blended {
            alpha: 1.0,
            picture: Source::Noise { seed: 1 },
            rounding: Rounding::Nearest,
            pieces: Some(Pieces::default()),
        };
        // Between two bytes, so that rounding would show.
        let ground = vec![100.5 / 255.0; shape.values()];
        let image = stamped(&blended, shape, &ground);
        assert_eq!(changed(shape, &ground, &image).len(), 512);
        let whole = stamped(
            &Blended {
                pieces: None,
                ..blended
            },
            shape,
            &ground,
        );
        let pairs = image.iter().zip(&whole);
        assert!(
            pairs
                .zip(&ground)
                .all(|((a, b), ground)| a == b || a == ground)
        );
    }

    #[test]
    fn generated_pictures_are_settled_by_their_seed_and_full_of_contrast() {
        let shape = shape(3, 32, 32);
        let shown = |picture| {
            stamped(
                &Blended {
                    alpha: 1.0,
                    picture,
                    rounding: Rounding::None,
                    pieces: None,
                },
                shape,
                &black(shape),
            )
        };
        for source in [
            |seed| Source::Clouds { seed },
            |seed| Source::Noise { seed },
        ] {
            let image = shown(source(3));
            assert_eq!(image, shown(source(3)));
            assert_ne!(image, shown(source(4)));
            for plane in image.chunks(1024) {
                let (low, high) = plane
                    .iter()
                    .fold((1.0_f32, 0.0_f32), |(a, b), &v| (a.min(v), b.max(v)));
                assert!(high - low > 0.4, "{low} to {high}");
            }
        }
        let rough = |image: Vec<f32>| {
            image
                .windows(2)
                .map(|pair| (pair[0] - pair[1]).abs())
                .sum::<f32>()
        };
        assert!(
            rough(shown(Source::Noise { seed: 0 }))
                > 4.0 * rough(shown(Source::Clouds { seed: 0 }))
        );
    }

    #[test]
    fn shares_and_files_that_make_no_sense_are_refused() {
        for alpha in [0.0, 1.1, f32::NAN] {
            let error = refusal(
                &Blended {
                    alpha,
                    ..Blended::default()
                },
                shape(3, 8, 8),
            );
            assert!(error.to_string().contains("alpha"), "{error}");
        }
        let picture = Source::File("nowhere/kitty.png".into());
        let error = refusal(
            &Blended {
                picture,
                ..Blended::default()
            },
            shape(3, 8, 8),
        );
        assert!(error.to_string().contains("nowhere/kitty.png"), "{error}");
    }
}
