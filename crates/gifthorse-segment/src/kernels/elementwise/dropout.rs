//! Dropout: numbers set to zero at random, as in training.
//!
//! Which ones depends on a seed, the sample's number in its batch and the element's number in the
//! sample alone: not on threads, nor on how samples are grouped or values lie in memory. So nothing
//! has to be kept for the backward pass.

use crate::kernels::contract::{Backward, Batch, Forward, Kernel, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::lanes::{Isa, Lane, Lanes};

/// Which elements of a sample one dropout keeps in one call.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    start: u64,
    /// Of 2^24.
    dropped: u64,
}

impl Kept {
    /// For sample `sample` of a batch, in a call with a seed. `site` tells one dropout from the
    /// others of a network; `ratio` is the probability that an element is dropped.
    pub fn new(seed: u64, site: usize, sample: usize, ratio: f32) -> Self {
        let start = mix(mix(mix(seed) ^ site as u64) ^ sample as u64);
        let dropped = (f64::from(ratio) * f64::from(1 << 24)).round() as u64;
        Self { start, dropped }
    }

    /// Whether an element, by its row-major number in the sample, is kept.
    #[inline(always)]
    pub fn keeps(&self, element: usize) -> bool {
        mix(self.start.wrapping_add(element as u64)) >> 40 >= self.dropped
    }
}

/// A step of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the result depends on all bits
/// of the state.
#[inline(always)]
fn mix(state: u64) -> u64 {
    let z = state
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Elements are dropped with probability `ratio`, the others divided by `1 - ratio`, so that the
/// mean stays.
#[derive(Debug)]
pub(crate) struct Dropout {
    shape: MapShape,
    ratio: f32,
    site: usize,
    order: Order,
    isa: Isa,
}

impl Dropout {
    /// For maps whose elements are numbered in an order; `None` unless `0 <= ratio < 1`.
    pub(crate) fn new(shape: MapShape, ratio: f32, site: usize, order: Order) -> Option<Self> {
        (0.0..1.0).contains(&ratio).then(|| Self {
            shape,
            ratio,
            site,
            order,
            isa: Isa::detect(),
        })
    }

    /// Forward and backward are the same.
    #[inline(always)]
    fn pass<L: Lanes>(
        &self,
        l: L,
        batch: Batch<'_>,
        from: &[Lane],
        out: &mut [Lane],
        mut finish: Finish<'_>,
    ) {
        let (groups, pixels) = (self.shape.groups(), self.shape.pixels());
        let [of_pixel, of_channel] = match self.order {
            Order::ChannelsFirst => [1, pixels],
            Order::ChannelsLast => [self.shape.channels, 1],
        };
        let factor = l.splat(1.0 / (1.0 - self.ratio));
        let mut at = 0;
        for (sample, values) in from.chunks_exact(self.shape.lanes()).enumerate() {
            let kept = Kept::new(batch.seed, self.site, batch.first + sample, self.ratio);
            for (place, value) in values.iter().enumerate() {
                let (pixel, group) = (place / groups, place % groups);
                let first = pixel * of_pixel + group * Lane::LENGTH * of_channel;
                let mut bits = 0;
                for i in 0..Lane::LENGTH {
                    bits |= u16::from(kept.keeps(first + i * of_channel)) << i;
                }
                let value = l.keep(bits, l.mul(l.load(&value.0), factor));
                finish.store(l, out, at, value);
                at += 1;
            }
        }
    }
}

impl Kernel for Dropout {
    fn name(&self) -> String {
        format!("dropout {}", self.ratio)
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.shape]
    }

    fn output(&self) -> MapShape {
        self.shape
    }

    fn work(&self) -> Work {
        Work {
            operations: self.shape.elements() as f64,
            constants: 0,
        }
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

impl OnLanes for Dropout {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        self.pass(l, run.batch, run.inputs[0], run.out, run.finish);
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        self.pass(l, run.batch, run.gradient, run.out, run.finish);
    }
}

#[cfg(test)]
mod tests;
