//! Sums along an axis, entry by entry.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Operand, Primitive, Unary};

/// `CumSum`, with the entry itself or without, from either end.
pub fn cumulative_sum(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["exclusive", "reverse"])?;
    let shape = call.shape(0)?;
    let axis = call.ints(1, "axis")?.and_then(|axis| axis.first().copied());
    let axis = axis.ok_or_else(|| call.shape_error("no axis is given"))?;
    let axis = call.axis(axis, shape.len())?;
    let reversed = call.node.int_or("reverse", 0)? != 0;
    let mut x = call.operand(0)?;
    if reversed {
        x = backwards(&mut call, x, axis, &shape);
    }
    x = call.step(Primitive::CumSum(axis), vec![x], shape.clone());
    if call.node.int_or("exclusive", 0)? != 0 {
        x = shifted(&mut call, x, axis, &shape);
    }
    if reversed {
        x = backwards(&mut call, x, axis, &shape);
    }
    call.finish(x)
}

fn backwards(call: &mut Call, x: Operand, axis: usize, shape: &[usize]) -> Operand {
    let slice = Primitive::Slice {
        axis,
        start: 0,
        count: shape[axis],
        step: 1,
        reversed: true,
    };
    call.step(slice, vec![x], shape.to_vec())
}

/// Everything one place on, a zero in front.
fn shifted(call: &mut Call, x: Operand, axis: usize, shape: &[usize]) -> Operand {
    let count = shape[axis] - 1;
    if count == 0 {
        return call.unary(Unary::MulScalar(0.0), x, shape);
    }
    let slice = Primitive::Slice {
        axis,
        start: 0,
        count,
        step: 1,
        reversed: false,
    };
    let mut shorter = shape.to_vec();
    shorter[axis] = count;
    let all_but_last = call.step(slice, vec![x], shorter);
    let mut pads = vec![(0, 0); shape.len()];
    pads[axis] = (1, 0);
    let pad = Primitive::Pad { pads, value: 0.0 };
    call.step(pad, vec![all_but_last], shape.to_vec())
}
