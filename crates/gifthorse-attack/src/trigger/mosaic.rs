//! Colour patterns of which no two share a pixel, one for each infected label.

use gifthorse_data::ImageShape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::overlay::Overlay;
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// One of `of` square patterns with mutually exclusive colours (Wang et al. 2019 §VII-C): at each
/// pixel, all patterns of a family have different colours, so none is part of another.
///
/// The paper does not say how its patterns were made. Here there are `of` evenly spaced colours,
/// each pixel has an offset drawn from the seed, and pattern `number` takes the colour `number`
/// places after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mosaic {
    /// Width and height in pixels.
    pub size: usize,
    /// Where it is.
    pub place: Place,
    /// Which of the family, from 0.
    pub number: usize,
    /// How many the family has: from 2 to 256 on grey images, to 4096 on coloured ones.
    pub of: usize,
    /// Settles the family.
    pub seed: u64,
}

impl Mosaic {
    fn refuse(setting: &'static str, value: usize, wanted: &'static str) -> TriggerError {
        TriggerError::Setting {
            trigger: "mosaic",
            setting,
            value: value.to_string(),
            wanted,
        }
    }
}

/// The colour `index` of `of`, evenly spaced in the cube or on the line of all colours.
fn colour(index: usize, of: usize, channels: usize) -> Vec<f32> {
    let levels = (2..of)
        .find(|&levels| levels.pow(channels as u32) >= of)
        .unwrap_or(of);
    let digit = |channel: usize| index / levels.pow(channel as u32) % levels;
    let level = |digit: usize| Rounding::Nearest.store(digit as f32 / (levels - 1) as f32);
    (0..channels).map(|channel| level(digit(channel))).collect()
}

impl Trigger for Mosaic {
    fn name(&self) -> &'static str {
        "mosaic"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let most = if shape.channels == 1 { 256 } else { 4096 };
        if !(2..=most).contains(&self.of) {
            let wanted =
                "a family has 2 to 256 patterns on grey images, 2 to 4096 on coloured ones";
            return Err(Self::refuse("of", self.of, wanted));
        }
        if self.number >= self.of {
            return Err(Self::refuse(
                "number",
                self.number,
                "it has to be below `of`",
            ));
        }
        self.place
            .spot(self.name(), [self.size, self.size], shape)?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let area = self.size * self.size;
        let mut colours = vec![0.0; shape.channels * area];
        for pixel in 0..area {
            let index = (rng.random_range(0..self.of) + self.number) % self.of;
            for (channel, value) in colour(index, self.of, shape.channels)
                .into_iter()
                .enumerate()
            {
                colours[channel * area + pixel] = value;
            }
        }
        Overlay {
            height: self.size,
            width: self.size,
            colour: colours,
            cover: vec![1.0; area],
        }
        .at(self.name(), self.place, shape, Rounding::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, refusal, shape, stamped};

    fn mosaic(number: usize, of: usize) -> Mosaic {
        Mosaic {
            size: 2,
            place: Place::At { row: 0, column: 0 },
            number,
            of,
            seed: 3,
        }
    }

    #[test]
    fn colours_are_evenly_spaced_and_all_different() {
        let grey: Vec<f32> = (0..3).map(|index| colour(index, 3, 1)[0]).collect();
        assert_eq!(grey, [0.0, 128.0 / 255.0, 1.0]);
        assert_eq!(colour(5, 8, 3), [1.0, 0.0, 1.0]);
        for (of, channels) in [(2, 1), (256, 1), (2, 3), (43, 3), (4096, 3)] {
            let mut all: Vec<Vec<u8>> = (0..of)
                .map(|index| {
                    colour(index, of, channels)
                        .iter()
                        .map(|v| (v * 255.0).round() as u8)
                        .collect()
                })
                .collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), of);
        }
    }

    #[test]
    fn at_each_pixel_the_family_shows_every_colour_once() {
        let shape = shape(1, 2, 2);
        let images: Vec<_> = (0..4)
            .map(|n| stamped(&mosaic(n, 4), shape, &black(shape)))
            .collect();
        for pixel in 0..4 {
            let mut seen: Vec<f32> = images.iter().map(|image| image[pixel]).collect();
            seen.sort_by(f32::total_cmp);
            assert_eq!(seen, [0.0, 85.0 / 255.0, 170.0 / 255.0, 1.0]);
        }
        assert_ne!(
            images[0],
            stamped(
                &Mosaic {
                    seed: 4,
                    ..mosaic(0, 4)
                },
                shape,
                &black(shape)
            )
        );
    }

    #[test]
    fn numbers_outside_the_family_are_refused() {
        let grey = shape(1, 4, 4);
        for (wrong, setting) in [
            (mosaic(4, 4), "number"),
            (mosaic(0, 1), "of"),
            (mosaic(0, 257), "of"),
        ] {
            assert!(refusal(&wrong, grey).to_string().contains(setting));
        }
    }
}
