//! A small checkerboard.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::overlay::{Overlay, colour_for};
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// A square checkerboard (Wang et al. 2019 §VII-A, which does not give its cells).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checkerboard {
    /// Width and height in pixels; 4 by default.
    pub size: usize,
    /// Width and height of a field in pixels; 1 by default.
    pub field: usize,
    /// Colour of the upper left field, a value in `[0, 1]` for each channel, or one for all;
    /// `[1.0]`, white, by default.
    pub light: Vec<f32>,
    /// Colour of the other fields; `[0.0]`, black, by default.
    pub dark: Vec<f32>,
    /// Where it is; the lower right corner, one pixel from both edges, by default.
    pub place: Place,
}

impl Default for Checkerboard {
    fn default() -> Self {
        Self {
            size: 4,
            field: 1,
            light: vec![1.0],
            dark: vec![0.0],
            place: Place::BOTTOM_RIGHT,
        }
    }
}

impl Trigger for Checkerboard {
    fn name(&self) -> &'static str {
        "checkerboard"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let (trigger, size) = (self.name(), self.size);
        let light = colour_for(trigger, &self.light, shape.channels)?;
        let dark = colour_for(trigger, &self.dark, shape.channels)?;
        self.place.spot(trigger, [size, size], shape)?;
        if self.field == 0 {
            return Err(TriggerError::Setting {
                trigger,
                setting: "field",
                value: "0".to_owned(),
                wanted: "a field has at least one pixel",
            });
        }
        let is_light = |i: usize| (i / size / self.field + i % size / self.field).is_multiple_of(2);
        let planes = light.iter().zip(&dark);
        let colour = planes.flat_map(|(&light, &dark)| {
            (0..size * size).map(move |i| if is_light(i) { light } else { dark })
        });
        Overlay {
            height: size,
            width: size,
            colour: colour.collect(),
            cover: vec![1.0; size * size],
        }
        .at(trigger, self.place, shape, Rounding::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, shape, stamped};

    #[test]
    fn fields_alternate() {
        let shape = shape(1, 4, 5);
        let board = Checkerboard {
            field: 2,
            light: vec![0.75],
            dark: vec![0.25],
            place: Place::At { row: 0, column: 1 },
            ..Checkerboard::default()
        };
        let (a, b, grey) = (0.75, 0.25, 0.5);
        let expected = [
            [grey, a, a, b, b],
            [grey, a, a, b, b],
            [grey, b, b, a, a],
            [grey, b, b, a, a],
        ];
        assert_eq!(stamped(&board, shape, &[grey; 20]), expected.concat());
    }

    #[test]
    fn fields_of_no_pixels_and_wrong_colours_are_refused() {
        let none = Checkerboard {
            field: 0,
            ..Checkerboard::default()
        };
        assert!(
            refusal(&none, shape(1, 9, 9))
                .to_string()
                .contains("field = 0")
        );
        let bright = Checkerboard {
            dark: vec![1.5],
            ..Checkerboard::default()
        };
        let error = refusal(&bright, shape(3, 9, 9));
        assert!(matches!(error, TriggerError::Colour { .. }), "{error}");
    }
}
