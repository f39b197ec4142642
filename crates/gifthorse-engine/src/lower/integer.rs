//! Products of quantised values, as onnxruntime's quantiser writes them.
//!
//! The products are made of the whole numbers, less their zero points, which f32 adds up exactly as
//! long as sums stay below 2^24, and rescaled at the end as onnxruntime does, so that results are
//! the same numbers but for what lies between two steps. Rounding passes gradients on and
//! saturation stops them, as in `quantize`.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::conv::{GEOMETRY, convolved};
use crate::lower::matmul::{product, turned};
use crate::lower::quantize::{saturated, spread};
use crate::program::{Binary, Operand, Unary};

/// `ConvInteger`: a convolution of whole numbers.
pub fn conv_integer(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&GEOMETRY)?;
    let (x, input) = centred(&mut call, 0, 2, Axis::None)?;
    let (w, weight) = centred(&mut call, 1, 3, Axis::First)?;
    let (out, _) = convolved(&mut call, (x, &input), (w, &weight), None)?;
    call.finish(out)
}

/// `QLinearConv`: the same, rescaled and quantised.
pub fn quantised_conv(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&GEOMETRY)?;
    let (x, input) = centred(&mut call, 0, 2, Axis::None)?;
    let (w, weight) = centred(&mut call, 3, 5, Axis::First)?;
    let bias = call.has(8).then(|| call.operand(8)).transpose()?;
    let (sum, shape) = convolved(&mut call, (x, &input), (w, &weight), bias)?;
    let input_scale = spread(&mut call, 1, &shape, None)?;
    let weight_scale = spread(&mut call, 4, &shape, Some(1))?;
    let scales = [input_scale, weight_scale];
    let out = rescaled(&mut call, sum, &shape, scales, [6, 7])?;
    call.finish(out)
}

/// `MatMulInteger`: a product of whole numbers.
pub fn matmul_integer(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let (a, rows) = centred(&mut call, 0, 2, Axis::BeforeLast)?;
    let (b, columns) = centred(&mut call, 1, 3, Axis::Last)?;
    let (out, _) = product(&mut call, (a, rows), (b, columns))?;
    call.finish(out)
}

/// `QLinearMatMul`: the same, rescaled and quantised.
pub fn quantised_matmul(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let (a, rows) = centred(&mut call, 0, 2, Axis::BeforeLast)?;
    let (b, columns) = centred(&mut call, 3, 5, Axis::Last)?;
    let (sum, shape) = product(&mut call, (a, rows), (b, columns))?;
    let row = shape.len().checked_sub(2);
    let column = shape.len().checked_sub(1);
    let left = spread(&mut call, 1, &shape, row)?;
    let right = spread(&mut call, 4, &shape, column)?;
    let out = rescaled(&mut call, sum, &shape, [left, right], [6, 7])?;
    call.finish(out)
}

/// `QGemm` of onnxruntime: `alpha A B + C` of whole numbers, quantised where the scale of the
/// result is given.
pub fn quantised_gemm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["alpha", "transA", "transB"])?;
    let of_columns = if call.node.int_or("transB", 0)? != 0 {
        Axis::First
    } else {
        Axis::Last
    };
    let a = centred(&mut call, 0, 2, Axis::None)?;
    let b = centred(&mut call, 3, 5, of_columns)?;
    let a = turned(&mut call, a, "transA")?;
    let b = turned(&mut call, b, "transB")?;
    let (mut sum, shape) = product(&mut call, a, b)?;
    if call.has(6) {
        let given = call.shape(6)?;
        if call.broadcast(&given, &shape)? != shape {
            return Err(call.shape_error(format!("C {given:?} does not broadcast to {shape:?}")));
        }
        let bias = call.operand(6)?;
        sum = call.binary(Binary::Add, sum, bias, &shape);
    }
    let alpha = call.node.float_or("alpha", 1.0)?;
    let sum = match alpha {
        1.0 => sum,
        alpha => call.unary(Unary::MulScalar(alpha), sum, &shape),
    };
    let left = spread(&mut call, 1, &shape, None)?;
    let right = spread(&mut call, 4, &shape, Some(1))?;
    let out = if call.has(7) {
        rescaled(&mut call, sum, &shape, [left, right], [7, 8])?
    } else {
        let scale = scaled(&mut call, left, right);
        call.binary(Binary::Mul, sum, scale, &shape)
    };
    call.finish(out)
}

/// Which axis a zero point has a number for each entry of, if it has several.
enum Axis {
    None,
    First,
    BeforeLast,
    Last,
}

/// Input `value` less its zero point, with its shape.
fn centred(
    call: &mut Call,
    value: usize,
    zero: usize,
    axis: Axis,
) -> Result<(Operand, Vec<usize>), Error> {
    let shape = call.shape(value)?;
    let x = call.operand(value)?;
    if !call.has(zero) {
        return Ok((x, shape));
    }
    let axis = match axis {
        Axis::None => None,
        Axis::First => Some(0),
        Axis::BeforeLast => shape.len().checked_sub(2),
        Axis::Last => shape.len().checked_sub(1),
    };
    let zero = spread(call, zero, &shape, axis)?;
    Ok((call.binary(Binary::Sub, x, zero, &shape), shape))
}

/// The product of two scales, of which one may have a number for each channel.
fn scaled(call: &mut Call, left: Operand, right: Operand) -> Operand {
    let shapes = [left, right].map(|operand| call.context.shape_of(operand));
    let wide = shapes
        .iter()
        .max_by_key(|shape| shape.iter().product::<usize>());
    let shape = wide.cloned().unwrap_or_default();
    call.binary(Binary::Mul, left, right, &shape)
}

/// A sum of products, times both scales over that of the result, rounded and saturated. `result`
/// are the inputs that hold scale and zero point of the result.
fn rescaled(
    call: &mut Call,
    sum: Operand,
    shape: &[usize],
    [left, right]: [Operand; 2],
    [scale, zero]: [usize; 2],
) -> Result<Operand, Error> {
    let both = scaled(call, left, right);
    let result = spread(call, scale, shape, None)?;
    let wide = call.context.shape_of(both);
    let factor = call.binary(Binary::Div, both, result, &wide);
    let x = call.binary(Binary::Mul, sum, factor, shape);
    saturated(call, x, shape, zero)
}
