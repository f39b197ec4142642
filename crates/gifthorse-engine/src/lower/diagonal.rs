//! Operators that know the diagonals of a matrix.

use std::sync::Arc;

use crate::error::Error;
use crate::lower::check_shape;
use crate::lower::constant::{Constant, Elements};
use crate::lower::context::{Call, Lowered};
use crate::lower::kind;
use crate::program::Primitive;

/// `Trilu`: what is on one side of a diagonal; zeros on the other, whatever was there.
pub fn trilu(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["upper"])?;
    let shape = call.shape(0)?;
    let [.., rows, columns] = shape[..] else {
        return Err(call.shape_error(format!("{shape:?} is no matrix")));
    };
    let upper = call.node.int_or("upper", 1)? != 0;
    let diagonals = call.ints(1, "k")?.unwrap_or_default();
    let first = diagonals.first().copied().unwrap_or(0);
    let is_kept = |at: usize| {
        let (row, column) = ((at / columns) as i64, (at % columns) as i64);
        let diagonal = column - row;
        if upper {
            diagonal >= first
        } else {
            diagonal <= first
        }
    };
    let mask = (0..rows * columns).map(|at| f32::from(u8::from(is_kept(at))));
    let mask = call.fresh("kept", mask.collect(), vec![rows, columns]);
    let zero = call.fresh("zero", vec![0.0], vec![]);
    let x = call.operand(0)?;
    let out = call.step(Primitive::Where, vec![mask, x, zero], shape);
    call.finish(out)
}

/// `EyeLike`: ones on a diagonal of a matrix as large as the input.
pub fn eye_like(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["dtype", "k"])?;
    let shape = call.shape(0)?;
    let [rows, columns] = shape[..] else {
        return Err(call.shape_error(format!("{shape:?} is no matrix")));
    };
    check_shape(&shape).map_err(|reason| call.shape_error(format!("a result {reason}")))?;
    let first = call.node.int_or("k", 0)?;
    let ones = (0..rows * columns).map(|at| {
        let (row, column) = ((at / columns) as i64, (at % columns) as i64);
        i64::from(Some(column) == row.checked_add(first))
    });
    let is_integer = kind::of_output(call.node, &call.kinds, 0).is_some_and(kind::is_integer);
    let elements = if is_integer {
        Elements::Int(ones.collect())
    } else {
        Elements::Float(ones.map(|one| one as f32).collect())
    };
    Ok(vec![Lowered::Constant(Arc::new(Constant {
        name: call.output_name(),
        shape,
        elements,
    }))])
}
