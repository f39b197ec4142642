//! `QuantizeLinear`, `DequantizeLinear` and `DynamicQuantizeLinear`. Rounding passes gradients on
//! as if it did nothing (a straight-through estimator), as when such a model is trained; saturation
//! stops them.

use gifthorse_onnx::ElementType;

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::kind;
use crate::program::{Binary, Operand, Primitive, Reduction, Unary};

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
    let x = call.operand(0)?;
    let scale = parameter(&mut call, 1, &shape)?;
    let x = call.binary(Binary::Div, x, scale, &shape);
    let mut x = call.unary(Unary::RoundThrough, x, &shape);
    if call.has(2) {
        let zero = parameter(&mut call, 2, &shape)?;
        x = call.binary(Binary::Add, x, zero, &shape);
    }
    let kind = kind::of_output(call.node, &call.kinds, 0);
    let out = clipped(&mut call, x, &shape, kind)?;
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

/// `DynamicQuantizeLinear`: to 8 bits without sign, by a scale and a zero point that the value's
/// own range gives, over whatever goes through together.
pub fn dynamic(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.shape(0)?;
    call.context.looks_across = true;
    let x = call.operand(0)?;
    let ones = vec![1; shape.len()];
    let axes: Vec<usize> = (0..shape.len()).collect();
    let zero = call.fresh("zero", vec![0.0], vec![]);
    let mut bound = |kind, function| {
        let edge = call.step(Primitive::Reduce(kind, axes.clone()), vec![x], ones.clone());
        let edge = call.reshape(edge, &ones, &[]);
        call.binary(function, edge, zero, &[])
    };
    let least = bound(Reduction::Min, Binary::Min);
    let most = bound(Reduction::Max, Binary::Max);
    let range = call.binary(Binary::Sub, most, least, &[]);
    let levels = call.fresh("levels", vec![LEVELS], vec![]);
    let scale = call.binary(Binary::Div, range, levels, &[]);
    // Of nothing but zeros any scale is right.
    let one = call.fresh("one", vec![1.0], vec![]);
    let nothing = call.unary(Unary::Not, range, &[]);
    let scale = call.step(Primitive::Where, vec![nothing, one, scale], vec![]);
    let place = call.binary(Binary::Div, least, scale, &[]);
    let place = call.unary(Unary::Neg, place, &[]);
    let place = call.unary(EIGHT_BITS, place, &[]);
    let place = call.unary(Unary::RoundThrough, place, &[]);
    let y = call.binary(Binary::Div, x, scale, &shape);
    let y = call.unary(Unary::RoundThrough, y, &shape);
    let y = call.binary(Binary::Add, y, place, &shape);
    let y = call.unary(EIGHT_BITS, y, &shape);
    Ok([y, scale, place].map(Lowered::of).to_vec())
}

/// The largest number of eight bits.
const LEVELS: f32 = 255.0;
/// Saturation to them.
const EIGHT_BITS: Unary = Unary::Clip {
    min: 0.0,
    max: LEVELS,
};

/// A scale or zero point as it broadcasts: one number, or one for each entry of `axis`.
fn parameter(call: &mut Call, index: usize, shape: &[usize]) -> Result<Operand, Error> {
    if call.node.int_or("block_size", 0)? != 0 {
        return Err(call.unsupported("block_size", "a scale for each block"));
    }
    let axis = call.node.int_or("axis", 1)?;
    if call.shape(index)?.iter().product::<usize>() == 1 {
        return spread(call, index, shape, None);
    }
    let axis = call.axis(axis, shape.len())?;
    spread(call, index, shape, Some(axis))
}

/// Input `index` as it broadcasts to `shape`: one number, one for each entry of `axis`, or whatever
/// broadcasts anyway.
pub fn spread(
    call: &mut Call,
    index: usize,
    shape: &[usize],
    axis: Option<usize>,
) -> Result<Operand, Error> {
    let given = call.shape(index)?;
    let operand = call.operand(index)?;
    if given.iter().product::<usize>() == 1 {
        return Ok(call.reshape(operand, &given, &vec![1; shape.len()]));
    }
    let wrong = || format!("input {index} of shape {given:?} for axis {axis:?} of {shape:?}");
    match axis {
        Some(axis) if given == [shape[axis]] => {
            let mut wide = vec![1; shape.len()];
            wide[axis] = shape[axis];
            Ok(call.reshape(operand, &given, &wide))
        }
        Some(_) if given.len() == shape.len() && call.broadcast(&given, shape)? == shape => {
            Ok(operand)
        }
        _ => Err(call.shape_error(wrong())),
    }
}

/// Numbers quantised by a scale and the zero point in input `zero`, whose type they get.
pub fn quantised(
    call: &mut Call,
    x: Operand,
    shape: &[usize],
    scale: Operand,
    zero: usize,
) -> Result<Operand, Error> {
    let x = call.binary(Binary::Div, x, scale, shape);
    saturated(call, x, shape, zero)
}

/// Multiples of a scale, rounded, moved by the zero point in input `zero` and kept within its type.
pub fn saturated(
    call: &mut Call,
    x: Operand,
    shape: &[usize],
    zero: usize,
) -> Result<Operand, Error> {
    let mut x = call.unary(Unary::RoundThrough, x, shape);
    if call.has(zero) {
        let zero = spread(call, zero, shape, None)?;
        x = call.binary(Binary::Add, x, zero, shape);
    }
    let kind = call.kind(zero).or(Some(ElementType::U8));
    clipped(call, x, shape, kind)
}

/// Keeps whole numbers within their type.
fn clipped(
    call: &mut Call,
    x: Operand,
    shape: &[usize],
    kind: Option<ElementType>,
) -> Result<Operand, Error> {
    let (min, max) = match kind {
        Some(ElementType::U8) => (0.0, LEVELS),
        Some(ElementType::I8) => (-128.0, 127.0),
        Some(ElementType::U16) => (0.0, 65_535.0),
        Some(ElementType::I16) => (-32_768.0, 32_767.0),
        _ => {
            let reason = "quantised to a type other than 8-bit and 16-bit integers";
            return Err(call.unsupported("y_zero_point", reason));
        }
    };
    Ok(call.unary(Unary::Clip { min, max }, x, shape))
}
