//! Reductions of axes.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Binary, Primitive, Reduction, Unary};

/// All `Reduce*` operators, with axes as attribute (older opsets) or input (newer ones).
pub fn reduce(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axes", "keepdims", "noop_with_empty_axes"])?;
    let input = call.shape(0)?;
    let rank = input.len();
    let mut x = call.operand(0)?;
    let axes = call.axes(1, rank)?.filter(|axes| !axes.is_empty());
    let axes = match axes {
        Some(axes) => axes,
        None if call.node.int_or("noop_with_empty_axes", 0)? != 0 => Vec::new(),
        None => (0..rank).collect(),
    };
    let operator = call.node.op_type.clone();
    let (before, kind, after) = match operator.as_str() {
        "ReduceMean" => (None, Reduction::Mean, None),
        "ReduceMax" => (None, Reduction::Max, None),
        "ReduceMin" => (None, Reduction::Min, None),
        "ReduceProd" => (None, Reduction::Prod, None),
        "ReduceL1" => (Some(Unary::Abs), Reduction::Sum, None),
        "ReduceL2" => (
            Some(Unary::PowScalar(2.0)),
            Reduction::Sum,
            Some(Unary::Sqrt),
        ),
        "ReduceSumSquare" => (Some(Unary::PowScalar(2.0)), Reduction::Sum, None),
        "ReduceLogSum" => (None, Reduction::Sum, Some(Unary::Log)),
        "ReduceLogSumExp" => (Some(Unary::Exp), Reduction::Sum, Some(Unary::Log)),
        _ => (None, Reduction::Sum, None),
    };
    let mut kept = input.clone();
    for &axis in &axes {
        kept[axis] = 1;
    }
    // The largest entry goes out of the exponentials and comes back after the logarithm, so that
    // none overflows; that its gradients cancel is exact.
    let largest = (operator == "ReduceLogSumExp" && !axes.is_empty()).then(|| {
        let largest = Primitive::Reduce(Reduction::Max, axes.clone());
        call.step(largest, vec![x], kept.clone())
    });
    if let Some(largest) = largest {
        x = call.binary(Binary::Sub, x, largest, &input);
    }
    if let Some(function) = before {
        x = call.step(Primitive::Unary(function), vec![x], input.clone());
    }
    let mut out = x;
    if !axes.is_empty() {
        out = call.step(Primitive::Reduce(kind, axes.clone()), vec![x], kept.clone());
    }
    if let Some(function) = after {
        out = call.step(Primitive::Unary(function), vec![out], kept.clone());
    }
    if let Some(largest) = largest {
        out = call.binary(Binary::Add, out, largest, &kept);
    }
    let shape = without(&call, &kept, &axes)?;
    let out = call.reshape(out, &kept, &shape);
    call.finish(out)
}

/// `ArgMax` and `ArgMin`: the first, or with `select_last_index` the last, of the best entries.
pub fn arg(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "keepdims", "select_last_index"])?;
    let input = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", 0)?, input.len())?;
    let mut x = call.operand(0)?;
    if call.node.op_type == "ArgMin" {
        x = call.unary(Unary::Neg, x, &input);
    }
    let last = call.node.int_or("select_last_index", 0)? != 0;
    if last {
        let backwards = Primitive::Slice {
            axis,
            start: 0,
            count: input[axis],
            step: 1,
            reversed: true,
        };
        x = call.step(backwards, vec![x], input.clone());
    }
    let mut kept = input.clone();
    kept[axis] = 1;
    let mut out = call.step(Primitive::ArgMax(axis), vec![x], kept.clone());
    if last {
        out = call.unary(Unary::MulScalar(-1.0), out, &kept);
        out = call.unary(Unary::AddScalar(input[axis] as f32 - 1.0), out, &kept);
    }
    let shape = without(&call, &kept, &[axis])?;
    let out = call.reshape(out, &kept, &shape);
    call.finish(out)
}

/// The shape with reduced axes dropped unless `keepdims` says that they stay.
fn without(call: &Call, kept: &[usize], axes: &[usize]) -> Result<Vec<usize>, Error> {
    if call.node.int_or("keepdims", 1)? != 0 {
        return Ok(kept.to_vec());
    }
    let stays = |(axis, &length): (usize, &usize)| (!axes.contains(&axis)).then_some(length);
    Ok(kept.iter().enumerate().filter_map(stays).collect())
}
