//! `Array`: an f32 tensor whose rank is known only at run time.
//!
//! Burn's `Tensor<D>` carries its rank in the type, but a model file may hold
//! values of any rank. Burn's run-time dispatch layer has no such limit: its
//! primitives take their shape from the value. This file is the only one that
//! calls that layer; everything above it speaks `Array` or `Tensor<D>`.
//! (`docs/decisions/0001-run-time-rank.md` has the alternatives.)

use burn_backend::ops::{
    ActivationOps, BoolTensorOps, ConvOptions, ConvTransposeOptions, FloatTensorOps, IntTensorOps,
    ModuleOps,
};
use burn_backend::{Scalar, TensorMetadata};
use burn_dispatch::{Dispatch, DispatchTensor};
use burn_tensor::{BoolDType, Device, FloatDType, IntDType, Shape, Slice, Tensor, TensorData};

/// An f32 tensor of run-time rank on some Burn device, tracked by autodiff or not.
///
/// Operations follow NumPy's broadcasting. They assume that the caller (the
/// lowering) has checked shapes: a mismatch is a bug of this crate and panics
/// inside Burn.
#[derive(Clone, Debug)]
pub struct Array(DispatchTensor);

impl Array {
    /// An untracked array from row-major values.
    pub fn from_vec(values: Vec<f32>, shape: &[usize], device: &Device) -> Self {
        let data = TensorData::new(values, shape.to_vec());
        Self(Dispatch::float_from_data(data, device.as_dispatch()))
    }

    /// Takes over a Burn tensor of any rank, with its autodiff graph.
    pub fn from_tensor<const D: usize>(tensor: Tensor<D>) -> Self {
        Self(tensor.into_dispatch())
    }

    /// Gives the value as a Burn tensor of rank `D`, which must be its rank.
    pub fn into_tensor<const D: usize>(self) -> Tensor<D> {
        Tensor::from_dispatch(self.0)
    }

    /// Wraps a dispatch primitive.
    pub(crate) fn from_dispatch(tensor: DispatchTensor) -> Self {
        Self(tensor)
    }

    /// The dispatch primitive inside.
    pub(crate) fn into_dispatch(self) -> DispatchTensor {
        self.0
    }

    /// Length of every axis.
    pub fn shape(&self) -> Vec<usize> {
        self.0.shape().to_vec()
    }

    /// The values in row-major order, copied to the host.
    pub fn into_vec(self) -> Vec<f32> {
        let count = self.shape().iter().product();
        let flat: Tensor<1> = self.reshape(&[count]).into_tensor();
        flat.into_data().try_into_vec::<f32>().unwrap_or_default()
    }

    /// The same values in another shape of as many elements.
    pub fn reshape(self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self;
        }
        Self(Dispatch::float_reshape(self.0, Shape::from(shape.to_vec())))
    }

    /// Axes in another order: output axis `i` is input axis `axes[i]`.
    pub fn permute(self, axes: &[usize]) -> Self {
        Self(Dispatch::float_permute(self.0, axes))
    }

    /// Repeats axes of length one until the shape is `shape` (same rank or higher); a single number
    /// without axes gets one, as in all operations on several arrays.
    pub fn expand(self, shape: &[usize]) -> Self {
        let shape = if shape.is_empty() { &[1] } else { shape };
        let aligned = self.align_rank(shape.len());
        if aligned.shape() == shape {
            return aligned;
        }
        Self(Dispatch::float_expand(
            aligned.0,
            Shape::from(shape.to_vec()),
        ))
    }

    /// Puts axes of length one in front until the rank is `rank`.
    fn align_rank(self, rank: usize) -> Self {
        let shape = self.shape();
        if shape.len() >= rank {
            return self;
        }
        let mut aligned = vec![1; rank - shape.len()];
        aligned.extend(shape);
        self.reshape(&aligned)
    }

    fn aligned_pair(self, other: Self) -> (DispatchTensor, DispatchTensor) {
        let rank = self.0.rank().max(other.0.rank()).max(1);
        (self.align_rank(rank).0, other.align_rank(rank).0)
    }

    /// Elements `start, start + step, ...` below `start + step * count` of one axis.
    pub fn slice(self, axis: usize, start: usize, count: usize, step: usize) -> Self {
        let mut slices: Vec<Slice> = self.shape().iter().map(|_| Slice::from(..)).collect();
        let end = start + (count - 1) * step + 1;
        slices[axis] = Slice::new(start as isize, Some(end as isize), step as isize);
        Self(Dispatch::float_slice(self.0, &slices))
    }

    /// The axis read backwards.
    pub fn flip(self, axis: usize) -> Self {
        Self(Dispatch::float_flip(self.0, &[axis]))
    }

    /// Picks entries of one axis by index (each below the axis' length).
    pub fn select(self, axis: usize, indices: &[usize]) -> Self {
        let device = self.device();
        let indices: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        let count = indices.len();
        let indices = TensorData::new(indices, [count]);
        let indices = Dispatch::int_from_data(indices, device.as_dispatch());
        Self(Dispatch::float_select(self.0, axis, indices))
    }

    /// The device it is on, without autodiff.
    pub fn device(&self) -> Device {
        Device::new(self.0.device()).without_autodiff()
    }

    /// Joins arrays along an axis.
    pub fn concat(parts: Vec<Self>, axis: usize) -> Self {
        let parts = parts.into_iter().map(|part| part.0).collect();
        Self(Dispatch::float_cat(parts, axis))
    }

    /// Adds `before` and `after` entries of `value` to every axis.
    pub fn pad_constant(self, pads: &[(usize, usize)], value: f32) -> Self {
        pads.iter()
            .enumerate()
            .fold(self, |array, (axis, &(before, after))| {
                let mut parts = Vec::with_capacity(3);
                let device = array.device();
                let filled = |shape: &[usize], count: usize| {
                    let mut shape = shape.to_vec();
                    shape[axis] = count;
                    let size = shape.iter().product();
                    Self::from_vec(vec![value; size], &shape, &device)
                };
                let shape = array.shape();
                if before > 0 {
                    parts.push(filled(&shape, before));
                }
                parts.push(array);
                if after > 0 {
                    parts.push(filled(&shape, after));
                }
                if parts.len() == 1 {
                    parts.remove(0)
                } else {
                    Self::concat(parts, axis)
                }
            })
    }

    /// Matrix product over the last two axes; leading axes broadcast.
    pub fn matmul(self, other: Self) -> Self {
        let (left, right) = self.aligned_pair(other);
        let (left, right) = (Self(left), Self(right));
        let (mut a, mut b) = (left.shape(), right.shape());
        let rank = a.len();
        for axis in 0..rank - 2 {
            let wide = a[axis].max(b[axis]);
            (a[axis], b[axis]) = (wide, wide);
        }
        Self(Dispatch::float_matmul(
            left.expand(&a).0,
            right.expand(&b).0,
        ))
    }

    /// Convolution: `self` `[batch, in, height, width]`, `weight` `[out, in / groups, kh, kw]`.
    pub fn conv2d(self, weight: Self, bias: Option<Self>, options: ConvOptions<2>) -> Self {
        Self(Dispatch::conv2d(
            self.0,
            weight.0,
            bias.map(|b| b.0),
            options,
        ))
    }

    /// Transposed convolution: `weight` `[in, out / groups, kh, kw]`.
    pub fn conv_transpose2d(
        self,
        weight: Self,
        bias: Option<Self>,
        options: ConvTransposeOptions<2>,
    ) -> Self {
        Self(Dispatch::conv_transpose2d(
            self.0,
            weight.0,
            bias.map(|b| b.0),
            options,
        ))
    }

    /// Largest value of each window, without padding.
    pub fn max_pool2d(self, kernel: [usize; 2], stride: [usize; 2], dilation: [usize; 2]) -> Self {
        Self(Dispatch::max_pool2d(
            self.0,
            kernel,
            stride,
            [0, 0],
            dilation,
            false,
        ))
    }

    /// Mean of each window, without padding.
    pub fn avg_pool2d(self, kernel: [usize; 2], stride: [usize; 2]) -> Self {
        Self(Dispatch::avg_pool2d(
            self.0,
            kernel,
            stride,
            [0, 0],
            true,
            false,
        ))
    }

    /// Softmax along an axis.
    pub fn softmax(self, axis: usize) -> Self {
        Self(Dispatch::softmax(self.0, axis))
    }

    /// Logarithm of the softmax along an axis.
    pub fn log_softmax(self, axis: usize) -> Self {
        Self(Dispatch::log_softmax(self.0, axis))
    }

    /// Index of the first largest entry of an axis, as f32, the axis kept with length one.
    pub fn argmax(self, axis: usize) -> Self {
        let indices = Dispatch::float_argmax(self.0, axis, IntDType::I64);
        Self(Dispatch::int_into_float(indices, FloatDType::F32))
    }

    /// Indices that put an axis in order, as f32; of equal entries the first comes first, and what
    /// is no number comes last. They have no gradient.
    pub fn argsort(self, axis: usize, descending: bool) -> Self {
        let (shape, device) = (self.shape(), self.device());
        let values = self.into_vec();
        let length = shape[axis];
        let inner: usize = shape[axis + 1..].iter().product();
        let mut sorted = vec![0.0; values.len()];
        for first in (0..values.len()).filter(|at| (at / inner).is_multiple_of(length)) {
            let value = |i: usize| values[first + i * inner];
            let mut order: Vec<usize> = (0..length).collect();
            order.sort_by(|&a, &b| {
                let (a, b) = (value(a), value(b));
                let by_size = if descending {
                    b.partial_cmp(&a)
                } else {
                    a.partial_cmp(&b)
                };
                by_size.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            });
            for (place, index) in order.into_iter().enumerate() {
                sorted[first + place * inner] = index as f32;
            }
        }
        Self::from_vec(sorted, &shape, &device)
    }

    /// Along an axis, the entry that `indices` names for each entry of the result.
    pub fn gather(self, axis: usize, indices: Self) -> Self {
        let indices = Dispatch::float_into_int(indices.detach().0, IntDType::I64);
        Self(Dispatch::float_gather(axis, self.0, indices))
    }

    /// Sums up to each entry of an axis, itself included.
    pub fn cumulative_sum(self, axis: usize) -> Self {
        Self(Dispatch::float_cumsum(self.0, axis))
    }

    /// `self` where `condition` is not zero, else `other`; all three broadcast.
    pub fn choose(condition: Self, yes: Self, no: Self, shape: &[usize]) -> Self {
        let mask = Dispatch::float_not_equal_elem(
            condition.expand(shape).0,
            Scalar::Float(0.0),
            BoolDType::Native,
        );
        Self(Dispatch::float_mask_where(
            no.expand(shape).0,
            mask,
            yes.expand(shape).0,
        ))
    }
}

/// Generates methods that map one array to another of the same shape.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident => $call:ident),* $(,)?) => {
        // Named after the operations, as Burn's methods are.
        #[allow(clippy::should_implement_trait)]
        impl Array { $( $(#[$doc])* pub fn $name(self) -> Self { Self(Dispatch::$call(self.0)) } )* }
    };
}

unary! {
    /// `-x`.
    neg => float_neg,
    /// `|x|`.
    abs => float_abs,
    /// `e^x`.
    exp => float_exp,
    /// Natural logarithm.
    log => float_log,
    /// Square root.
    sqrt => float_sqrt,
    /// `1 / x`.
    recip => float_recip,
    /// Hyperbolic tangent.
    tanh => float_tanh,
    /// Sine.
    sin => float_sin,
    /// Cosine.
    cos => float_cos,
    /// Tangent.
    tan => float_tan,
    /// Inverse sine.
    asin => float_asin,
    /// Inverse cosine.
    acos => float_acos,
    /// Inverse tangent.
    atan => float_atan,
    /// Hyperbolic sine.
    sinh => float_sinh,
    /// Hyperbolic cosine.
    cosh => float_cosh,
    /// Inverse hyperbolic sine.
    asinh => float_asinh,
    /// Inverse hyperbolic cosine.
    acosh => float_acosh,
    /// Inverse hyperbolic tangent.
    atanh => float_atanh,
    /// Gauss error function.
    erf => float_erf,
    /// -1, 0 or 1; its gradient is zero.
    sign => float_sign,
    /// Rounded down; its gradient is zero.
    floor => float_floor,
    /// Rounded up; its gradient is zero.
    ceil => float_ceil,
    /// Rounded to even; its gradient is zero.
    round => float_round,
    /// The same values, without their gradient.
    detach => float_detach,
    /// `max(x, 0)`.
    relu => relu,
    /// `1 / (1 + e^-x)`.
    sigmoid => sigmoid,
}

/// Generates methods on two arrays that broadcast against each other.
macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident => $call:ident),* $(,)?) => {
        // Named after the operations, as Burn's methods are.
        #[allow(clippy::should_implement_trait)]
        impl Array { $( $(#[$doc])* pub fn $name(self, other: Self) -> Self {
            let (a, b) = self.aligned_pair(other);
            Self(Dispatch::$call(a, b))
        } )* }
    };
}

binary! {
    /// `a + b`.
    add => float_add,
    /// `a - b`.
    sub => float_sub,
    /// `a * b`.
    mul => float_mul,
    /// `a / b`.
    div => float_div,
    /// `a ^ b`.
    pow => float_powf,
}

/// Generates comparisons, which give 1 where they hold and 0 elsewhere.
macro_rules! comparison {
    ($($(#[$doc:meta])* $name:ident => $call:ident),* $(,)?) => {
        impl Array { $( $(#[$doc])* pub fn $name(self, other: Self, shape: &[usize]) -> Self {
            let (a, b) = (self.expand(shape).0, other.expand(shape).0);
            let holds = Dispatch::$call(a, b, BoolDType::Native);
            Self(Dispatch::bool_into_float(holds, FloatDType::F32))
        } )* }
    };
}

comparison! {
    /// `a = b`.
    equal => float_equal,
    /// `a > b`.
    greater => float_greater,
    /// `a >= b`.
    greater_equal => float_greater_equal,
    /// `a < b`.
    less => float_lower,
    /// `a <= b`.
    less_equal => float_lower_equal,
}

/// Generates reductions of one axis, which stays with length one.
macro_rules! reduction {
    ($($(#[$doc:meta])* $name:ident => $call:ident),* $(,)?) => {
        impl Array { $( $(#[$doc])* pub fn $name(self, axis: usize) -> Self {
            Self(Dispatch::$call(self.0, axis))
        } )* }
    };
}

reduction! {
    /// Sum along an axis.
    sum => float_sum_dim,
    /// Mean along an axis.
    mean => float_mean_dim,
    /// Largest value along an axis.
    max => float_max_dim,
    /// Smallest value along an axis.
    min => float_min_dim,
}

/// Generates operations with a number.
macro_rules! scalar {
    ($($(#[$doc:meta])* $name:ident => $call:ident),* $(,)?) => {
        impl Array { $( $(#[$doc])* pub fn $name(self, value: f32) -> Self {
            Self(Dispatch::$call(self.0, Scalar::Float(f64::from(value))))
        } )* }
    };
}

scalar! {
    /// `x + value`.
    add_scalar => float_add_scalar,
    /// `x * value`.
    mul_scalar => float_mul_scalar,
    /// `x ^ value`.
    pow_scalar => float_powf_scalar,
    /// `max(x, value)`.
    clamp_min => float_clamp_min,
    /// `min(x, value)`.
    clamp_max => float_clamp_max,
    /// `x` where positive, `value * x` elsewhere.
    leaky_relu => leaky_relu,
}
