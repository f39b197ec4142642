//! Sums and maxima across the channels of a pixel.

use super::arithmetic::Lanes;
use super::lane::Lane;
use super::map::MapShape;

impl MapShape {
    /// Channels of group `group` that exist.
    #[inline(always)]
    pub(crate) fn present(&self, group: usize) -> usize {
        (self.channels - group * Lane::LENGTH).min(Lane::LENGTH)
    }
}

/// The first `count` numbers, then `rest`.
#[inline(always)]
pub(crate) fn first_or<L: Lanes>(l: L, value: L::V, count: usize, rest: f32) -> L::V {
    if count == Lane::LENGTH {
        return value;
    }
    let mut numbers = [0.0; Lane::LENGTH];
    l.store(&mut numbers, value);
    for (i, number) in numbers.iter_mut().enumerate() {
        *number = if i < count { *number } else { rest };
    }
    l.load(&numbers)
}

/// The sum of sixteen numbers.
#[inline(always)]
pub(crate) fn sum<L: Lanes>(l: L, value: L::V) -> f32 {
    halves(l, value, |a, b| a + b)
}

/// The largest of sixteen numbers; which, if one is NaN, is not specified.
#[inline(always)]
pub(crate) fn largest<L: Lanes>(l: L, value: L::V) -> f32 {
    halves(l, value, |a, b| if a > b { a } else { b })
}

#[inline(always)]
fn halves<L: Lanes>(l: L, value: L::V, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut numbers = [0.0; Lane::LENGTH];
    l.store(&mut numbers, value);
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            numbers[i] = join(numbers[i], numbers[i + half]);
        }
    }
    numbers[0]
}

/// Numbers, one for each channel, as lanes; the entries beyond the last channel are zero.
pub(crate) fn lanes_of(values: &[f32]) -> Vec<Lane> {
    let lane_of = |part: &[f32]| {
        let mut lane = Lane::default();
        lane.0[..part.len()].copy_from_slice(part);
        lane
    };
    values.chunks(Lane::LENGTH).map(lane_of).collect()
}
