//! Operators on each element.

use gifthorse_onnx::ElementType;

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::branch::Choice;
use crate::program::{Binary, Operand, Primitive, Unary};

/// Operators of one input.
pub fn unary(call: Call) -> Result<Vec<Lowered>, Error> {
    let node = call.node;
    let mut known: Vec<&str> = vec![];
    let functions = match node.op_type.as_str() {
        "Relu" => vec![Unary::Relu],
        "LeakyRelu" => {
            known.push("alpha");
            vec![Unary::LeakyRelu(node.float_or("alpha", 0.01)?)]
        }
        "Elu" => {
            known.push("alpha");
            vec![Unary::Elu {
                alpha: node.float_or("alpha", 1.0)?,
                gamma: 1.0,
            }]
        }
        "Selu" => {
            known.extend(["alpha", "gamma"]);
            let alpha = node.float_or("alpha", 1.673_263_2)?;
            vec![Unary::Elu {
                alpha,
                gamma: node.float_or("gamma", 1.050_701)?,
            }]
        }
        "HardSigmoid" => {
            known.extend(["alpha", "beta"]);
            let alpha = node.float_or("alpha", 0.2)?;
            vec![Unary::HardSigmoid {
                alpha,
                beta: node.float_or("beta", 0.5)?,
            }]
        }
        "Sigmoid" => vec![Unary::Sigmoid],
        "Tanh" => vec![Unary::Tanh],
        "Erf" => vec![Unary::Erf],
        "Sign" => vec![Unary::Sign],
        "Softplus" => vec![Unary::Softplus],
        "Neg" => vec![Unary::Neg],
        "Abs" => vec![Unary::Abs],
        "Exp" => vec![Unary::Exp],
        "Log" => vec![Unary::Log],
        "Sqrt" => vec![Unary::Sqrt],
        "Reciprocal" => vec![Unary::Reciprocal],
        "Floor" => vec![Unary::Floor],
        "Ceil" => vec![Unary::Ceil],
        "Round" => vec![Unary::Round],
        "Sin" => vec![Unary::Sin],
        "Cos" => vec![Unary::Cos],
        "Tan" => vec![Unary::Tan],
        "Asin" => vec![Unary::Asin],
        "Acos" => vec![Unary::Acos],
        "Atan" => vec![Unary::Atan],
        "Sinh" => vec![Unary::Sinh],
        "Cosh" => vec![Unary::Cosh],
        "Asinh" => vec![Unary::Asinh],
        "Acosh" => vec![Unary::Acosh],
        "Atanh" => vec![Unary::Atanh],
        "Not" => vec![Unary::Not],
        other => return Err(Error::Internal(format!("{other} is not unary"))),
    };
    call.only_attributes(&known)?;
    chain(call, &functions)
}

/// `IsNaN`: what is not equal to itself.
pub fn is_nan(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.shape(0)?;
    let x = call.operand(0)?;
    let is_number = call.binary(Binary::Equal, x, x, &shape);
    let out = call.unary(Unary::Not, is_number, &shape);
    call.finish(out)
}

/// `IsInf`, of either sign or of one.
pub fn is_infinite(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["detect_negative", "detect_positive"])?;
    let shape = call.shape(0)?;
    let mut x = call.operand(0)?;
    let positive = call.node.int_or("detect_positive", 1)? != 0;
    let negative = call.node.int_or("detect_negative", 1)? != 0;
    let sought = match (positive, negative) {
        (true, true) => {
            x = call.unary(Unary::Abs, x, &shape);
            f32::INFINITY
        }
        (true, false) => f32::INFINITY,
        (false, true) => f32::NEG_INFINITY,
        (false, false) => return Err(call.unsupported("detect_positive", "nothing to detect")),
    };
    let infinity = call.fresh("infinity", vec![sought], vec![]);
    let out = call.binary(Binary::Equal, x, infinity, &shape);
    call.finish(out)
}

fn chain(mut call: Call, functions: &[Unary]) -> Result<Vec<Lowered>, Error> {
    let shape = call.shape(0)?;
    let mut x = call.operand(0)?;
    for &function in functions {
        x = call.step(Primitive::Unary(function), vec![x], shape.clone());
    }
    call.finish(x)
}

/// `Clip`, bounds as attributes (before opset 11) or inputs.
pub fn clip(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["min", "max"])?;
    let bound = |index: usize, name: &str, default: f32| -> Result<f32, Error> {
        if !call.has(index) {
            return Ok(call.node.float_or(name, default)?);
        }
        let constant = call
            .constant(index)
            .ok_or_else(|| call.unsupported(name, "it depends on the model's input"))?;
        constant
            .to_f32()
            .first()
            .copied()
            .ok_or_else(|| call.shape_error(format!("{name} is empty")))
    };
    let min = bound(1, "min", f32::NEG_INFINITY)?;
    let max = bound(2, "max", f32::INFINITY)?;
    chain(call, &[Unary::Clip { min, max }])
}

/// Operators of two inputs that broadcast. A quotient of integers drops its remainder.
pub fn binary(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let function = match call.node.op_type.as_str() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" | "And" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        "Or" => Binary::Max,
        "Xor" => Binary::Sub,
        "Equal" => Binary::Equal,
        "Greater" => Binary::Greater,
        "GreaterOrEqual" => Binary::GreaterEqual,
        "Less" => Binary::Less,
        "LessOrEqual" => Binary::LessEqual,
        other => return Err(Error::Internal(format!("{other} is not binary"))),
    };
    call.only_attributes(&["axis", "broadcast"])?;
    let (mut a, mut b) = (call.shape(0)?, call.shape(1)?);
    let (x, mut y) = (call.operand(0)?, call.operand(1)?);
    // Before opset 7 the second input was aligned at `axis`, not at the end.
    if call.node.opset < 7 && call.node.int_or("broadcast", 0)? != 0 && b.len() < a.len() {
        let at = match call.node.int_opt("axis")? {
            Some(axis) => call.axis(axis, a.len())?,
            None => a.len() - b.len(),
        };
        let after = a.len().checked_sub(at + b.len());
        let after =
            after.ok_or_else(|| call.shape_error(format!("{b:?} at axis {at} of {a:?}")))?;
        let wide: Vec<usize> = b.iter().copied().chain(vec![1; after]).collect();
        y = call.reshape(y, &b, &wide);
        b = wide;
    }
    if let (Binary::Pow, Some(exponent)) = (function, call.constant(1))
        && exponent.len() == 1
        && b.len() <= a.len()
    {
        let exponent = exponent.to_f32()[0];
        let out = call.step(Primitive::Unary(Unary::PowScalar(exponent)), vec![x], a);
        return call.finish(out);
    }
    let shape = call.broadcast(&a, &b)?;
    a.clone_from(&shape);
    let mut out = call.step(Primitive::Binary(function), vec![x, y], a);
    match call.node.op_type.as_str() {
        "Xor" => out = call.unary(Unary::Abs, out, &shape),
        "Div" if call.is_integer(0) && call.is_integer(1) => {
            out = truncate(&mut call, out, &shape);
        }
        _ => {}
    }
    call.finish(out)
}

/// `Mod`: `x - y * floor(x / y)`, or with `fmod` the quotient rounded towards zero.
pub fn modulo(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["fmod"])?;
    let shape = call.broadcast(&call.shape(0)?, &call.shape(1)?)?;
    let (x, y) = (call.operand(0)?, call.operand(1)?);
    let binary = |call: &mut Call, function, a, b| {
        call.step(Primitive::Binary(function), vec![a, b], shape.clone())
    };
    let quotient = binary(&mut call, Binary::Div, x, y);
    let whole = if call.node.int_or("fmod", 0)? != 0 {
        truncate(&mut call, quotient, &shape)
    } else {
        call.step(
            Primitive::Unary(Unary::Floor),
            vec![quotient],
            shape.clone(),
        )
    };
    let multiple = binary(&mut call, Binary::Mul, whole, y);
    let mut out = binary(&mut call, Binary::Sub, x, multiple);
    if !call.is_integer(1) && call.node.int_or("fmod", 0)? == 0 {
        out = over_infinity(&mut call, [x, y, out], &shape);
    }
    call.finish(out)
}

/// The remainder `rest` of `x` by `y`, but by an infinite `y` as Python has it: `x`, or `y` if the
/// signs differ.
fn over_infinity(call: &mut Call, [x, y, rest]: [Operand; 3], shape: &[usize]) -> Operand {
    let y = call.step(Primitive::Expand, vec![y], shape.to_vec());
    let infinity = call.fresh("infinity", vec![f32::INFINITY], vec![]);
    let zero = call.fresh("zero", vec![0.0], vec![]);
    let size = call.unary(Unary::Abs, y, shape);
    let is_infinite = call.binary(Binary::Equal, size, infinity, shape);
    let sign = call.unary(Unary::Sign, y, shape);
    let signed = call.binary(Binary::Mul, x, sign, shape);
    let differ = call.binary(Binary::Less, signed, zero, shape);
    let limit = call.step(Primitive::Where, vec![differ, y, x], shape.to_vec());
    call.step(
        Primitive::Where,
        vec![is_infinite, limit, rest],
        shape.to_vec(),
    )
}

/// `sign(x) * floor(|x|)`: what follows the point is dropped.
fn truncate(call: &mut Call, x: Operand, shape: &[usize]) -> Operand {
    let unary = |call: &mut Call, function, x| {
        call.step(Primitive::Unary(function), vec![x], shape.to_vec())
    };
    let size = unary(call, Unary::Abs, x);
    let size = unary(call, Unary::Floor, size);
    let sign = unary(call, Unary::Sign, x);
    call.step(
        Primitive::Binary(Binary::Mul),
        vec![size, sign],
        shape.to_vec(),
    )
}

/// `Max`, `Min`, `Sum` and `Mean` of any number of inputs.
pub fn variadic(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let function = match call.node.op_type.as_str() {
        "Max" => Binary::Max,
        "Min" => Binary::Min,
        _ => Binary::Add,
    };
    let mut shape = call.shape(0)?;
    let mut x = call.operand(0)?;
    for i in 1..call.inputs.len() {
        shape = call.broadcast(&shape, &call.shape(i)?)?;
        let other = call.operand(i)?;
        x = call.step(Primitive::Binary(function), vec![x, other], shape.clone());
    }
    if call.node.op_type == "Mean" {
        let share = Unary::MulScalar(1.0 / call.inputs.len() as f32);
        x = call.step(Primitive::Unary(share), vec![x], shape);
    }
    call.finish(x)
}

/// `Where`.
pub fn choose(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.broadcast(&call.shape(0)?, &call.shape(1)?)?;
    let shape = call.broadcast(&shape, &call.shape(2)?)?;
    let operands = vec![call.operand(0)?, call.operand(1)?, call.operand(2)?];
    if let Operand::Value(condition) = operands[0] {
        call.context.choices.push(Choice {
            node: call.node.name.clone(),
            operator: call.node.op_type.clone(),
            condition,
            numbers: shape.iter().product(),
        });
    }
    let out = call.step(Primitive::Where, operands, shape);
    call.finish(out)
}

/// The element type that a `Cast` or `CastLike` casts to.
pub fn cast_target(call: &Call) -> Result<ElementType, Error> {
    if call.node.op_type == "CastLike" {
        let unknown = || call.unsupported("target_type", "a value of unknown type");
        return call.kind(1).ok_or_else(unknown);
    }
    let to = call.node.int("to")?;
    ElementType::from_onnx(to).ok_or_else(|| call.unsupported("to", format!("type {to}")))
}

/// `Cast` or `CastLike` of a value computed from the input: all such values are f32 here, so a cast
/// to a float type changes nothing and others drop what follows the point.
pub fn cast(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["to", "saturate", "round_mode"])?;
    match cast_target(&call)? {
        to if to.is_float() => identity_of(call),
        ElementType::Bool => chain(call, &[Unary::Not, Unary::Not]),
        ElementType::String => Err(call.unsupported("to", "strings")),
        _ => {
            let mut call = call;
            let shape = call.shape(0)?;
            let x = call.operand(0)?;
            let out = truncate(&mut call, x, &shape);
            call.finish(out)
        }
    }
}

/// `Identity`.
pub fn identity(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    identity_of(call)
}

/// The first input as it is.
pub fn identity_of(call: Call) -> Result<Vec<Lowered>, Error> {
    match &call.inputs[..] {
        [Some(lowered), ..] => Ok(vec![lowered.clone()]),
        _ => Err(call.shape_error("no input")),
    }
}
