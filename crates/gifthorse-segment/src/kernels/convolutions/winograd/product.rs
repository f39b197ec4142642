//! The middle stage: 36 matrix products, tiles by input channels by output channels.

use super::transform::PRODUCTS;
use super::weights::PackedWeights;
use crate::lanes::prefetch::to_second_level;
use crate::lanes::{Lanes, Left, Pair, ROWS, Sums, Task, Used};

/// Multiplies transformed tiles with the weights.
///
/// Each product is finished for all output channels before the next begins: weights, which are
/// the largest operand where there are many channels, are read once.
pub(super) struct ProductStage<'a> {
    /// `[group of ROWS tiles][group of sixteen input channels][product]`
    pub(super) tiles: &'a [[Left; PRODUCTS]],
    /// Number of tiles.
    pub(super) count: usize,
    /// Groups of sixteen input channels.
    pub(super) groups: usize,
    pub(super) weights: &'a PackedWeights,
    pub(super) outputs: usize,
    /// `[group of ROWS tiles][pair of output lanes][product]`
    pub(super) out: &'a mut [[[Pair; ROWS]; PRODUCTS]],
}

impl Task for ProductStage<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let pairs = self.outputs.div_ceil(32);
        let tile_groups = self.count.div_ceil(ROWS);
        for product in 0..PRODUCTS {
            for (pair, weights) in self.weights.product(product).enumerate() {
                let used_lanes = (self.outputs - 32 * pair).div_ceil(16).min(2);
                let groups = self.tiles.chunks_exact(self.groups);
                let outs = self.out.chunks_exact_mut(pairs);
                // While this panel of weights is used, the next one comes.
                let next = self.weights.panel(product * pairs + pair + 1);
                let share = next.len().div_ceil(tile_groups);
                let mut shares = next.chunks(share.max(1));
                for (group, (tiles, out)) in groups.zip(outs).enumerate() {
                    let rows = (self.count - ROWS * group).min(ROWS);
                    let used = Used {
                        rows,
                        lanes: used_lanes,
                    };
                    let share = shares.next().unwrap_or_default();
                    let ahead = share.chunks(share.len().div_ceil(self.groups).max(1));
                    let ahead = ahead.chain(std::iter::repeat::<&[Pair]>(&[]));
                    let terms = tiles.iter().zip(weights.chunks(16)).zip(ahead);
                    let terms = terms.map(|((tiles, weights), ahead)| {
                        to_second_level(ahead);
                        (&tiles[product], weights)
                    });
                    let out = &mut out[pair][product];
                    lanes.sum_of_products(terms, used, Sums::Fresh, out);
                }
            }
        }
    }
}
