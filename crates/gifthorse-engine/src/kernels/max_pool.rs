//! Two-dimensional max pooling that keeps one byte per output for its backward pass.
//!
//! What lies outside the input is left out instead of padded, and the common 2x2 window with
//! stride 2 has loops of its own.

mod halving;
mod sliding;

use burn::backend::DispatchTensor;
use burn::backend::flex::FlexTensor;

use halving::{Halve, HalveBack};
use sliding::{Slide, SlideBack};

use super::lanes::Isa;
use super::unary_op::{self, UnaryOp, with_values};
use crate::program::Window;

/// A max pool over `[batch, channels, height, width]`.
///
/// The gradient goes to the first of equal entries of a window. NaN counts as larger than
/// everything. A window that lies in the padding altogether gives `f32::MIN`.
#[derive(Clone, Debug)]
pub struct MaxPool {
    window: Window,
    isa: Isa,
}

/// Shape of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Batch and channels.
    planes: [usize; 2],
    /// Height and width.
    input: [usize; 2],
    /// Height and width.
    output: [usize; 2],
}

impl Sizes {
    fn shape(&self, [height, width]: [usize; 2]) -> [usize; 4] {
        let [batch, channels] = self.planes;
        [batch, channels, height, width]
    }
}

/// For each output, which entry of its window it is.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    sizes: Sizes,
    taps: Vec<u8>,
}

/// Of a window without any entry.
const NO_TAP: u8 = u8::MAX;

impl MaxPool {
    /// The kernel for a window, if there is one: entries are counted in a byte.
    pub fn new(window: &Window) -> Option<Self> {
        let [height, width] = window.kernel;
        let taps = height.checked_mul(width)?;
        let steps = window.stride.iter().chain(&window.dilation);
        let supported =
            (1..=usize::from(NO_TAP)).contains(&taps) && steps.into_iter().all(|step| *step > 0);
        supported.then(|| Self {
            window: *window,
            isa: Isa::detect(),
        })
    }

    /// Pools `x`, `[batch, channels, height, width]`.
    ///
    /// # Errors
    ///
    /// Gives `x` back if it is not an f32 tensor of the `flex` backend with four axes, none of
    /// them empty, or if no window fits.
    pub fn apply(&self, x: DispatchTensor) -> Result<DispatchTensor, DispatchTensor> {
        unary_op::apply(self, x)
    }

    /// Whether windows are 2x2, side by side, without padding.
    fn halves(&self) -> bool {
        self.window.kernel == [2, 2]
            && self.window.stride == [2, 2]
            && self.window.dilation == [1, 1]
            && self.window.pads == [(0, 0); 2]
    }
}

impl UnaryOp for MaxPool {
    type Plan = Sizes;
    type Saved = Chosen;

    fn plan(&self, shape: &[usize]) -> Option<Sizes> {
        let [batch, channels, height, width] = <[usize; 4]>::try_from(shape).ok()?;
        if shape.contains(&0) {
            return None;
        }
        let input = [height, width];
        let mut output = [0; 2];
        for i in 0..2 {
            let (before, after) = self.window.pads[i];
            let padded = input[i].checked_add(before)?.checked_add(after)?;
            let span = (self.window.kernel[i] - 1).checked_mul(self.window.dilation[i])?;
            output[i] = padded.checked_sub(span + 1)? / self.window.stride[i] + 1;
        }
        Some(Sizes {
            planes: [batch, channels],
            input,
            output,
        })
    }

    fn forward(&self, x: FlexTensor, sizes: Sizes) -> FlexTensor {
        self.forward_saving(x, sizes).0
    }

    fn forward_saving(&self, x: FlexTensor, sizes: Sizes) -> (FlexTensor, Chosen) {
        let shape = sizes.shape(sizes.output);
        let count = shape.iter().product();
        let mut largest = vec![f32::MIN; count];
        let mut taps = vec![NO_TAP; count];
        with_values(&x, |input| {
            let (largest, taps) = (&mut largest[..], &mut taps[..]);
            if self.halves() {
                self.isa.run(Halve {
                    input,
                    sizes,
                    largest,
                    taps,
                });
            } else {
                self.isa.run(Slide {
                    window: &self.window,
                    input,
                    sizes,
                    largest,
                    taps,
                });
            }
        });
        (unary_op::tensor(largest, &shape), Chosen { sizes, taps })
    }

    fn backward(&self, chosen: &Chosen, gradient: FlexTensor) -> FlexTensor {
        let sizes = chosen.sizes;
        let shape = sizes.shape(sizes.input);
        let mut out = vec![0.0; shape.iter().product()];
        with_values(&gradient, |gradient| {
            let (taps, out) = (&chosen.taps[..], &mut out[..]);
            if self.halves() {
                self.isa.run(HalveBack {
                    gradient,
                    taps,
                    sizes,
                    out,
                });
            } else {
                self.isa.run(SlideBack {
                    window: &self.window,
                    gradient,
                    taps,
                    sizes,
                    out,
                });
            }
        });
        unary_op::tensor(out, &shape)
    }
}

#[cfg(test)]
mod tests;
