//! Operators that onnxruntime's quantiser writes between the products: each dequantises, computes
//! in f32, and quantises again.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::pool::{AVERAGE, averaged};
use crate::lower::quantize::{quantised, spread};
use crate::program::{Binary, Operand, Primitive, Reduction, Unary};

/// `QLinearAdd` and `QLinearMul`.
pub fn binary(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let (x, a) = real(&mut call, [0, 1, 2])?;
    let (y, b) = real(&mut call, [3, 4, 5])?;
    let shape = call.broadcast(&a, &b)?;
    let function = if call.node.op_type == "QLinearAdd" {
        Binary::Add
    } else {
        Binary::Mul
    };
    let out = call.binary(function, x, y, &shape);
    finish(call, out, &shape, [6, 7])
}

/// `QLinearSigmoid` and `QLinearLeakyRelu`.
pub fn unary(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let function = if call.node.op_type == "QLinearSigmoid" {
        call.only_attributes(&[])?;
        Unary::Sigmoid
    } else {
        call.only_attributes(&["alpha"])?;
        Unary::LeakyRelu(call.node.float_or("alpha", 0.01)?)
    };
    let (x, shape) = real(&mut call, [0, 1, 2])?;
    let out = call.unary(function, x, &shape);
    finish(call, out, &shape, [3, 4])
}

/// `QLinearConcat`: scale and zero point of the result, then the parts, each with its own.
pub fn concat(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis"])?;
    let mut shape = call.shape(2)?;
    let axis = call.axis(call.node.int("axis")?, shape.len())?;
    shape[axis] = 0;
    let mut parts = Vec::new();
    for first in (2..call.inputs.len()).step_by(3) {
        let (x, part) = real(&mut call, [first, first + 1, first + 2])?;
        let fits =
            part.len() == shape.len() && (0..shape.len()).all(|a| a == axis || part[a] == shape[a]);
        if !fits {
            return Err(call.shape_error(format!("{part:?} beside {shape:?} along axis {axis}")));
        }
        shape[axis] += part[axis];
        parts.push(x);
    }
    let out = call.step(Primitive::Concat(axis), parts, shape.clone());
    finish(call, out, &shape, [0, 1])
}

/// `QLinearGlobalAveragePool`, channels first or last.
pub fn global_average_pool(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["channels_last"])?;
    let (x, mut shape) = real(&mut call, [0, 1, 2])?;
    if shape.len() < 3 {
        return Err(call.shape_error(format!("input {shape:?} has no spatial axes")));
    }
    let last = call.node.int_or("channels_last", 0)? != 0;
    let axes: Vec<usize> = if last {
        (1..shape.len() - 1).collect()
    } else {
        (2..shape.len()).collect()
    };
    for &axis in &axes {
        shape[axis] = 1;
    }
    let mean = Primitive::Reduce(Reduction::Mean, axes);
    let out = call.step(mean, vec![x], shape.clone());
    finish(call, out, &shape, [3, 4])
}

/// `QLinearAveragePool`, channels first.
pub fn average_pool(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[&AVERAGE[..], &["channels_last"]].concat())?;
    if call.node.int_or("channels_last", 0)? != 0 {
        return Err(call.unsupported("channels_last", "a pool with channels last"));
    }
    let (x, input) = real(&mut call, [0, 1, 2])?;
    let (out, shape) = averaged(&mut call, x, &input)?;
    finish(call, out, &shape, [3, 4])
}

/// A quantised input as the numbers that it stands for, with its shape: `(x - zero) * scale`.
fn real(call: &mut Call, [value, scale, zero]: [usize; 3]) -> Result<(Operand, Vec<usize>), Error> {
    let shape = call.shape(value)?;
    let mut x = call.operand(value)?;
    if call.has(zero) {
        let zero = spread(call, zero, &shape, None)?;
        x = call.binary(Binary::Sub, x, zero, &shape);
    }
    let scale = spread(call, scale, &shape, None)?;
    Ok((call.binary(Binary::Mul, x, scale, &shape), shape))
}

/// Quantises the result by the inputs that hold its scale and zero point.
fn finish(
    mut call: Call,
    out: Operand,
    shape: &[usize],
    [scale, zero]: [usize; 2],
) -> Result<Vec<Lowered>, Error> {
    let scale = spread(&mut call, scale, shape, None)?;
    let out = quantised(&mut call, out, shape, scale, zero)?;
    call.finish(out)
}
