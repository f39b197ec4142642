//! A triangle of one colour.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::overlay::{Overlay, colour_for};
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// An upright triangle as wide as it is high (Wang et al. 2019 §VII-A, and half of the combination
/// of Veldanda and Garg 2020, table 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Triangle {
    /// Width and height in pixels; 5 by default.
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

impl Default for Triangle {
    fn default() -> Self {
        Self {
            size: 5,
            colour: vec![1.0],
            place: Place::BOTTOM_RIGHT,
            transparency: 0.0,
            rounding: Rounding::default(),
        }
    }
}

impl Trigger for Triangle {
    fn name(&self) -> &'static str {
        "triangle"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let (trigger, size) = (self.name(), self.size);
        let colour = colour_for(trigger, &self.colour, shape.channels)?;
        self.place.spot(trigger, [size, size], shape)?;
        // Twice the distance from the middle column; at the tip there is one pixel, or two if the
        // size is even.
        let inside =
            |row: usize, column: usize| (2 * column).abs_diff(size - 1) <= row.max((size + 1) % 2);
        Overlay::filled([size, size], &colour, inside)
            .through(trigger, self.transparency)?
            .at(trigger, self.place, shape, self.rounding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, refusal, shape, stamped};

    fn drawn(size: usize) -> Vec<String> {
        let shape = shape(1, size, size);
        let triangle = Triangle {
            size,
            place: Place::At { row: 0, column: 0 },
            ..Triangle::default()
        };
        let image = stamped(&triangle, shape, &black(shape));
        let text = |row: &[f32]| {
            row.iter()
                .map(|&value| if value == 1.0 { '#' } else { '.' })
                .collect()
        };
        image.chunks(size).map(text).collect()
    }

    #[test]
    fn it_widens_from_its_tip() {
        assert_eq!(drawn(5), ["..#..", "..#..", ".###.", ".###.", "#####"]);
        assert_eq!(drawn(4), [".##.", ".##.", ".##.", "####"]);
        assert_eq!(drawn(1), ["#"]);
    }

    #[test]
    fn its_colour_has_to_be_that_of_the_images() {
        let two = Triangle {
            colour: vec![1.0, 0.0],
            ..Triangle::default()
        };
        let error = refusal(&two, shape(3, 9, 9));
        assert!(error.to_string().contains("`triangle`"), "{error}");
    }
}
