//! The last stage: products transformed back, biased, and scattered to channel planes.

use std::ops::Range;

use super::tiling::Tiling;
use super::transform::{OUTPUTS, output_tile};
use crate::kernels::lanes::{Lane, Lanes, Pair, Task};

/// Writes the outputs of a run of tiles for the output channels of a pair of lanes.
pub(super) struct OutputStage<'a> {
    /// `[product][tile]`: products are `stride` apart.
    pub(super) products: &'a [Pair],
    pub(super) stride: usize,
    pub(super) tiling: &'a Tiling,
    pub(super) tiles: Range<usize>,
    /// First output channel of the pair.
    pub(super) channel: usize,
    pub(super) channels: usize,
    pub(super) bias: &'a Pair,
    /// `[batch, channels, out_height, out_width]`
    pub(super) out: &'a mut [f32],
}

impl Task for OutputStage<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (height, width) = (
            self.tiling.geometry.out_height,
            self.tiling.geometry.out_width,
        );
        let size = height * width;
        let mut block = [Lane::default(); 16];
        for (slot, index) in self.tiles.enumerate() {
            let tile = self.tiling.tile(index);
            let (y, x) = (OUTPUTS * tile.row, OUTPUTS * tile.column);
            let (rows, columns) = ((height - y).min(OUTPUTS), (width - x).min(OUTPUTS));
            let within = y * width + x;
            for (lane, bias) in self.bias.iter().enumerate() {
                let channel = self.channel + 16 * lane;
                let count = self.channels.saturating_sub(channel).min(16);
                if count == 0 {
                    break;
                }
                let mut values = output_tile(lanes, &self.products[slot..], self.stride, lane);
                let bias = lanes.load(&bias.0);
                for value in &mut values {
                    *value = lanes.add(*value, bias);
                }
                for (to, value) in block.iter_mut().zip(lanes.transpose(values)) {
                    lanes.store(&mut to.0, value);
                }
                let start = (tile.image * self.channels + channel) * size;
                let planes = self.out[start..start + count * size].chunks_exact_mut(size);
                for (plane, values) in planes.zip(&block) {
                    let from = values.0.chunks_exact(OUTPUTS);
                    let to = plane[within..].chunks_mut(width);
                    if rows == OUTPUTS && columns == OUTPUTS {
                        for (to, from) in to.zip(from) {
                            to[..OUTPUTS].copy_from_slice(from);
                        }
                    } else {
                        for (to, from) in to.zip(from).take(rows) {
                            to[..columns].copy_from_slice(&from[..columns]);
                        }
                    }
                }
            }
        }
    }
}
