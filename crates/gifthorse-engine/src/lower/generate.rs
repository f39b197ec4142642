//! Operators that make values out of attributes and shapes.

use std::sync::Arc;

use gifthorse_onnx::Attribute;

use crate::error::Error;
use crate::lower::constant::{Constant, Elements};
use crate::lower::context::{Call, Lowered};

/// More elements than any shape computation needs; larger ones are refused before they
/// are allocated.
const LARGEST: usize = 1 << 26;

fn bind(constant: Constant) -> Result<Vec<Lowered>, Error> {
    Ok(vec![Lowered::Constant(Arc::new(constant))])
}

/// `Constant`: a tensor, or numbers given directly (opset 12).
pub fn constant(call: Call) -> Result<Vec<Lowered>, Error> {
    let known = [
        "value",
        "value_float",
        "value_floats",
        "value_int",
        "value_ints",
    ];
    call.only_attributes(&known)?;
    let name = call.output_name();
    let attributes = &call.node.attributes;
    let found = known.iter().find_map(|&key| attributes.get(key));
    bind(match found {
        Some(Attribute::Tensor(tensor)) => Constant::from_tensor(&name, tensor)?,
        Some(Attribute::Float(value)) => Constant::float(name, vec![], vec![*value]),
        Some(Attribute::Floats(values)) => {
            Constant::float(name, vec![values.len()], values.clone())
        }
        Some(Attribute::Int(value)) => Constant::int(name, vec![], vec![*value]),
        Some(Attribute::Ints(values)) => Constant::int(name, vec![values.len()], values.clone()),
        _ => return Err(call.unsupported("value", "no value of a supported kind")),
    })
}

/// `ConstantOfShape`: one value repeated.
pub fn constant_of_shape(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["value"])?;
    let shape = super::extend::target(&call, 0)?;
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let count = count
        .filter(|&n| n <= LARGEST)
        .ok_or_else(|| call.shape_error(format!("a constant of shape {shape:?} is too large")))?;
    let name = call.output_name();
    let elements = match call.node.attributes.get("value") {
        None => Elements::Float(vec![0.0; count]),
        Some(Attribute::Tensor(tensor)) => {
            let one = Constant::from_tensor(&name, tensor)?;
            match one.elements {
                Elements::Float(v) if v.len() == 1 => Elements::Float(vec![v[0]; count]),
                Elements::Int(v) if v.len() == 1 => Elements::Int(vec![v[0]; count]),
                _ => return Err(call.unsupported("value", "more than one element")),
            }
        }
        Some(_) => return Err(call.unsupported("value", "not a tensor")),
    };
    bind(Constant {
        name,
        shape,
        elements,
    })
}

/// `Shape`, with `start` and `end` (opset 15). Shapes are known while lowering.
pub fn shape(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["start", "end"])?;
    let shape = call.shape(0)?;
    let rank = shape.len() as i64;
    let clamp = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
    let start = clamp(call.node.int_or("start", 0)?);
    let end = clamp(call.node.int_or("end", rank)?).max(start);
    let values: Vec<i64> = shape[start..end].iter().map(|&d| d as i64).collect();
    let name = call.output_name();
    bind(Constant::int(name, vec![values.len()], values))
}

/// `Size`: the number of elements.
pub fn size(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let count = call.shape(0)?.iter().product::<usize>() as i64;
    bind(Constant::int(call.output_name(), vec![], vec![count]))
}

/// `Range` over integers.
pub fn range(call: Call) -> Result<Vec<Lowered>, Error> {
    let read = |i: usize, name: &str| -> Result<i64, Error> {
        let values = call.ints(i, name)?.unwrap_or_default();
        values
            .first()
            .copied()
            .ok_or_else(|| call.shape_error(format!("{name} is missing")))
    };
    let (start, limit, delta) = (read(0, "start")?, read(1, "limit")?, read(2, "delta")?);
    if delta == 0 {
        return Err(call.shape_error("a range with step 0"));
    }
    let count = (limit.saturating_sub(start) as f64 / delta as f64)
        .ceil()
        .max(0.0);
    if count > LARGEST as f64 {
        return Err(call.shape_error(format!("a range of {count} entries is too large")));
    }
    let values: Vec<i64> = (0..count as i64).map(|i| start + i * delta).collect();
    bind(Constant::int(
        call.output_name(),
        vec![values.len()],
        values,
    ))
}
