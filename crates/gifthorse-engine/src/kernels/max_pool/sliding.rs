//! Windows of any geometry, entry by entry of the window, a row of outputs at a time.

use std::ops::Range;

use super::{NO_TAP, Sizes};
use crate::kernels::lanes::{Lanes, Task};
use crate::program::Window;

/// Where entry `tap` of the windows lies along axis `axis`: the outputs for which it is inside
/// the input, and the index that it has for the first of them.
#[inline(always)]
fn inside(window: &Window, sizes: Sizes, axis: usize, tap: usize) -> (Range<usize>, usize) {
    let (before, stride) = (window.pads[axis].0, window.stride[axis]);
    let offset = tap * window.dilation[axis];
    let first = before.saturating_sub(offset).div_ceil(stride);
    // Output `o` reads index `o * stride + offset - before`, which must be below the length.
    let end = (sizes.input[axis] + before)
        .saturating_sub(offset)
        .div_ceil(stride)
        .min(sizes.output[axis]);
    let index = (first * stride + offset).saturating_sub(before);
    (first.min(end)..end, index)
}

/// Forward: the largest entry of each window, and which it is.
pub(super) struct Slide<'a> {
    pub(super) window: &'a Window,
    pub(super) input: &'a [f32],
    pub(super) sizes: Sizes,
    /// `f32::MIN` everywhere at the start.
    pub(super) largest: &'a mut [f32],
    /// [`NO_TAP`] everywhere at the start.
    pub(super) taps: &'a mut [u8],
}

impl Task for Slide<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { window, sizes, .. } = self;
        let ([height, width], [rows, columns]) = (sizes.input, sizes.output);
        let [kernel_height, kernel_width] = window.kernel;
        let planes = self.input.chunks_exact(height * width);
        let largest = self.largest.chunks_exact_mut(rows * columns);
        let taps = self.taps.chunks_exact_mut(rows * columns);
        for ((plane, largest), taps) in planes.zip(largest).zip(taps) {
            for tap_row in 0..kernel_height {
                let (outputs, first_row) = inside(window, sizes, 0, tap_row);
                for (step, output) in outputs.enumerate() {
                    let row = &plane[(first_row + step * window.stride[0]) * width..][..width];
                    let largest = &mut largest[output * columns..][..columns];
                    let taps = &mut taps[output * columns..][..columns];
                    for tap_column in 0..kernel_width {
                        let (outputs, first) = inside(window, sizes, 1, tap_column);
                        let tap = (tap_row * kernel_width + tap_column) as u8;
                        if outputs.is_empty() {
                            continue;
                        }
                        let (largest, taps) = (&mut largest[outputs.clone()], &mut taps[outputs]);
                        match window.stride[1] {
                            1 => take_larger(row[first..].iter(), tap, largest, taps),
                            2 => take_larger(row[first..].iter().step_by(2), tap, largest, taps),
                            n => take_larger(row[first..].iter().step_by(n), tap, largest, taps),
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn take_larger<'a>(
    values: impl Iterator<Item = &'a f32>,
    tap: u8,
    largest: &mut [f32],
    taps: &mut [u8],
) {
    for ((value, best), chosen) in values.zip(largest).zip(taps) {
        let wins = (*value > *best) | value.is_nan() | (*chosen == NO_TAP);
        *best = if wins { *value } else { *best };
        *chosen = if wins { tap } else { *chosen };
    }
}

/// Backward: each gradient is added to the chosen entry of its window.
pub(super) struct SlideBack<'a> {
    pub(super) window: &'a Window,
    pub(super) gradient: &'a [f32],
    pub(super) taps: &'a [u8],
    pub(super) sizes: Sizes,
    /// All zero at the start.
    pub(super) out: &'a mut [f32],
}

impl Task for SlideBack<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { window, sizes, .. } = self;
        let ([height, width], [rows, columns]) = (sizes.input, sizes.output);
        let [kernel_height, kernel_width] = window.kernel;
        let [top, left] = window.pads.map(|(before, _)| before);
        let offsets: Vec<usize> = (0..kernel_height * kernel_width)
            .map(|tap| {
                let (row, column) = (tap / kernel_width, tap % kernel_width);
                row * window.dilation[0] * width + column * window.dilation[1]
            })
            .collect();
        let planes = self.out.chunks_exact_mut(height * width);
        let gradients = self.gradient.chunks_exact(rows * columns);
        let taps = self.taps.chunks_exact(rows * columns);
        for ((plane, gradient), taps) in planes.zip(gradients).zip(taps) {
            for row in 0..rows {
                for column in 0..columns {
                    let at = row * columns + column;
                    let Some(offset) = offsets.get(usize::from(taps[at])) else {
                        continue;
                    };
                    let origin = row * window.stride[0] * width + column * window.stride[1];
                    // The chosen entry is inside the input, so this is not negative.
                    plane[origin + offset - top * width - left] += gradient[at];
                }
            }
        }
    }
}
