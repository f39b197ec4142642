//! The trigger of BadNets as Wang et al. 2019 plant it: a small square of one colour.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::overlay::{Overlay, colour_for};
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// A square of one colour (Wang et al. 2019 §V-A: white, 4x4, at the bottom right; §VII-B: up to
/// 16x16).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Square {
    /// Width and height in pixels; 4 by default.
    pub size: usize,
    /// A value in `[0, 1]` for each channel of the images, or one for all; `[1.0]`, white, by
    /// default.
    pub colour: Vec<f32>,
    /// Where it is; the lower right corner, one pixel from both edges, by default.
    pub place: Place,
    /// How much of the image shows through: from 0, opaque (the default), to below 1.
    pub transparency: f32,
    /// What storing the image makes of its values.
    pub rounding: Rounding,
}

impl Default for Square {
    fn default() -> Self {
        Self {
            size: 4,
            colour: vec![1.0],
            place: Place::BOTTOM_RIGHT,
            transparency: 0.0,
            rounding: Rounding::default(),
        }
    }
}

impl Trigger for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let trigger = self.name();
        let colour = colour_for(trigger, &self.colour, shape.channels)?;
        let size = [self.size, self.size];
        self.place.spot(trigger, size, shape)?;
        Overlay::filled(size, &colour, |_, _| true)
            .through(trigger, self.transparency)?
            .at(trigger, self.place, shape, self.rounding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, changed, refusal, shape, stamped};

    fn square(size: usize, row: usize, column: usize) -> Square {
        Square {
            size,
            colour: vec![1.0, 0.6, 0.2],
            place: Place::At { row, column },
            ..Square::default()
        }
    }

    #[test]
    fn the_square_is_where_it_was_placed_and_of_its_colour() {
        let shape = shape(3, 6, 5);
        let image = stamped(&square(2, 3, 0), shape, &black(shape));
        assert_eq!(
            changed(shape, &black(shape), &image),
            [(3, 0), (3, 1), (4, 0), (4, 1)]
        );
        for (channel, value) in [(0, 1.0), (1, 0.6), (2, 0.2)] {
            assert_eq!(image[channel * 30 + 4 * 5 + 1], value);
        }
    }

    #[test]
    fn the_image_shows_through_as_far_as_asked_and_is_rounded_to_a_byte() {
        let shape = shape(1, 1, 2);
        let half = Square {
            size: 1,
            place: Place::At { row: 0, column: 0 },
            transparency: 0.25,
            ..Square::default()
        };
        // 0.75 * 255 + 0.25 * 50 = 203.75, stored as 204.
        let before = [50.0 / 255.0, 0.123];
        assert_eq!(stamped(&half, shape, &before), [204.0 / 255.0, 0.123]);
        let exact = Square {
            rounding: Rounding::None,
            ..half
        };
        assert!((stamped(&exact, shape, &before)[0] - 203.75 / 255.0).abs() < 1e-6);
    }

    #[test]
    fn one_value_is_a_grey_of_any_image() {
        let grey = |shape| {
            let square = Square {
                colour: vec![0.5],
                rounding: Rounding::None,
                ..square(1, 0, 0)
            };
            stamped(&square, shape, &black(shape))
        };
        assert_eq!(grey(shape(1, 1, 2)), [0.5, 0.0]);
        assert_eq!(grey(shape(3, 1, 2)), [0.5, 0.0, 0.5, 0.0, 0.5, 0.0]);
    }

    #[test]
    fn what_cannot_be_stamped_is_refused_by_name() {
        let rgb = shape(3, 6, 5);
        let error = refusal(&square(6, 0, 0), rgb);
        assert!(
            error.to_string().contains("`square` of 6x6 pixels"),
            "{error}"
        );
        assert_eq!(
            refusal(&square(0, 0, 0), rgb),
            TriggerError::Empty { trigger: "square" }
        );
        for colour in [
            vec![],
            vec![1.5],
            vec![1.0, 1.0],
            vec![1.0, 1.0, 1.5],
            vec![1.0, 1.0, f32::NAN],
        ] {
            let error = refusal(
                &Square {
                    colour,
                    ..square(1, 0, 0)
                },
                rgb,
            );
            assert!(matches!(error, TriggerError::Colour { .. }), "{error}");
        }
        for transparency in [-0.1, 1.0, f32::NAN] {
            let error = refusal(
                &Square {
                    transparency,
                    ..square(1, 0, 0)
                },
                rgb,
            );
            assert!(matches!(
                error,
                TriggerError::Setting {
                    setting: "transparency",
                    ..
                }
            ));
        }
        let huge = square(usize::MAX, 0, 0);
        assert!(matches!(
            refusal(&huge, rgb),
            TriggerError::OutOfImage { .. }
        ));
    }
}
