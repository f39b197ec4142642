//! The last stage: products transformed back, biased, and handed to the finish.

use std::ops::Range;

use super::tiling::Tiling;
use super::transform::{OUTPUTS, PRODUCTS, output_tile};
use crate::lanes::finish::Finish;
use crate::lanes::{Lane, Lanes, Pair, ROWS, Task};

/// Writes the outputs of a run of tiles.
pub(super) struct OutputStage<'a, 'b> {
    /// `[group of ROWS tiles][pair of output lanes][product]`
    pub(super) products: &'a [[[Pair; ROWS]; PRODUCTS]],
    pub(super) tiling: &'a Tiling,
    pub(super) tiles: Range<usize>,
    /// Groups of sixteen output channels.
    pub(super) groups: usize,
    /// `[pair of output lanes]`
    pub(super) bias: &'a [Pair],
    /// `[image][row][column][group]`
    pub(super) out: &'a mut [Lane],
    pub(super) finish: &'a mut Finish<'b>,
}

impl Task for OutputStage<'_, '_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let geometry = self.tiling.geometry;
        let (height, width) = (geometry.out_height, geometry.out_width);
        let mut place = self.tiling.place(self.tiles.start);
        for slot in 0..self.tiles.len() {
            let start = (place.image * height + place.y) * width + place.x;
            let rows = (height - place.y).min(OUTPUTS);
            let columns = (width - place.x).min(OUTPUTS);
            let products = &self.products[slot / ROWS * self.bias.len()..][..self.bias.len()];
            for group in 0..self.groups {
                let (pair, lane) = (group / 2, group % 2);
                let bias = lanes.load(&self.bias[pair][lane].0);
                let tile = output_tile(lanes, &products[pair], slot % ROWS, lane);
                for r in 0..rows {
                    for c in 0..OUTPUTS {
                        if c < columns {
                            let at = (start + r * width + c) * self.groups + group;
                            let value = lanes.add(tile[r][c], bias);
                            self.finish.store(lanes, self.out, at, value);
                        }
                    }
                }
            }
            place = self.tiling.next(place);
        }
    }
}
