//! Operators that rank entries, or mark one of them.

use crate::error::Error;
use crate::lower::check_shape;
use crate::lower::context::{Call, Lowered};
use crate::program::{Binary, Operand, Primitive, Unary};

/// `TopK`: the largest or smallest entries of an axis and where they are, of equal ones the first;
/// gradients go to the entries that were taken. They come in order, which `sorted` set to 0 leaves
/// open.
pub fn top_k(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "k", "largest", "sorted"])?;
    let input = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", -1)?, input.len())?;
    let named = match call.ints(1, "K")? {
        Some(count) => count.first().copied(),
        None => call.node.int_opt("k")?,
    };
    let count = named.and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| (1..=input[axis]).contains(count));
    let Some(count) = count else {
        return Err(call.unsupported("K", format!("{named:?} of {} entries", input[axis])));
    };
    let descending = call.node.int_or("largest", 1)? != 0;
    let x = call.operand(0)?;
    let sort = Primitive::ArgSort { axis, descending };
    let order = call.step(sort, vec![x], input.clone());
    let mut shape = input;
    shape[axis] = count;
    let first = Primitive::Slice {
        axis,
        start: 0,
        count,
        step: 1,
        reversed: false,
    };
    let places = call.step(first, vec![order], shape.clone());
    let values = call.step(Primitive::GatherAlong(axis), vec![x, places], shape);
    Ok([values, places].map(Lowered::of).to_vec())
}

/// `Hardmax`: 1 at the first largest entry, 0 elsewhere. Before opset 13 all axes from `axis` on
/// are one.
pub fn hardmax(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis"])?;
    let shape = call.shape(0)?;
    let flat = call.node.opset < 13;
    let axis = call.node.int_or("axis", if flat { 1 } else { -1 })?;
    let axis = call.axis(axis, shape.len())?;
    let (ranked, axis) = if flat {
        let (outer, inner) = shape.split_at(axis);
        (vec![outer.iter().product(), inner.iter().product()], 1)
    } else {
        (shape.clone(), axis)
    };
    let x = call.operand(0)?;
    let x = call.reshape(x, &shape, &ranked);
    let mut one = ranked.clone();
    one[axis] = 1;
    let best = call.step(Primitive::ArgMax(axis), vec![x], one);
    let places = places(&mut call, ranked[axis], axis, ranked.len());
    let out = call.binary(Binary::Equal, best, places, &ranked);
    let out = call.reshape(out, &ranked, &shape);
    call.finish(out)
}

/// `OneHot`: a new axis with one value at each index and another elsewhere; an index outside is
/// nowhere.
pub fn one_hot(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis"])?;
    let indices = call.shape(0)?;
    let rank = indices.len() + 1;
    let axis = call.axis(call.node.int_or("axis", -1)?, rank)?;
    let depth = call
        .ints(1, "depth")?
        .and_then(|depth| depth.first().copied());
    let depth = depth.and_then(|depth| usize::try_from(depth).ok());
    let depth = depth.filter(|&depth| depth > 0);
    let Some(depth) = depth else {
        return Err(call.unsupported("depth", "no number of entries"));
    };
    if call.shape(2)? != [2] {
        return Err(call.shape_error("two values are expected"));
    }
    let mut shape = indices.clone();
    shape.insert(axis, depth);
    check_shape(&shape).map_err(|reason| call.shape_error(format!("a result {reason}")))?;
    let mut wide = indices.clone();
    wide.insert(axis, 1);
    let at = call.operand(0)?;
    let at = call.reshape(at, &indices, &wide);
    // A negative index counts from the end.
    let zero = call.fresh("zero", vec![0.0], vec![]);
    let negative = call.binary(Binary::Less, at, zero, &wide);
    let from_end = call.unary(Unary::AddScalar(depth as f32), at, &wide);
    let at = call.step(Primitive::Where, vec![negative, from_end, at], wide);
    let places = places(&mut call, depth, axis, rank);
    let hit = call.binary(Binary::Equal, at, places, &shape);
    let values = call.operand(2)?;
    let [off, on] = [0, 1].map(|start| {
        let one = Primitive::Slice {
            axis: 0,
            start,
            count: 1,
            step: 1,
            reversed: false,
        };
        call.step(one, vec![values], vec![1])
    });
    let out = call.step(Primitive::Where, vec![hit, on, off], shape);
    call.finish(out)
}

/// 0, 1, 2 ... along an axis.
fn places(call: &mut Call, count: usize, axis: usize, rank: usize) -> Operand {
    let mut shape = vec![1; rank];
    shape[axis] = count;
    call.fresh("places", (0..count).map(|i| i as f32).collect(), shape)
}
