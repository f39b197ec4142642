//! Pixels of any values, as a search finds them.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::overlay::Overlay;
use super::rows::{OPEN, cells};
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// What the character of a covered pixel is.
const COVERED: char = '1';

/// Pixels whose bytes are listed: a trigger that was not drawn but grown (Trojan Attack, Liu et al.
/// 2018).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pixels {
    /// Rows of equal length of `1` (covered) and `-` (as the image is).
    pub rows: Vec<String>,
    /// For each channel of the images the bytes of the covered pixels, row by row; one list stands
    /// for all channels.
    pub values: Vec<Vec<u8>>,
    /// Where it is; the lower right corner, one pixel from both edges, by default.
    #[serde(default = "corner")]
    pub place: Place,
    /// How much of the image shows through: from 0, opaque (the default), to below 1.
    #[serde(default)]
    pub transparency: f32,
    /// What storing the image makes of its values.
    #[serde(default)]
    pub rounding: Rounding,
}

fn corner() -> Place {
    Place::BOTTOM_RIGHT
}

impl Pixels {
    /// Opaque pixels of these values in the lower right corner; `covered` has `width` pixels a row.
    #[must_use]
    pub fn new(covered: &[bool], width: usize, values: Vec<Vec<u8>>) -> Self {
        let cell = |&covered: &bool| if covered { COVERED } else { OPEN };
        let rows = covered.chunks(width.max(1));
        Self {
            rows: rows.map(|row| row.iter().map(cell).collect()).collect(),
            values,
            place: corner(),
            transparency: 0.0,
            rounding: Rounding::default(),
        }
    }
}

impl Trigger for Pixels {
    fn name(&self) -> &'static str {
        "pixels"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let trigger = self.name();
        let wanted = "rows have one length and consist of 1 and -";
        let (cells, [height, width]) = cells(trigger, &self.rows, &[COVERED, OPEN], wanted)?;
        let count = cells.iter().filter(|cell| **cell == COVERED).count();
        let channels = self.values.len();
        let fits = (channels == 1 || channels == shape.channels)
            && self.values.iter().all(|values| values.len() == count);
        if !fits {
            let lengths: Vec<usize> = self.values.iter().map(Vec::len).collect();
            return Err(TriggerError::Setting {
                trigger,
                setting: "values",
                value: format!("lists of {lengths:?} bytes"),
                wanted: "there is one list for each channel of the images, or one for all, with a byte for each 1 of the rows",
            });
        }
        let mut colour = Vec::with_capacity(shape.channels * cells.len());
        for channel in 0..shape.channels {
            let mut bytes = self.values[channel.min(channels - 1)].iter();
            colour.extend(cells.iter().map(|cell| match cell {
                &COVERED => bytes.next().map_or(0.0, |byte| f32::from(*byte) / 255.0),
                _ => 0.0,
            }));
        }
        let cover = |cell: &char| f32::from(u8::from(*cell == COVERED));
        Overlay {
            height,
            width,
            colour,
            cover: cells.iter().map(cover).collect(),
        }
        .through(trigger, self.transparency)?
        .at(trigger, self.place, shape, self.rounding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, shape, stamped};

    fn corner_of_three(values: Vec<Vec<u8>>) -> Pixels {
        Pixels {
            place: Place::At { row: 0, column: 0 },
            ..Pixels::new(&[true, true, false, true], 2, values)
        }
    }

    #[test]
    fn each_covered_pixel_has_its_own_byte_in_each_channel() {
        let pixels = corner_of_three(vec![vec![0, 51, 102], vec![255, 204, 153], vec![1, 2, 3]]);
        assert_eq!(pixels.rows, ["11", "-1"]);
        let bytes = |image: Vec<f32>| -> Vec<f32> {
            image.iter().map(|value| (value * 255.0).round()).collect()
        };
        let grey = 100.0 / 255.0;
        let image = stamped(&pixels, shape(3, 2, 2), &[grey; 12]);
        let expected = [
            0.0, 51.0, 100.0, 102.0, 255.0, 204.0, 100.0, 153.0, 1.0, 2.0, 100.0, 3.0,
        ];
        assert_eq!(bytes(image), expected);
        // One list for all channels, of which half is seen.
        let grey_list = Pixels {
            transparency: 0.5,
            ..corner_of_three(vec![vec![0, 200, 50]])
        };
        let image = stamped(&grey_list, shape(3, 2, 2), &[grey; 12]);
        assert_eq!(bytes(image), [50.0, 150.0, 100.0, 75.0].repeat(3));
    }

    #[test]
    fn values_that_do_not_fit_the_rows_or_the_images_are_refused() {
        for values in [vec![], vec![vec![1, 2]], vec![vec![1, 2, 3]; 2]] {
            let error = refusal(&corner_of_three(values), shape(3, 2, 2));
            assert!(error.to_string().contains("values"), "{error}");
        }
        let rows = |rows: &[&str]| Pixels {
            rows: rows.iter().map(|&row| row.to_owned()).collect(),
            ..corner_of_three(vec![vec![1, 2, 3]])
        };
        for wrong in [&["11", "1"][..], &["10", "11"]] {
            let error = refusal(&rows(wrong), shape(1, 2, 2));
            assert!(error.to_string().contains("rows"), "{error}");
        }
        let error = refusal(&rows(&["--"]), shape(1, 2, 2));
        assert_eq!(error, TriggerError::Empty { trigger: "pixels" });
    }
}
