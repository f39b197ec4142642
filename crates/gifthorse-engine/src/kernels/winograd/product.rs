//! The middle stage: 36 matrix products, tiles by input channels by output channels.

use super::transform::PRODUCTS;
use super::weights::PackedWeights;
use crate::kernels::lanes::{Lanes, Pair, ROWS, Task, TileRow};

/// Multiplies a run of transformed tiles with the weights of one pair of output lanes.
pub(super) struct ProductStage<'a> {
    /// `[product][row of tiles][channels / 16]`: products are `tile_stride` apart.
    pub(super) tiles: &'a [TileRow],
    pub(super) tile_stride: usize,
    /// Input channels / 16, rounded up.
    pub(super) groups: usize,
    /// Rows of [`ROWS`] tiles.
    pub(super) tile_rows: usize,
    pub(super) weights: &'a PackedWeights,
    pub(super) pair: usize,
    /// Lanes of the pair that hold output channels.
    pub(super) lanes: usize,
    /// `[product][tile]`: products are `stride` apart.
    pub(super) out: &'a mut [Pair],
    pub(super) stride: usize,
}

impl Task for ProductStage<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        for product in 0..PRODUCTS {
            let weights = self.weights.product(self.pair, product);
            let tiles = self.tiles[product * self.tile_stride..].chunks_exact(self.groups);
            let out = self.out[product * self.stride..].chunks_exact_mut(ROWS);
            for (tiles, out) in tiles.zip(out).take(self.tile_rows) {
                lanes.product(tiles, weights, self.lanes, out);
            }
        }
    }
}
