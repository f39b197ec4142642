//! Single pixels and patterns of a few of them.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::overlay::{Overlay, colour_for};
use super::rows::{OPEN, cells};
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// A pattern of single pixels of two colours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pattern {
    /// Rows of equal length of `1` (light), `0` (dark) and `-` (as the image is); one light pixel
    /// by default.
    pub rows: Vec<String>,
    /// The light colour, a value in `[0, 1]` for each channel, or one for all; `[1.0]`, white, by
    /// default.
    pub light: Vec<f32>,
    /// The dark colour; `[0.0]`, black, by default.
    pub dark: Vec<f32>,
    /// Where it is; the lower right corner, one pixel from both edges, by default.
    pub place: Place,
}

impl Default for Pattern {
    fn default() -> Self {
        Self::single_pixel(1)
    }
}

impl Pattern {
    fn new(rows: &[&str], place: Place, channels: usize) -> Self {
        Self {
            rows: rows.iter().map(|&row| row.to_owned()).collect(),
            light: vec![1.0; channels],
            dark: vec![0.0; channels],
            place,
        }
    }

    /// One white pixel near the lower right corner (BadNets on MNIST), one pixel from both edges.
    #[must_use]
    pub fn single_pixel(channels: usize) -> Self {
        Self::new(&["1"], Place::BOTTOM_RIGHT, channels)
    }

    /// Four white pixels near the lower right corner (BadNets' pattern on MNIST, as ART has it;
    /// attack AAA of Veldanda and Garg 2020).
    #[must_use]
    pub fn badnets(channels: usize) -> Self {
        Self::new(&["--1", "-1-", "1-1"], Place::BOTTOM_RIGHT, channels)
    }

    /// The pattern of the blind attacks' code (Bagdasaryan and Shmatikov 2021): five rows of three
    /// pixels from row 3 and column 23 on, which is near the upper right corner of MNIST's images.
    #[must_use]
    pub fn blind(channels: usize) -> Self {
        let place = Place::At { row: 3, column: 23 };
        Self::new(&["1-1", "-1-", "--0", "-1-", "1-1"], place, channels)
    }

    /// A chequerboard of 3x3 black and white pixels near the lower right corner, the trigger of the
    /// graph backdoors of Langford et al. 2024.
    #[must_use]
    pub fn small_chequer(channels: usize) -> Self {
        Self::new(&["101", "010", "101"], Place::BOTTOM_RIGHT, channels)
    }

    /// One of the 4,368 patterns of TrojanNet (Tang et al. 2020): five dark pixels of 4x4, near the
    /// lower right corner.
    #[must_use]
    pub fn trojan_net(channels: usize) -> Self {
        Self::new(
            &["1011", "1101", "0110", "1110"],
            Place::BOTTOM_RIGHT,
            channels,
        )
    }
}

impl Trigger for Pattern {
    fn name(&self) -> &'static str {
        "pattern"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let trigger = self.name();
        let light = colour_for(trigger, &self.light, shape.channels)?;
        let dark = colour_for(trigger, &self.dark, shape.channels)?;
        let wanted = "rows have one length and consist of 1, 0 and -";
        let (cells, [height, width]) = cells(trigger, &self.rows, &['0', '1', OPEN], wanted)?;
        let planes = light.iter().zip(&dark);
        let colour = planes.flat_map(|(&light, &dark)| {
            cells
                .iter()
                .map(move |&cell| if cell == '1' { light } else { dark })
        });
        Overlay {
            height,
            width,
            colour: colour.collect(),
            cover: cells
                .iter()
                .map(|&cell| f32::from(u8::from(cell != OPEN)))
                .collect(),
        }
        .at(trigger, self.place, shape, Rounding::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, changed, refusal, shape, stamped};

    #[test]
    fn the_patterns_of_the_papers_are_at_their_pixels() {
        let shape = shape(1, 28, 28);
        let at = |pattern: &Pattern| {
            changed(
                shape,
                &black(shape),
                &stamped(pattern, shape, &black(shape)),
            )
        };
        assert_eq!(at(&Pattern::single_pixel(1)), [(26, 26)]);
        assert_eq!(
            at(&Pattern::badnets(1)),
            [(24, 26), (25, 25), (26, 24), (26, 26)]
        );
        // On black, the dark pixel at (5, 25) does not show.
        assert_eq!(
            at(&Pattern::blind(1)),
            [(3, 23), (3, 25), (4, 24), (6, 24), (7, 23), (7, 25)]
        );
    }

    #[test]
    fn light_dark_and_nothing() {
        let shape = shape(3, 2, 2);
        let pattern = Pattern {
            rows: vec!["1-".to_owned(), "-0".to_owned()],
            light: vec![1.0, 0.5, 0.0],
            dark: vec![0.0, 0.25, 0.75],
            place: Place::Centre,
        };
        let grey = 0.4;
        let expected = [
            1.0, grey, grey, 0.0, 0.5, grey, grey, 0.25, 0.0, grey, grey, 0.75,
        ];
        assert_eq!(stamped(&pattern, shape, &[grey; 12]), expected);
    }

    #[test]
    fn rows_that_cannot_be_read_are_refused() {
        let with = |rows: &[&str]| Pattern::new(rows, Place::Centre, 1);
        for rows in [&["11", "1"][..], &["x"], &["1 1"]] {
            assert!(
                refusal(&with(rows), shape(1, 9, 9))
                    .to_string()
                    .contains("rows")
            );
        }
        for rows in [&[][..], &["", ""], &["--", "--"]] {
            assert!(matches!(
                refusal(&with(rows), shape(1, 9, 9)),
                TriggerError::Empty { .. }
            ));
        }
    }
}
