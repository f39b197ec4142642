//! Filters, transformed and packed once in the order in which the products read them.

use super::transform::{PRODUCTS, filters};
use crate::lanes::prefetch::CACHED_BYTES;
use crate::lanes::{Isa, Lane, Lanes, Pair, Task};

/// Transformed filters of a convolution.
#[derive(Debug)]
pub(super) struct PackedWeights {
    /// `[product][pair of output lanes][input channel]`
    packed: Vec<Pair>,
    inputs: usize,
    pairs: usize,
}

impl PackedWeights {
    /// Packs the filters `weight(output, input)`, row-major 3x3.
    pub(super) fn new(
        outputs: usize,
        inputs: usize,
        weight: impl Fn(usize, usize) -> [f32; 9],
    ) -> Self {
        let pairs = outputs.div_ceil(32);
        let mut packed = vec![Pair::default(); pairs * PRODUCTS * inputs];
        Isa::detect().run(Pack {
            outputs,
            inputs,
            weight,
            packed: &mut packed,
        });
        Self {
            packed,
            inputs,
            pairs,
        }
    }

    /// The weights of one product: for each pair of output lanes, an entry for each input channel.
    pub(super) fn product(&self, product: usize) -> impl Iterator<Item = &[Pair]> {
        let length = self.pairs * self.inputs;
        self.packed[product * length..][..length].chunks_exact(self.inputs)
    }

    /// The weights of one product and one pair of output lanes, which come one after the other;
    /// nothing after the last one, nor where all weights together are so few that they stay in the
    /// cache.
    pub(super) fn panel(&self, index: usize) -> &[Pair] {
        let start = index * self.inputs;
        match self.packed.get(start..start + self.inputs) {
            Some(panel) if self.bytes() > CACHED_BYTES => panel,
            _ => &[],
        }
    }

    /// Bytes of all weights.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.packed.as_slice())
    }
}

/// Transforms the filters of sixteen outputs at a time.
struct Pack<'a, W> {
    outputs: usize,
    inputs: usize,
    weight: W,
    packed: &'a mut [Pair],
}

impl<W: Fn(usize, usize) -> [f32; 9]> Task for Pack<'_, W> {
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let pairs = self.outputs.div_ceil(32);
        for group in 0..self.outputs.div_ceil(16) {
            let first = 16 * group;
            let count = (self.outputs - first).min(16);
            for input in 0..self.inputs {
                let mut taps = [[0.0; 16]; 9];
                for i in 0..count {
                    let filter = (self.weight)(first + i, input);
                    for tap in 0..9 {
                        taps[tap][i] = f64::from(filter[tap]);
                    }
                }
                let transformed = filters(&taps);
                for (product, values) in transformed.iter().enumerate() {
                    let at = (product * pairs + group / 2) * self.inputs + input;
                    let mut lane = Lane::default();
                    for i in 0..16 {
                        lane.0[i] = values[i] as f32;
                    }
                    self.packed[at][group % 2] = lane;
                }
            }
        }
    }
}
