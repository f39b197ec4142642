//! Nodes whose inputs are all known are computed here, on the host, in integers:
//! the chains of `Shape`, `Gather`, `Concat` and so on that exporters write to
//! say how a value is reshaped. Weights are not folded here (the compiled
//! program does that, with the reference itself); only small values are.

use crate::error::Error;
use crate::lower::constant::{Constant, Elements};
use crate::lower::context::Call;
use crate::lower::indexing;

/// Values with more elements than this are left to the program.
const LARGEST: usize = 1 << 16;
/// As are results of more elements than this: small values may be repeated or broadcast to any
/// size.
const LARGEST_RESULT: usize = 1 << 26;

/// Computes the node on the host if that is possible, `None` if it is not this
/// file's business.
pub fn fold(call: &Call) -> Result<Option<Constant>, Error> {
    let constants: Option<Vec<_>> = (0..call.inputs.len())
        .filter(|&i| call.has(i))
        .map(|i| call.constant(i))
        .collect();
    let Some(inputs) = constants else {
        return Ok(None);
    };
    if inputs.is_empty() || inputs.iter().any(|c| c.len() > LARGEST) {
        return Ok(None);
    }
    let name = call.output_name();
    let first = &inputs[0];
    let pick = |picked: indexing::Picked| Constant {
        name: name.clone(),
        elements: picked.apply(&first.elements),
        shape: picked.shape,
    };
    let rank = first.shape.len();
    Ok(match call.node.op_type.as_str() {
        "Identity" => Some(Constant {
            name,
            ..(**first).clone()
        }),
        "Cast" | "CastLike" => Some(cast(call, first, name)?),
        "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => {
            let shape = super::rearrange::reshaped(call)?;
            Some(Constant {
                name,
                shape,
                elements: first.elements.clone(),
            })
        }
        "Transpose" => {
            let axes = super::rearrange::transpose_axes(call, rank)?;
            Some(pick(indexing::permute(&first.shape, &axes)))
        }
        "Gather" => {
            let axis = call.axis(call.node.int_or("axis", 0)?, rank)?;
            let (indices, shape) = super::pick::gather_indices(call, axis)?;
            if !is_small(&shape) {
                return Ok(None);
            }
            Some(pick(
                indexing::select(&first.shape, axis, &indices).with_shape(shape),
            ))
        }
        "Slice" => {
            let mut picked = indexing::identity(&first.shape);
            for cut in super::pick::slices(call)? {
                let indices = cut.indices();
                picked = picked.then(|shape| indexing::select(shape, cut.axis, &indices));
            }
            Some(pick(picked))
        }
        "Concat" => concat(call, &inputs, name)?,
        "Expand" => {
            let shape = call.broadcast(&first.shape, &super::extend::target(call, 1)?)?;
            if !is_small(&shape) {
                return Ok(None);
            }
            Some(pick(indexing::expand(&first.shape, &shape)))
        }
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Equal" | "Greater" | "Less" | "Max" | "Min"
            if inputs.len() == 2 && call.node.int_or("fmod", 0)? == 0 =>
        {
            arithmetic(call, &inputs[0], &inputs[1], name)?
        }
        "Where" if inputs.len() == 3 => {
            let shape = call.broadcast(&inputs[0].shape, &inputs[1].shape)?;
            let shape = call.broadcast(&shape, &inputs[2].shape)?;
            if !is_small(&shape) {
                return Ok(None);
            }
            let wide = |c: &Constant| indexing::expand(&c.shape, &shape).apply(&c.elements);
            let condition = Constant {
                name: String::new(),
                shape: shape.clone(),
                elements: wide(first),
            };
            let elements = match (wide(&inputs[1]), wide(&inputs[2])) {
                (Elements::Int(yes), Elements::Int(no)) => {
                    let chosen = condition.to_i64().into_iter().zip(yes.iter().zip(&no));
                    Elements::Int(
                        chosen
                            .map(|(c, (&y, &n))| if c != 0 { y } else { n })
                            .collect(),
                    )
                }
                _ => return Ok(None),
            };
            Some(Constant {
                name,
                shape,
                elements,
            })
        }
        "ReduceProd" if call.node.ints_opt("axes")?.is_none() && inputs.len() == 1 => {
            match &first.elements {
                Elements::Int(values) => {
                    let keep = call.node.int_or("keepdims", 1)? != 0;
                    let shape = if keep { vec![1; rank] } else { vec![] };
                    let product = values.iter().fold(1i64, |p, &v| p.saturating_mul(v));
                    Some(Constant::int(name, shape, vec![product]))
                }
                Elements::Float(_) => None,
            }
        }
        _ => None,
    })
}

fn cast(call: &Call, input: &Constant, name: String) -> Result<Constant, Error> {
    let to = super::elementwise::cast_target(call)?;
    let elements = if to.is_float() {
        Elements::Float(input.to_f32())
    } else if to == gifthorse_onnx::ElementType::Bool {
        Elements::Int(match &input.elements {
            Elements::Float(values) => values.iter().map(|&v| i64::from(v != 0.0)).collect(),
            Elements::Int(values) => values.iter().map(|&v| i64::from(v != 0)).collect(),
        })
    } else {
        Elements::Int(input.to_i64())
    };
    Ok(Constant {
        name,
        shape: input.shape.clone(),
        elements,
    })
}

fn concat(
    call: &Call,
    inputs: &[std::sync::Arc<Constant>],
    name: String,
) -> Result<Option<Constant>, Error> {
    let (axis, shape) = super::extend::concat_shape(call)?;
    if !is_small(&shape) {
        return Ok(None);
    }
    let outer: usize = shape[..axis].iter().product();
    let floats = inputs
        .iter()
        .any(|c| matches!(c.elements, Elements::Float(_)));
    let rows = |c: &Constant| c.len() / outer.max(1);
    Ok(Some(if floats {
        let parts: Vec<_> = inputs.iter().map(|c| (c.to_f32(), rows(c))).collect();
        Constant::float(name, shape, interleave(&parts, outer))
    } else {
        let parts: Vec<_> = inputs.iter().map(|c| (c.to_i64(), rows(c))).collect();
        Constant::int(name, shape, interleave(&parts, outer))
    }))
}

/// Whether a value of this shape is small enough to be computed here.
fn is_small(shape: &[usize]) -> bool {
    let count = shape
        .iter()
        .try_fold(1usize, |count, &length| count.checked_mul(length));
    count.is_some_and(|count| count <= LARGEST_RESULT)
}

fn interleave<T: Copy>(parts: &[(Vec<T>, usize)], outer: usize) -> Vec<T> {
    let mut joined = Vec::new();
    for row in 0..outer {
        for (values, length) in parts {
            joined.extend_from_slice(&values[row * length..(row + 1) * length]);
        }
    }
    joined
}

fn arithmetic(
    call: &Call,
    a: &Constant,
    b: &Constant,
    name: String,
) -> Result<Option<Constant>, Error> {
    let shape = call.broadcast(&a.shape, &b.shape)?;
    if !is_small(&shape) || shape.iter().product::<usize>() > LARGEST {
        return Ok(None);
    }
    let operator = call.node.op_type.as_str();
    let left = indexing::expand(&a.shape, &shape).apply(&a.elements);
    let right = indexing::expand(&b.shape, &shape).apply(&b.elements);
    let elements = match (left, right) {
        (Elements::Int(x), Elements::Int(y)) => {
            let values: Option<Vec<i64>> = x
                .iter()
                .zip(&y)
                .map(|(&x, &y)| integer(operator, x, y))
                .collect();
            match values {
                Some(values) => Elements::Int(values),
                None => return Err(call.shape_error("integer division by zero or overflow")),
            }
        }
        (Elements::Float(x), Elements::Float(y)) => {
            let values: Option<Vec<f32>> = x
                .iter()
                .zip(&y)
                .map(|(&x, &y)| real(operator, x, y))
                .collect();
            match values {
                Some(values) => Elements::Float(values),
                None => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(Constant {
        name,
        shape,
        elements,
    }))
}

fn integer(operator: &str, x: i64, y: i64) -> Option<i64> {
    match operator {
        "Add" => x.checked_add(y),
        "Sub" => x.checked_sub(y),
        "Mul" => x.checked_mul(y),
        "Div" => x.checked_div(y),
        // The remainder has the sign of the divisor.
        "Mod" => {
            let rest = x.checked_rem(y)?;
            let other_sign = rest != 0 && (rest < 0) != (y < 0);
            Some(if other_sign { rest + y } else { rest })
        }
        "Equal" => Some(i64::from(x == y)),
        "Greater" => Some(i64::from(x > y)),
        "Less" => Some(i64::from(x < y)),
        "Max" => Some(x.max(y)),
        "Min" => Some(x.min(y)),
        _ => None,
    }
}

fn real(operator: &str, x: f32, y: f32) -> Option<f32> {
    match operator {
        "Add" => Some(x + y),
        "Sub" => Some(x - y),
        "Mul" => Some(x * y),
        "Div" => Some(x / y),
        "Max" => Some(x.max(y)),
        "Min" => Some(x.min(y)),
        _ => None,
    }
}
