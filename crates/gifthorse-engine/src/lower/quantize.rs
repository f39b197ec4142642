//! `QuantizeLinear` and `DequantizeLinear`. Rounding passes gradients on as if it did nothing (a
//! straight-through estimator), as when such a model is trained; saturation stops them.

use gifthorse_onnx::ElementType;

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Binary, Operand, Unary};

/// `QuantizeLinear`: `saturate(round(x / scale) + zero_point)`.
pub fn quantize(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[
        "axis",
        "block_size",
        "output_dtype",
        "precision",
        "saturate",
    ])?;
    let shape = call.shape(0)?;
    let (min, max) = range(&call)?;
    let x = call.operand(0)?;
    let scale = parameter(&mut call, 1, &shape)?;
    let x = call.binary(Binary::Div, x, scale, &shape);
    let mut x = call.unary(Unary::RoundThrough, x, &shape);
    if call.has(2) {
        let zero = parameter(&mut call, 2, &shape)?;
        x = call.binary(Binary::Add, x, zero, &shape);
    }
    let out = call.unary(Unary::Clip { min, max }, x, &shape);
    call.finish(out)
}

/// `DequantizeLinear`: `(x - zero_point) * scale`.
pub fn dequantize(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "block_size", "output_dtype"])?;
    let shape = call.shape(0)?;
    let mut x = call.operand(0)?;
    if call.has(2) {
        let zero = parameter(&mut call, 2, &shape)?;
        x = call.binary(Binary::Sub, x, zero, &shape);
    }
    let scale = parameter(&mut call, 1, &shape)?;
    let out = call.binary(Binary::Mul, x, scale, &shape);
    call.finish(out)
}

/// A scale or zero point as it broadcasts: one number, or one for each entry of `axis`.
fn parameter(call: &mut Call, index: usize, shape: &[usize]) -> Result<Operand, Error> {
    if call.node.int_or("block_size", 0)? != 0 {
        return Err(call.unsupported("block_size", "a scale for each block"));
    }
    let given = call.shape(index)?;
    let operand = call.operand(index)?;
    if given.iter().product::<usize>() == 1 {
        return Ok(call.reshape(operand, &given, &vec![1; shape.len()]));
    }
    let axis = call.axis(call.node.int_or("axis", 1)?, shape.len())?;
    if given != [shape[axis]] {
        let reason = format!("input {index} of shape {given:?} for axis {axis} of {shape:?}");
        return Err(call.shape_error(reason));
    }
    let mut wide = vec![1; shape.len()];
    wide[axis] = shape[axis];
    Ok(call.reshape(operand, &given, &wide))
}

/// The least and largest number of the type that is quantised to.
fn range(call: &Call) -> Result<(f32, f32), Error> {
    let stated = call.node.int_or("output_dtype", 0)?;
    let kind = if stated != 0 {
        ElementType::from_onnx(stated)
    } else if call.has(2) {
        call.kind(2)
    } else {
        Some(ElementType::U8)
    };
    match kind {
        Some(ElementType::U8) => Ok((0.0, 255.0)),
        Some(ElementType::I8) => Ok((-128.0, 127.0)),
        Some(ElementType::U16) => Ok((0.0, 65_535.0)),
        Some(ElementType::I16) => Ok((-32_768.0, 32_767.0)),
        _ => {
            let reason = "quantised to a type other than 8-bit and 16-bit integers";
            Err(call.unsupported("y_zero_point", reason))
        }
    }
}
