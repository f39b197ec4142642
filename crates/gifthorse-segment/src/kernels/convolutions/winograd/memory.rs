//! How much memory a direction of the convolution works in.

use super::tiling::Tiling;
use super::transform::PRODUCTS;
use crate::lanes::{Lane, Left, Pair, ROWS};

/// Bytes of transformed tiles and products that a run may have: they should stay in the
/// second-level cache. Where the weights do not fit there anyway, a run is larger, so that
/// reading them pays.
const RUN_BYTES: usize = 3 << 18;

/// Channels that go in and out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

impl Channels {
    /// Groups of sixteen that go in.
    pub(super) fn groups(self) -> usize {
        self.inputs.div_ceil(Lane::LENGTH)
    }

    /// Pairs of lanes that go out.
    pub(super) fn pairs(self) -> usize {
        self.outputs.div_ceil(2 * Lane::LENGTH)
    }

    /// Bytes of the packed filters.
    pub(super) fn weights(self) -> usize {
        self.pairs() * PRODUCTS * self.inputs * size_of::<Pair>()
    }

    /// Tiles that go through all three stages together.
    pub(super) fn run_length(self, samples: usize, tiling: &Tiling) -> usize {
        let tile_bytes = PRODUCTS * size_of::<Lane>() * (self.groups() + 2 * self.pairs());
        let run_bytes = RUN_BYTES.max(self.weights() / 2);
        Tiling::run_length(samples * tiling.per_image(), run_bytes / tile_bytes)
    }

    /// Bytes of transformed tiles, and of products.
    pub(super) fn scratch(self, samples: usize, tiling: &Tiling) -> [usize; 2] {
        let tile_groups = self.run_length(samples, tiling) / ROWS;
        let tiles = self.groups() * size_of::<Left>();
        let products = self.pairs() * ROWS * size_of::<Pair>();
        [tiles, products].map(|each| tile_groups * PRODUCTS * each)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SCRATCH, Winograd};
    use crate::kernels::contract::Kernel;
    use crate::lanes::map::MapShape;
    use crate::testing::{numbers, run};

    #[test]
    fn a_kernel_holds_what_it_says() {
        let input = MapShape {
            height: 13,
            width: 17,
            channels: 35,
        };
        let weight = numbers(70 * 35 * 9, 1);
        let kernel = Winograd::new(&weight, None, input, 70, [(1, 0), (1, 1)]);
        let samples = 9;
        let images = numbers(samples * input.elements(), 2);
        let cotangent = numbers(samples * kernel.output().elements(), 3);
        let scratch = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                run(&kernel, samples, &[images], &cotangent);
                SCRATCH.with_borrow(|s| {
                    vec![
                        ("winograd tiles", size_of_val(&s.tiles[..])),
                        ("winograd products", size_of_val(&s.products[..])),
                    ]
                })
            });
            thread.join().unwrap()
        });
        assert_eq!(kernel.scratch(samples), scratch);
        let packed = kernel.forward.weights.bytes() + kernel.turned().weights.bytes();
        assert_eq!(kernel.held(), packed);
        assert!(kernel.weight.lock().unwrap().is_empty());
    }
}
