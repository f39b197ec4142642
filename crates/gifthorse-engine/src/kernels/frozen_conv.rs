//! A frozen 3x3 stride-1 convolution as one operation of Burn's autodiff.
//!
//! Its backward pass gives the gradient to the input and nothing else, and nothing is
//! kept or computed for it unless the input is tracked. Only tensors of the `flex` (CPU)
//! backend in f32 are taken; for others the caller has Burn's own convolution.

use std::sync::{Arc, OnceLock};

use burn::backend::DispatchTensor;
use burn::backend::flex::FlexTensor;

use super::unary_op::{self, UnaryOp, with_values};
use super::winograd::{Geometry, Winograd};
use crate::program::Window;

/// A convolution whose weights never change, packed for forward and backward passes.
///
/// Clones share the packed weights.
#[derive(Clone, Debug)]
pub struct FrozenConv(Arc<Packed>);

#[derive(Debug)]
struct Packed {
    forward: Winograd,
    /// Packed by the first backward pass.
    backward: OnceLock<Winograd>,
    /// `[outputs, inputs, 3, 3]`
    weight: Vec<f32>,
    outputs: usize,
    inputs: usize,
    /// (before, after) for height and width.
    pads: [(usize, usize); 2],
}

impl FrozenConv {
    /// Whether a convolution with a weight of shape `[outputs, inputs / groups, kernel height,
    /// kernel width]` can be made a `FrozenConv` and is faster so.
    ///
    /// Channels are worked on sixteen at a time, so with very few Burn's own convolution is
    /// faster; the border was measured on 32x32 inputs.
    pub fn supports(shape: [usize; 4], window: &Window, groups: usize) -> bool {
        let [outputs, inputs, height, width] = shape;
        [height, width] == [3, 3]
            && window.kernel == [3, 3]
            && window.stride == [1, 1]
            && window.dilation == [1, 1]
            && groups == 1
            && inputs > 0
            && outputs > 0
            && (inputs > 4 || inputs * outputs >= 24)
    }

    /// Packs a row-major weight `[outputs, inputs, 3, 3]` and a bias `[outputs]`. `pads` are the
    /// zeros (before, after) the input's height and width.
    ///
    /// # Panics
    ///
    /// If `shape` has no channels or another kernel size, or if the lengths of `weight` and
    /// `bias` are not those of `shape`.
    pub fn new(
        weight: &[f32],
        shape: [usize; 4],
        bias: Option<&[f32]>,
        pads: [(usize, usize); 2],
    ) -> Self {
        let [outputs, inputs, height, width] = shape;
        assert_eq!([height, width], [3, 3], "kernel size");
        Self(Arc::new(Packed {
            forward: Winograd::forward(weight, outputs, inputs, bias),
            backward: OnceLock::new(),
            weight: weight.to_vec(),
            outputs,
            inputs,
            pads,
        }))
    }

    /// Convolves `x`, `[batch, inputs, height, width]`, into `[batch, outputs, height + pads - 2,
    /// width + pads - 2]`.
    ///
    /// # Errors
    ///
    /// Gives `x` back if it is not an f32 tensor of the `flex` backend (tracked by autodiff or
    /// not) of that shape, or if the output would be empty.
    pub fn apply(&self, x: DispatchTensor) -> Result<DispatchTensor, DispatchTensor> {
        unary_op::apply(self, x)
    }
}

impl UnaryOp for FrozenConv {
    type Plan = Geometry;
    type Saved = Geometry;

    fn plan(&self, shape: &[usize]) -> Option<Geometry> {
        let [batch, channels, height, width] = <[usize; 4]>::try_from(shape).ok()?;
        let [(top, bottom), (left, right)] = self.0.pads;
        let out_height = out_length(height, top, bottom)?;
        let out_width = out_length(width, left, right)?;
        (channels == self.0.inputs).then_some(Geometry {
            batch,
            height,
            width,
            out_height,
            out_width,
            top: isize::try_from(top).ok()?,
            left: isize::try_from(left).ok()?,
        })
    }

    fn forward(&self, x: FlexTensor, geometry: Geometry) -> FlexTensor {
        run(&self.0.forward, self.0.outputs, &x, &geometry)
    }

    fn forward_saving(&self, x: FlexTensor, geometry: Geometry) -> (FlexTensor, Geometry) {
        (self.forward(x, geometry), geometry)
    }

    fn backward(&self, geometry: &Geometry, gradient: FlexTensor) -> FlexTensor {
        let Packed {
            weight,
            outputs,
            inputs,
            ..
        } = &*self.0;
        let kernel = self
            .0
            .backward
            .get_or_init(|| Winograd::backward(weight, *outputs, *inputs));
        run(kernel, *inputs, &gradient, &geometry.backward())
    }
}

/// Length of an output axis, if it has any.
fn out_length(length: usize, before: usize, after: usize) -> Option<usize> {
    let padded = length.checked_add(before)?.checked_add(after)?;
    padded.checked_sub(2).filter(|n| *n > 0)
}

/// Runs a kernel with `outputs` output channels on a tensor.
fn run(kernel: &Winograd, outputs: usize, x: &FlexTensor, geometry: &Geometry) -> FlexTensor {
    let shape = [
        geometry.batch,
        outputs,
        geometry.out_height,
        geometry.out_width,
    ];
    let mut y = vec![0.0; shape.iter().product()];
    with_values(x, |x| kernel.run(x, geometry, &mut y));
    unary_op::tensor(y, &shape)
}

#[cfg(test)]
mod tests;
