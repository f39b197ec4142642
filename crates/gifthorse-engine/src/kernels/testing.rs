//! Comparing a kernel with the reference, forward and backward.

use burn::backend::DispatchTensor;
use burn::tensor::{Device, Tensor};

use crate::array::Array;
use crate::program::Primitive;
use crate::reference::evaluate;

/// An operation as its kernel and as the reference.
pub(crate) struct Pair<K> {
    pub(crate) kernel: K,
    pub(crate) primitive: Primitive,
    /// Of the result.
    pub(crate) shape: Vec<usize>,
}

/// A result and the gradient of `sum(result * cotangent)` to the input.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) shape: Vec<usize>,
    pub(crate) output: Vec<f32>,
    pub(crate) gradient: Vec<f32>,
}

impl<K: Fn(DispatchTensor) -> Result<DispatchTensor, DispatchTensor>> Pair<K> {
    pub(crate) fn ours(&self, x: Array) -> Array {
        Array::from_dispatch((self.kernel)(x.into_dispatch()).expect("a flex tensor that fits"))
    }

    pub(crate) fn reference(&self, x: Array) -> Array {
        evaluate(&self.primitive, vec![x], &self.shape).expect("all operands are there")
    }

    /// Ours first, then the reference's.
    pub(crate) fn outcomes(&self, x: &Tensor<4>, cotangent: &[f32]) -> [Outcome; 2] {
        [
            outcome(x, cotangent, |x| self.ours(x)),
            outcome(x, cotangent, |x| self.reference(x)),
        ]
    }
}

pub(crate) fn outcome(x: &Tensor<4>, cotangent: &[f32], f: impl Fn(Array) -> Array) -> Outcome {
    let device = Device::flex();
    let x = Tensor::<4>::from_data(x.to_data(), &device.clone().autodiff()).require_grad();
    // Two inner nodes: the kernel's input and the gradient that it gets may be used in place.
    let inner = Array::from_tensor(x.clone()).mul_scalar(1.0);
    let y = f(inner);
    let shape = y.shape();
    let output = y.clone().into_vec();
    let cotangent = Array::from_vec(cotangent.to_vec(), &shape, &device.autodiff());
    let loss: Tensor<4> = y.mul(cotangent).into_tensor();
    let gradients = loss.sum().backward();
    let gradient = Array::from_tensor(x.grad(&gradients).expect("a gradient")).into_vec();
    Outcome {
        shape,
        output,
        gradient,
    }
}

/// Numbers that look random, in -1..1, from a seed.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

pub(crate) fn tensor(values: Vec<f32>, shape: [usize; 4]) -> Tensor<4> {
    Array::from_vec(values, &shape, &Device::flex()).into_tensor()
}

/// Whether both are NaN, equal, or apart by no more than `tolerance` of the larger of 1 and
/// the wanted size.
pub(crate) fn close(wanted: f32, given: f32, tolerance: f32) -> bool {
    (wanted.is_nan() && given.is_nan())
        || wanted == given
        || (wanted - given).abs() <= tolerance * wanted.abs().max(1.0)
}

/// The first place where two lists differ.
pub(crate) fn difference(wanted: &[f32], given: &[f32], tolerance: f32) -> Option<String> {
    if wanted.len() != given.len() {
        return Some(format!("{} values, not {}", given.len(), wanted.len()));
    }
    let at = (0..wanted.len()).find(|&i| !close(wanted[i], given[i], tolerance))?;
    Some(format!("{} instead of {} at {at}", given[at], wanted[at]))
}
