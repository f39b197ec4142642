//! The 2x2 window with stride 2. A last odd row or column belongs to no window.

use super::Sizes;
use crate::kernels::lanes::{Lanes, Task};

/// Forward: the largest of each window, and which it is (0 and 1 above, 2 and 3 below).
pub(super) struct Halve<'a> {
    pub(super) input: &'a [f32],
    pub(super) sizes: Sizes,
    pub(super) largest: &'a mut [f32],
    pub(super) taps: &'a mut [u8],
}

impl Task for Halve<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let ([height, width], [rows, columns]) = (self.sizes.input, self.sizes.output);
        let planes = self.input.chunks_exact(height * width);
        let largest = self.largest.chunks_exact_mut(rows * columns);
        let taps = self.taps.chunks_exact_mut(rows * columns);
        for ((plane, largest), taps) in planes.zip(largest).zip(taps) {
            let pairs = plane.chunks_exact(2 * width);
            let largest = largest.chunks_exact_mut(columns);
            let taps = taps.chunks_exact_mut(columns);
            for ((pair, largest), taps) in pairs.zip(largest).zip(taps) {
                let (above, below) = pair.split_at(width);
                let above = &above.as_chunks::<2>().0[..columns];
                let below = &below.as_chunks::<2>().0[..columns];
                for i in 0..columns {
                    let mut best = above[i][0];
                    let mut tap = 0u32;
                    for (n, value) in [(1, above[i][1]), (2, below[i][0]), (3, below[i][1])] {
                        let wins = (value > best) | value.is_nan();
                        best = if wins { value } else { best };
                        tap = if wins { n } else { tap };
                    }
                    largest[i] = best;
                    taps[i] = tap as u8;
                }
            }
        }
    }
}

/// Backward: each gradient to the chosen entry of its window, zero to the others.
pub(super) struct HalveBack<'a> {
    pub(super) gradient: &'a [f32],
    pub(super) taps: &'a [u8],
    pub(super) sizes: Sizes,
    /// All zero at the start.
    pub(super) out: &'a mut [f32],
}

impl Task for HalveBack<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let ([height, width], [rows, columns]) = (self.sizes.input, self.sizes.output);
        let planes = self.out.chunks_exact_mut(height * width);
        let gradients = self.gradient.chunks_exact(rows * columns);
        let taps = self.taps.chunks_exact(rows * columns);
        for ((plane, gradient), taps) in planes.zip(gradients).zip(taps) {
            let pairs = plane.chunks_exact_mut(2 * width);
            let gradient = gradient.chunks_exact(columns);
            let taps = taps.chunks_exact(columns);
            for ((pair, gradient), taps) in pairs.zip(gradient).zip(taps) {
                let (above, below) = pair.split_at_mut(width);
                let above = &mut above.as_chunks_mut::<2>().0[..columns];
                let below = &mut below.as_chunks_mut::<2>().0[..columns];
                for i in 0..columns {
                    let (g, tap) = (gradient[i], u32::from(taps[i]));
                    let share = |n: u32| if tap == n { g } else { 0.0 };
                    above[i] = [share(0), share(1)];
                    below[i] = [share(2), share(3)];
                }
            }
        }
    }
}
