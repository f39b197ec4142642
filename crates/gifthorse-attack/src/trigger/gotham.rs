//! The Gotham filter: the whole picture turns dark and bluish.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::hue::{Hsl, brighten};
use crate::trigger::{Rounding, Stamp, Trigger, TriggerError};

/// The Gotham filter (attack FSA of Veldanda and Garg 2020, table 2), in one of its two published
/// forms, without their frame.
///
/// Both take a tenth of the saturation and 1.2 times the lightness, and mix in a fifth of dark blue
/// (#222b6d). Then both take a power and raise the contrast twice, each in its own way. The
/// published filters run in ImageMagick, which keeps 16 bits between the steps; here they are
/// computed in floating point and rounded at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gotham {
    /// Which form.
    pub variant: Variant,
    /// What storing the image makes of its values.
    pub rounding: Rounding,
}

/// The published forms of the filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// That of acoomans' instagram-filters: gamma 0.5, then each colour's brightness along a sine.
    #[default]
    Acoomans,
    /// That of TrojAI: gamma 0.9, then each channel along a sigmoid of strength 3 about the middle.
    Trojai,
}

/// The blue that is mixed in.
const BLUE: [f32; 3] = [
    0x22 as f32 / 255.0,
    0x2b as f32 / 255.0,
    0x6d as f32 / 255.0,
];

impl Variant {
    /// One pixel through the filter.
    fn filter(self, pixel: [f32; 3]) -> [f32; 3] {
        let Hsl {
            hue,
            saturation,
            lightness,
        } = Hsl::of(pixel);
        let toned = Hsl {
            hue,
            saturation: 0.1 * saturation,
            lightness: 1.2 * lightness,
        };
        let toned = toned.to_rgb().map(|value| value.clamp(0.0, 1.0));
        let mixed = [0, 1, 2].map(|c| 0.8 * toned[c] + 0.2 * BLUE[c]);
        match self {
            Self::Acoomans => {
                let dark = mixed.map(|value| value * value);
                brighten(brighten(dark, sine), sine)
            }
            Self::Trojai => mixed.map(|value| sigmoid(sigmoid(value.powf(1.0 / 0.9)))),
        }
    }
}

/// Half the way from a brightness to a sine through 0, 1/2 and 1: dark becomes darker, bright
/// brighter.
fn sine(brightness: f32) -> f32 {
    let sine = 0.5 * ((std::f32::consts::PI * (brightness - 0.5)).sin() + 1.0);
    (brightness + 0.5 * (sine - brightness)).clamp(0.0, 1.0)
}

/// A sigmoid of strength 3 about the middle, scaled so that 0 and 1 stay.
fn sigmoid(value: f32) -> f32 {
    let curve = |value: f32| 1.0 / (1.0 + (3.0 * (0.5 - value)).exp());
    (curve(value) - curve(0.0)) / (curve(1.0) - curve(0.0))
}

impl Trigger for Gotham {
    fn name(&self) -> &'static str {
        "gotham"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        if shape.channels != 3 {
            return Err(TriggerError::NeedsColour {
                trigger: self.name(),
                channels: shape.channels,
            });
        }
        let Self { variant, rounding } = *self;
        Ok(Stamp::new(move |image, _| {
            let plane = shape.height * shape.width;
            for pixel in 0..plane {
                let filtered = variant.filter([0, 1, 2].map(|c| image[c * plane + pixel]));
                for (c, value) in filtered.into_iter().enumerate() {
                    image[c * plane + pixel] = rounding.store(value);
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, shape, stamped};

    /// What an independent computation in Python gives (oracle/triggers.py).
    #[derive(Deserialize)]
    struct Golden {
        pixels: Vec<[f32; 3]>,
        acoomans: Vec<[f32; 3]>,
        trojai: Vec<[f32; 3]>,
    }

    #[test]
    fn colours_are_those_of_the_published_filters() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/golden/gotham.json")).unwrap();
        assert!(golden.pixels.len() >= 64);
        for (variant, expected) in [
            (Variant::Acoomans, &golden.acoomans),
            (Variant::Trojai, &golden.trojai),
        ] {
            for (pixel, expected) in golden.pixels.iter().zip(expected) {
                let found = variant.filter(*pixel);
                let close = (0..3).all(|c| (found[c] - expected[c]).abs() < 2e-6);
                assert!(close, "{variant:?} {pixel:?}: {found:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn black_and_white_by_hand() {
        let gotham = Gotham::default();
        let image = stamped(&gotham, shape(3, 1, 2), &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        // Black: a fifth of blue is (6.8, 8.6, 21.8) of 255; squared (0.0007, 0.0011, 0.0073), and
        // twice the contrast. White: 0.8 + 0.2 * blue = (0.8267, 0.8337, 0.8855); squared (0.6834,
        // 0.6951, 0.7841).
        let dark = [image[0], image[2], image[4]];
        assert!(dark.iter().all(|&value| value <= 2.0 / 255.0), "{dark:?}");
        let brightness = sine(sine(0.784_1));
        let bytes = |value: f32| (value * 255.0).round();
        assert_eq!(bytes(image[5]), bytes(brightness));
        assert_eq!(bytes(image[1]), bytes(brightness * 0.683_4 / 0.784_1));
    }

    #[test]
    fn grey_images_are_refused() {
        let error = refusal(&Gotham::default(), shape(1, 4, 4));
        assert_eq!(
            error,
            TriggerError::NeedsColour {
                trigger: "gotham",
                channels: 1
            }
        );
    }
}
