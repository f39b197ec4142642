//! BppAttack: the image keeps fewer shades of each colour.

use gifthorse_data::ImageShape;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::trigger::{Rounding, Stamp, Trigger, TriggerError};

/// The trigger of BppAttack (Wang, Zhai and Ma 2022): each value of an image of 8 bits is squeezed
/// into `bits` of them, and what that loses is spread over the pixels that follow (Floyd and
/// Steinberg). What changes is another thing in each image, and no pattern is added to any.
///
/// A value becomes the nearest of `2^bits` shades from 0 to 255, equally far apart but for being
/// whole. The shades are made whole before errors are spread, so that an image that has been
/// squeezed stays as it is; the authors' program does so afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bpp {
    /// Bits that are left of 8, from 1 to 7; 5 by default.
    pub bits: u8,
    /// Whether errors are spread; they are by default.
    pub dither: bool,
    /// Whether an image gets what squeezing would change in it at another place, moved there at
    /// random: the paper's negative samples, to be a cover, so that a model learns few shades and
    /// not noise of that size. The paper takes what squeezing changes in another image.
    pub noise: bool,
}

impl Default for Bpp {
    fn default() -> Self {
        Self {
            bits: 5,
            dither: true,
            noise: false,
        }
    }
}

/// Floyd and Steinberg's share of a pixel's error for those that follow, by rows and columns from
/// it.
const SPREAD: [(usize, isize, f64); 4] = [
    (0, 1, 7.0 / 16.0),
    (1, -1, 3.0 / 16.0),
    (1, 0, 5.0 / 16.0),
    (1, 1, 1.0 / 16.0),
];

impl Bpp {
    /// The same in noise mode.
    #[must_use]
    pub fn noisy(self) -> Self {
        Self {
            noise: true,
            ..self
        }
    }

    /// The nearest shade to a byte, which errors may have led out of its range.
    fn shade(self, byte: f64) -> f64 {
        let steps = f64::from((1_u16 << self.bits) - 1);
        let step = (byte / 255.0 * steps).round().clamp(0.0, steps);
        (step / steps * 255.0).round()
    }

    /// The bytes of one plane of an image, squeezed.
    fn squeeze(self, bytes: &[f64], width: usize) -> Vec<f64> {
        let mut plane = bytes.to_vec();
        for pixel in 0..plane.len() {
            let shade = self.shade(plane[pixel]);
            let lost = plane[pixel] - shade;
            plane[pixel] = shade;
            if !self.dither {
                continue;
            }
            for (down, right, share) in SPREAD {
                let column = (pixel % width).checked_add_signed(right);
                let Some(column) = column.filter(|&column| column < width) else {
                    continue;
                };
                if let Some(next) = plane.get_mut((pixel / width + down) * width + column) {
                    *next += lost * share;
                }
            }
        }
        plane
    }
}

impl Trigger for Bpp {
    fn name(&self) -> &'static str {
        "bpp"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        if !(1..=7).contains(&self.bits) {
            return Err(TriggerError::Setting {
                trigger: self.name(),
                setting: "bits",
                value: self.bits.to_string(),
                wanted: "1 to 7 of 8 bits are left",
            });
        }
        let bpp = *self;
        let pixels = shape.height * shape.width;
        Ok(Stamp::new(move |image, rng| {
            // Never by nothing, which would be the trigger itself.
            let moved = if bpp.noise && pixels > 1 {
                rng.random_range(1..pixels)
            } else {
                0
            };
            for plane in image.chunks_exact_mut(pixels) {
                let bytes: Vec<f64> = plane
                    .iter()
                    .map(|value| f64::from(value * 255.0).round())
                    .collect();
                let squeezed = bpp.squeeze(&bytes, shape.width);
                for (pixel, value) in plane.iter_mut().enumerate() {
                    let from = (pixel + moved) % pixels;
                    let byte = bytes[pixel] + squeezed[from] - bytes[from];
                    *value = Rounding::Nearest.store(byte as f32 / 255.0);
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, rng, shape, stamped};

    /// What a computation in NumPy gives (oracle/triggers.py).
    #[derive(Deserialize)]
    struct Golden {
        shape: [usize; 3],
        bits: u8,
        dither: bool,
        image: Vec<u8>,
        squeezed: Vec<u8>,
    }

    fn values(bytes: &[u8]) -> Vec<f32> {
        bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect()
    }

    /// Bytes of an image of every shade, without order.
    fn colourful(shape: ImageShape) -> Vec<f32> {
        let bytes: Vec<u8> = (0..shape.values())
            .map(|i| (i * 7919 % 256) as u8)
            .collect();
        values(&bytes)
    }

    #[test]
    fn shades_are_those_of_numpy() {
        let all: Vec<Golden> =
            serde_json::from_str(include_str!("../../tests/golden/bpp.json")).unwrap();
        assert_eq!(all.len(), 6);
        for golden in all {
            let [channels, height, width] = golden.shape;
            let bpp = Bpp {
                bits: golden.bits,
                dither: golden.dither,
                noise: false,
            };
            let image = stamped(&bpp, shape(channels, height, width), &values(&golden.image));
            assert_eq!(image, values(&golden.squeezed), "{bpp:?}");
        }
    }

    #[test]
    fn errors_are_spread_by_hand() {
        let one = Bpp {
            bits: 1,
            ..Bpp::default()
        };
        // 100 is black and leaves 100, of which 7/16 are 43.75: 143.75 is white and leaves -111.25,
        // of which 7/16 are -48.67: 51.33 is black.
        let row = stamped(&one, shape(1, 1, 3), &values(&[100, 100, 100]));
        assert_eq!(row, [0.0, 1.0, 0.0]);
        let plain = Bpp {
            dither: false,
            ..one
        };
        assert_eq!(
            stamped(&plain, shape(1, 1, 3), &values(&[100, 100, 130])),
            [0.0, 0.0, 1.0]
        );
    }

    #[test]
    fn what_is_squeezed_has_few_shades_and_stays() {
        let shape = shape(3, 13, 17);
        let image = colourful(shape);
        for bits in 1..=7 {
            for dither in [false, true] {
                let bpp = Bpp {
                    bits,
                    dither,
                    noise: false,
                };
                let once = stamped(&bpp, shape, &image);
                assert_ne!(once, image);
                assert_eq!(stamped(&bpp, shape, &once), once, "{bpp:?}");
                let mut shades: Vec<u8> = once.iter().map(|v| (v * 255.0).round() as u8).collect();
                shades.sort_unstable();
                shades.dedup();
                assert!(shades.len() <= 1 << bits, "{bpp:?}: {shades:?}");
                assert!(once.iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
    }

    #[test]
    fn noise_is_as_large_and_elsewhere_in_each_image() {
        let shape = shape(1, 24, 24);
        // No value is near an end, where noise would be cut.
        let image: Vec<f32> = (0..shape.values())
            .map(|i| (60 + i * 7919 % 120) as f32 / 255.0)
            .collect();
        let bpp = Bpp {
            bits: 3,
            ..Bpp::default()
        };
        let apply = |bpp: Bpp, seed| {
            let mut image = image.clone();
            bpp.apply(&mut image, shape, &mut rng(seed)).unwrap();
            image
        };
        let changes = |after: &[f32]| -> Vec<i32> {
            let byte = |value: f32| (value * 255.0).round() as i32;
            let pairs = after.iter().zip(&image);
            pairs
                .map(|(&after, &before)| byte(after) - byte(before))
                .collect()
        };
        let (trigger, noise) = (changes(&apply(bpp, 0)), changes(&apply(bpp.noisy(), 0)));
        assert_ne!(trigger, noise);
        assert_ne!(noise, changes(&apply(bpp.noisy(), 1)));
        assert_eq!(apply(bpp, 0), apply(bpp, 1));
        let sorted = |mut changes: Vec<i32>| {
            changes.sort_unstable();
            changes
        };
        assert_eq!(sorted(trigger), sorted(noise));
        // An image of one pixel has no other place.
        let one = ImageShape {
            height: 1,
            width: 1,
            ..shape
        };
        assert_eq!(stamped(&bpp.noisy(), one, &[0.5]).len(), 1);
    }

    #[test]
    fn bits_that_are_none_or_all_are_refused() {
        for bits in [0, 8, 255] {
            let bpp = Bpp {
                bits,
                ..Bpp::default()
            };
            let error = refusal(&bpp, shape(1, 4, 4)).to_string();
            assert!(error.contains("`bpp`") && error.contains("bits"), "{error}");
        }
    }
}
