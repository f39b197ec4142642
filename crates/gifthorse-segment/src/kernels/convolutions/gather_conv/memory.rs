//! How much memory a direction of the convolution takes, without packing its weight.

use super::bundle::Bundles;
use super::columns::columns;
use super::layout::{Toward, choose};
use super::patches::{Patches, Side};
use super::product::{RUN, block_length};
use super::rows::Place;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::{Left, Pair, ROWS};

/// Bytes that the products of one direction need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needed {
    /// Packed weights and biases.
    pub(super) constants: usize,
    /// What a thread keeps between calls: the gathered rows, their products, and where they belong.
    /// Lines put side by side are not counted: they are a few rows of one image.
    pub(super) scratch: [usize; 3],
}

impl Needed {
    /// What a convolution needs for groups of `samples` samples.
    pub(super) fn new(spec: &ConvSpec, toward: Toward, samples: usize) -> Self {
        let bundles = Bundles::of(spec);
        let (map, source, result) = match toward {
            Toward::Narrow => (spec.wide(), bundles.wide, bundles.narrow),
            Toward::Wide => (spec.narrow(), bundles.narrow, bundles.wide),
        };
        let mut needed = Self::default();
        for axes in choose(spec, toward) {
            let columns = columns(&axes, result).len();
            let source = Side {
                map,
                first: 0,
                channels: source,
            };
            let patches = Patches::new(axes, source);
            let constants = columns.div_ceil(2) * (patches.depth() + 1) * size_of::<Pair>();
            needed.constants += bundles.count * constants;
            let rows = samples * patches.rows();
            if rows > 0 {
                let row_lanes = patches.row_lanes();
                let length = block_length(rows, row_lanes + columns);
                let groups = length / ROWS;
                let scratch = [
                    groups * row_lanes * size_of::<Left>(),
                    RUN * ROWS * size_of::<Pair>(),
                    length * size_of::<Place>(),
                ];
                for (most, bytes) in needed.scratch.iter_mut().zip(scratch) {
                    *most = bytes.max(*most);
                }
            }
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::super::sweep::Sweep;
    use super::super::{GatherConv, SCRATCH};
    use super::*;
    use crate::kernels::contract::Kernel;
    use crate::kernels::window::Window;
    use crate::lanes::map::MapShape;
    use crate::testing::{numbers, run};

    fn map(size: usize, channels: usize) -> MapShape {
        MapShape {
            height: size,
            width: size,
            channels,
        }
    }

    #[test]
    fn a_kernel_holds_what_it_says() {
        for (kernel, stride, groups, input, output, once) in [
            (3, 2, 1, map(17, 40), map(8, 24), None),
            (5, 1, 2, map(9, 32), map(5, 64), None),
            (6, 1, 1, map(6, 50), map(1, 33), None),
            (6, 1, 1, map(6, 50), map(1, 33), Some(0)),
        ] {
            let window = Window {
                kernel: [kernel; 2],
                stride: [stride; 2],
                dilation: [1; 2],
                pads: [(0, 0); 2],
            };
            let spec = ConvSpec {
                input,
                output,
                window,
                groups,
                transposed: false,
            };
            let weight = numbers(spec.weight_length(), 1);
            let kernel = GatherConv::new(&spec, &weight, None, once);
            let samples = 11;
            let images = numbers(samples * input.elements(), 2);
            let cotangent = numbers(samples * output.elements(), 3);
            let scratch = std::thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    run(&kernel, samples, &[images], &cotangent);
                    SCRATCH.with_borrow(|s| s.bytes())
                });
                thread.join().unwrap()
            });
            let said = kernel.scratch(samples);
            assert_eq!([said[0], said[1], said[3]], scratch);
            let sweeps = kernel.forward.iter().chain(kernel.backward_sweeps().0);
            assert_eq!(kernel.held(), sweeps.map(Sweep::bytes).sum::<usize>());
        }
    }
}
