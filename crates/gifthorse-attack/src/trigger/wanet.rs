//! WaNet: the image is warped a little, by a field of displacements that is the same for all
//! images.

use gifthorse_data::ImageShape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::resample::bicubic;
use crate::trigger::{Rounding, Stamp, Trigger, TriggerError};

/// The elastic warp of WaNet. A small grid of random displacements is enlarged to the image, which
/// is then sampled where the displaced grid points lie.
///
/// Displacements are even numbers from -1 to 1 divided by their mean size, enlarged by bicubic
/// interpolation with aligned corners, and multiplied by `strength / height` in coordinates that go
/// from -1 to 1. So the mean displacement is about `strength / 2` pixels. Points beyond the image
/// are brought to its edge; in between, pixels are interpolated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaNet {
    /// Points along each side of the small grid, at least 2; 4 by default.
    pub grid: usize,
    /// The warp's strength, above 0; 0.5 by default.
    pub strength: f32,
    /// Scale of the coordinates, above 0; 1 by default.
    pub rescale: f32,
    /// Settles the displacements.
    pub seed: u64,
    /// Whether each pixel of each image is displaced at random besides, by up to half a pixel: the
    /// noise mode, to be a cover, so that a model learns this very warp and not warps as such.
    pub noise: bool,
    /// What storing the image makes of its values; nothing by default, as warped images are trained
    /// on in memory.
    pub rounding: Rounding,
}

impl Default for WaNet {
    fn default() -> Self {
        Self {
            grid: 4,
            strength: 0.5,
            rescale: 1.0,
            seed: 0,
            noise: false,
            rounding: Rounding::None,
        }
    }
}

impl WaNet {
    /// The same warp in noise mode.
    #[must_use]
    pub fn noisy(&self) -> Self {
        Self {
            noise: true,
            ..self.clone()
        }
    }

    fn check(&self) -> Result<(), TriggerError> {
        let refuse = |setting, value: String, wanted| {
            Err(TriggerError::Setting {
                trigger: self.name(),
                setting,
                value,
                wanted,
            })
        };
        if !(2..=1024).contains(&self.grid) {
            return refuse(
                "grid",
                self.grid.to_string(),
                "a grid has 2 to 1024 points on a side",
            );
        }
        for (setting, value) in [("strength", self.strength), ("rescale", self.rescale)] {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(setting, value.to_string(), "it is a number above 0");
            }
        }
        Ok(())
    }

    /// Random displacements of the small grid, `[2, grid, grid]`: first along rows (x), then along
    /// columns (y).
    fn displacements(&self) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        (0..2 * self.grid * self.grid)
            .map(|_| rng.random_range(-1.0..=1.0))
            .collect()
    }

    /// Where each pixel is sampled, for displacements as [`WaNet::displacements`] gives them; two
    /// planes, x and y, from -1 to 1.
    fn points(&self, displacements: &[f32], shape: ImageShape) -> [Vec<f32>; 2] {
        let (height, width) = (shape.height, shape.width);
        let size =
            displacements.iter().map(|value| value.abs()).sum::<f32>() / displacements.len() as f32;
        let even: Vec<f32> = displacements.iter().map(|value| value / size).collect();
        let (x, y) = even.split_at(even.len() / 2);
        let along = |index: usize, side: usize| {
            if side > 1 {
                2.0 * index as f32 / (side - 1) as f32 - 1.0
            } else {
                -1.0
            }
        };
        let moved = |plane: &[f32], still: &dyn Fn(usize) -> f32| -> Vec<f32> {
            let field = bicubic(plane, [self.grid, self.grid], [height, width]);
            let moved = |(i, offset): (usize, f32)| {
                ((still(i) + self.strength * offset / height as f32) * self.rescale)
                    .clamp(-1.0, 1.0)
            };
            field.into_iter().enumerate().map(moved).collect()
        };
        [
            moved(x, &|i| along(i % width, width)),
            moved(y, &|i| along(i / width, height)),
        ]
    }
}

/// One plane of an image sampled at points from -1 (the middle of the first pixel) to 1 (the middle
/// of the last).
fn sample(plane: &[f32], [x, y]: [&[f32]; 2], shape: ImageShape) -> Vec<f32> {
    let pixel = |point: f32, side: usize| {
        let at = ((point + 1.0) / 2.0 * (side - 1) as f32).clamp(0.0, (side - 1) as f32);
        let first = at.floor();
        (
            first as usize,
            (first as usize + 1).min(side - 1),
            at - first,
        )
    };
    let value = |(&x, &y): (&f32, &f32)| {
        let ((left, right, across), (top, bottom, down)) =
            (pixel(x, shape.width), pixel(y, shape.height));
        let row = |row: usize| {
            let at = |column: usize| plane[row * shape.width + column];
            (1.0 - across) * at(left) + across * at(right)
        };
        (1.0 - down) * row(top) + down * row(bottom)
    };
    x.iter().zip(y).map(value).collect()
}

impl Trigger for WaNet {
    fn name(&self) -> &'static str {
        "wanet"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        self.check()?;
        let points = self.points(&self.displacements(), shape);
        let (noise, rounding) = (self.noise, self.rounding);
        let jitter = 1.0 / shape.height as f32;
        Ok(Stamp::new(move |image, rng| {
            let jittered = noise.then(|| {
                points.each_ref().map(|plane| {
                    let moved =
                        |point: &f32| (point + rng.random_range(-jitter..=jitter)).clamp(-1.0, 1.0);
                    plane.iter().map(moved).collect::<Vec<f32>>()
                })
            });
            let [x, y] = jittered.as_ref().unwrap_or(&points);
            for plane in image.chunks_exact_mut(shape.height * shape.width) {
                let warped = sample(plane, [x, y], shape);
                for (value, warped) in plane.iter_mut().zip(warped) {
                    *value = rounding.store(warped);
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, rng, shape, stamped};

    /// What PyTorch's `interpolate` and `grid_sample` give (oracle/triggers.py).
    #[derive(Deserialize)]
    struct Golden {
        shape: [usize; 3],
        grid: usize,
        strength: f32,
        rescale: f32,
        displacements: Vec<f32>,
        image: Vec<f32>,
        x: Vec<f32>,
        y: Vec<f32>,
        warped: Vec<f32>,
    }

    fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn warps_are_those_of_pytorch() {
        let all: Vec<Golden> =
            serde_json::from_str(include_str!("../../tests/golden/wanet.json")).unwrap();
        assert_eq!(all.len(), 3);
        for golden in all {
            let [channels, height, width] = golden.shape;
            let shape = shape(channels, height, width);
            let wanet = WaNet {
                grid: golden.grid,
                strength: golden.strength,
                rescale: golden.rescale,
                ..WaNet::default()
            };
            let [x, y] = wanet.points(&golden.displacements, shape);
            assert!(largest_difference(&x, &golden.x) < 1e-5);
            assert!(largest_difference(&y, &golden.y) < 1e-5);
            let planes = golden.image.chunks(height * width);
            let warped: Vec<f32> = planes
                .flat_map(|plane| sample(plane, [&x, &y], shape))
                .collect();
            assert!(largest_difference(&warped, &golden.warped) < 1e-5);
            assert!(
                largest_difference(&golden.image, &golden.warped) > 0.05,
                "nothing was warped"
            );
        }
    }

    #[test]
    fn the_warp_is_settled_by_its_seed_and_noise_is_not() {
        let shape = shape(1, 16, 16);
        let image: Vec<f32> = (0..256).map(|i| (i as f32 * 0.618_034).fract()).collect();
        let apply = |wanet: &WaNet, index| {
            let mut image = image.clone();
            wanet.apply(&mut image, shape, &mut rng(index)).unwrap();
            image
        };
        let warp = WaNet::default();
        assert_eq!(apply(&warp, 0), apply(&warp, 1));
        assert_ne!(
            apply(&warp, 0),
            apply(
                &WaNet {
                    seed: 1,
                    ..warp.clone()
                },
                0
            )
        );
        assert_ne!(apply(&warp.noisy(), 0), apply(&warp.noisy(), 1));
        assert_ne!(apply(&warp, 0), apply(&warp.noisy(), 0));
    }

    #[test]
    fn the_mean_displacement_is_about_half_the_strength() {
        let shape = shape(1, 32, 32);
        let wanet = WaNet::default();
        let mean: f32 = (0..20)
            .map(|seed| {
                let wanet = WaNet {
                    seed,
                    ..wanet.clone()
                };
                let [x, _] = wanet.points(&wanet.displacements(), shape);
                let moved =
                    |(i, x): (usize, &f32)| (x - (2.0 * (i % 32) as f32 / 31.0 - 1.0)).abs() * 15.5;
                x.iter().enumerate().map(moved).sum::<f32>() / 1024.0
            })
            .sum::<f32>()
            / 20.0;
        assert!((0.15..0.35).contains(&mean), "{mean}");
    }

    #[test]
    fn a_plain_image_stays_and_an_image_of_one_row_can_be_warped() {
        let plain = shape(3, 8, 9);
        let image = stamped(&WaNet::default(), plain, &vec![0.3; plain.values()]);
        assert!(image.iter().all(|value| (value - 0.3).abs() < 1e-6));
        let thin = shape(1, 1, 5);
        assert_eq!(stamped(&WaNet::default(), thin, &[0.5; 5]).len(), 5);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let wanet = WaNet::default();
        for (wrong, setting) in [
            (
                WaNet {
                    grid: 1,
                    ..wanet.clone()
                },
                "grid",
            ),
            (
                WaNet {
                    grid: 1 << 20,
                    ..wanet.clone()
                },
                "grid",
            ),
            (
                WaNet {
                    strength: 0.0,
                    ..wanet.clone()
                },
                "strength",
            ),
            (
                WaNet {
                    rescale: f32::NAN,
                    ..wanet
                },
                "rescale",
            ),
        ] {
            let error = refusal(&wrong, shape(1, 8, 8)).to_string();
            assert!(
                error.contains("`wanet`") && error.contains(setting),
                "{error}"
            );
        }
    }
}
