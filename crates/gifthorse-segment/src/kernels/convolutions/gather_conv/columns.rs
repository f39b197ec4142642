//! What the lanes of a product's result are.

use crate::kernels::convolutions::axis::Axis;
use crate::lanes::Lane;
use crate::lanes::map::MapShape;

/// Some channels of one pixel, inside a lane of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The pixel, as (row, column) within its block.
    pub(super) cell: [usize; 2],
    /// Which group of sixteen channels.
    pub(super) group: usize,
    /// Where the first of them is in the lane.
    pub(super) entry: usize,
    /// How many there are.
    pub(super) channels: usize,
}

impl Part {
    /// From the first lane of a block's first pixel to the lane of these channels.
    pub(super) fn offset(&self, map: MapShape) -> usize {
        (self.cell[0] * map.width + self.cell[1]) * map.groups() + self.group
    }
}

/// What one lane of a product's row holds: one group of channels of one pixel, or all channels of
/// several pixels, where these are so few that lanes would be mostly empty.
pub(super) type Column = Vec<Part>;

/// How many pixels, of `channels` channels each, share a lane.
fn pixels_per_lane(channels: usize) -> usize {
    (Lane::LENGTH / channels).max(1)
}

/// How many lanes a block of `cells` pixels takes.
pub(super) fn lanes_of(cells: usize, channels: usize) -> usize {
    cells.div_ceil(pixels_per_lane(channels)) * channels.div_ceil(Lane::LENGTH)
}

/// The lanes of blocks of pixels that have `channels` channels each.
pub(super) fn columns(axes: &[Axis; 2], channels: usize) -> Vec<Column> {
    let [rows, columns] = [0, 1].map(|i| axes[i].cells);
    let cells: Vec<[usize; 2]> = (0..rows)
        .flat_map(|y| (0..columns).map(move |x| [y, x]))
        .collect();
    let together = pixels_per_lane(channels);
    let groups = channels.div_ceil(Lane::LENGTH);
    let lanes = cells
        .chunks(together)
        .flat_map(|cells| (0..groups).map(move |group| (cells, group)));
    lanes
        .map(|(cells, group)| {
            let channels = (channels - Lane::LENGTH * group).min(Lane::LENGTH);
            cells
                .iter()
                .enumerate()
                .map(|(i, &cell)| Part {
                    cell,
                    group,
                    entry: i * channels,
                    channels,
                })
                .collect()
        })
        .collect()
}
