//! Filters, transformed and packed once in the order in which the products read them.

use super::transform::{PRODUCTS, filter};
use crate::lanes::Pair;
use crate::prefetch::CACHED_BYTES;

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
        for output in 0..outputs {
            let (pair, lane, element) = (output / 32, output / 16 % 2, output % 16);
            for input in 0..inputs {
                let transformed = filter(&weight(output, input).map(f64::from));
                for (product, value) in transformed.into_iter().enumerate() {
                    let at = (product * pairs + pair) * inputs + input;
                    packed[at][lane].0[element] = value as f32;
                }
            }
        }
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

    /// The weights of one product and one pair of output lanes, which come one after the other; nothing after the last one,
    /// nor where all weights together are so few that they stay in the cache.
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
