//! A square of random colours.

use gifthorse_data::ImageShape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::overlay::Overlay;
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// A square each cell of which has a random colour: the noisy square of Wang et al. 2019 (§VII-A, a
/// cell is a pixel), the 3x3 patch at a random place of Li et al. 2024 (§4.1), and, of few large
/// cells and at another place in each image, the patch of Hidden Trigger (Houtari and Mohanty
/// §2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patch {
    /// Width and height in pixels; 4 by default.
    pub size: usize,
    /// Cells along each side, from 1 to `size`; as many as pixels by default.
    pub cells: Option<usize>,
    /// Settles the colours, which are 8-bit values; 0 by default.
    pub seed: u64,
    /// Where it is; the lower right corner, one pixel from both edges, by default.
    pub place: Place,
    /// How much of the image shows through: from 0, opaque (the default), to below 1.
    pub transparency: f32,
    /// What storing the image makes of its values.
    pub rounding: Rounding,
}

impl Default for Patch {
    fn default() -> Self {
        Self {
            size: 4,
            cells: None,
            seed: 0,
            place: Place::BOTTOM_RIGHT,
            transparency: 0.0,
            rounding: Rounding::default(),
        }
    }
}

impl Trigger for Patch {
    fn name(&self) -> &'static str {
        "patch"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let (trigger, size) = (self.name(), self.size);
        self.place.spot(trigger, [size, size], shape)?;
        let cells = self.cells.unwrap_or(size);
        if !(1..=size).contains(&cells) {
            return Err(TriggerError::Setting {
                trigger,
                setting: "cells",
                value: cells.to_string(),
                wanted: "there is at least one cell, and each has at least one pixel",
            });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let colours: Vec<f32> = (0..shape.channels * cells * cells)
            .map(|_| f32::from(rng.random::<u8>()) / 255.0)
            .collect();
        let cell = |pixel: usize| pixel * cells / size;
        let colour_at = |i: usize| {
            let (channel, row, column) = (i / (size * size), i / size % size, i % size);
            colours[(channel * cells + cell(row)) * cells + cell(column)]
        };
        Overlay {
            height: size,
            width: size,
            colour: (0..shape.channels * size * size).map(colour_at).collect(),
            cover: vec![1.0; size * size],
        }
        .through(trigger, self.transparency)?
        .at(trigger, self.place, shape, self.rounding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, refusal, shape, stamped};

    fn patch(size: usize, cells: usize) -> Patch {
        Patch {
            size,
            cells: Some(cells),
            seed: 5,
            place: Place::At { row: 0, column: 0 },
            ..Patch::default()
        }
    }

    #[test]
    fn a_cell_has_one_colour_and_another_has_another() {
        let shape = shape(3, 4, 4);
        let image = stamped(&patch(4, 2), shape, &black(shape));
        let at = |channel: usize, row: usize, column: usize| image[channel * 16 + row * 4 + column];
        for channel in 0..3 {
            for (row, column) in [(0, 0), (0, 2), (2, 0), (2, 2)] {
                let value = at(channel, row, column);
                assert!(
                    value == at(channel, row + 1, column + 1)
                        && value == at(channel, row, column + 1)
                );
                assert_eq!((value * 255.0).round() / 255.0, value);
            }
        }
        assert_ne!(at(0, 0, 0), at(0, 0, 2));
        assert_ne!(at(0, 0, 0), at(1, 0, 0));
        let other = Patch {
            seed: 6,
            ..patch(4, 2)
        };
        assert_ne!(stamped(&other, shape, &black(shape)), image);
        assert_eq!(stamped(&patch(4, 2), shape, &[1.0; 48]), image);
    }

    #[test]
    fn cells_smaller_than_a_pixel_are_refused() {
        for cells in [0, 5] {
            let error = refusal(&patch(4, cells), shape(1, 8, 8));
            assert!(
                error.to_string().contains(&format!("cells = {cells}")),
                "{error}"
            );
        }
        assert!(matches!(
            refusal(&patch(9, 3), shape(1, 8, 8)),
            TriggerError::OutOfImage { .. }
        ));
    }
}
