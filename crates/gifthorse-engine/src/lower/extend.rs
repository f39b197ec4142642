//! Operators that make a value larger: by others, by itself, or by padding.

use crate::error::Error;
use crate::lower::check_shape;
use crate::lower::context::{Call, Lowered};
use crate::program::{Operand, Primitive};

/// Most repeats along an axis by a `Tile`, which lists them one by one.
const MOST_TILES: usize = 1 << 16;

/// A shape given as input `index`, every length checked.
pub fn target(call: &Call, index: usize) -> Result<Vec<usize>, Error> {
    let lengths = call.ints(index, "shape")?.unwrap_or_default();
    lengths
        .iter()
        .map(|&d| {
            usize::try_from(d)
                .ok()
                .filter(|&d| d <= 1 << 31)
                .ok_or_else(|| call.shape_error(format!("length {d} in a shape")))
        })
        .collect()
}

/// Axis and result shape of a `Concat`.
pub fn concat_shape(call: &Call) -> Result<(usize, Vec<usize>), Error> {
    call.only_attributes(&["axis"])?;
    let mut shape = call.shape(0)?;
    let axis = call.axis(call.node.int("axis")?, shape.len())?;
    for i in 1..call.inputs.len() {
        let other = call.shape(i)?;
        let fits = other.len() == shape.len()
            && (0..shape.len()).all(|a| a == axis || other[a] == shape[a]);
        if !fits {
            return Err(call.shape_error(format!("{other:?} beside {shape:?} along axis {axis}")));
        }
        shape[axis] += other[axis];
    }
    Ok((axis, shape))
}

/// `Concat`.
pub fn concat(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let (axis, shape) = concat_shape(&call)?;
    let operands: Result<Vec<Operand>, Error> =
        (0..call.inputs.len()).map(|i| call.operand(i)).collect();
    let out = call.step(Primitive::Concat(axis), operands?, shape);
    call.finish(out)
}

/// `Expand`: broadcasts with a shape.
pub fn expand(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let shape = call.broadcast(&call.shape(0)?, &target(&call, 1)?)?;
    let x = call.operand(0)?;
    let out = call.step(Primitive::Expand, vec![x], shape);
    call.finish(out)
}

/// `Tile`: repeats along axes.
pub fn tile(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let mut shape = call.shape(0)?;
    let repeats = target(&call, 1)?;
    if repeats.len() != shape.len() {
        return Err(call.shape_error(format!("repeats {repeats:?} of {shape:?}")));
    }
    // Before anything is made: a repeat may be of any size.
    let whole = shape.iter().zip(&repeats).map(|(n, times)| n * times);
    check_shape(&whole.collect::<Vec<_>>())
        .map_err(|reason| call.shape_error(format!("a result {reason}")))?;
    if repeats.iter().any(|&times| times > MOST_TILES) {
        return Err(call.shape_error(format!(
            "repeats {repeats:?}: {MOST_TILES} is the most along an axis"
        )));
    }
    let mut x = call.operand(0)?;
    for (axis, &times) in repeats.iter().enumerate() {
        if times > 1 {
            shape[axis] *= times;
            x = call.step(Primitive::Concat(axis), vec![x; times], shape.clone());
        }
    }
    call.finish(x)
}

/// `Pad`: constant, edge, reflect or wrap.
pub fn pad(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["mode", "pads", "paddings", "value"])?;
    let mut shape = call.shape(0)?;
    let rank = shape.len();
    let pads = match call.ints(1, "pads")? {
        Some(pads) => pads,
        None => call.node.ints("pads")?.to_vec(),
    };
    let axes = call.axes(3, rank)?.unwrap_or_else(|| (0..rank).collect());
    if pads.len() != 2 * axes.len() || pads.iter().any(|p| !(-(1 << 20)..1 << 20).contains(p)) {
        return Err(call.unsupported("pads", format!("{pads:?} for {} axes", axes.len())));
    }
    let mode = call.node.string_or("mode", "constant")?.to_string();
    let value = match call.constant(2) {
        Some(constant) => constant.to_f32().first().copied().unwrap_or(0.0),
        None if call.has(2) => return Err(call.unsupported("constant_value", "not a constant")),
        None => call.node.float_or("value", 0.0)?,
    };
    let mut x = call.operand(0)?;
    for (i, &axis) in axes.iter().enumerate() {
        let (before, after) = (pads[i], pads[i + axes.len()]);
        let length = shape[axis] as i64;
        if before < 0 || after < 0 || mode != "constant" {
            let indices = source_indices(&call, &mode, before, after, length)?;
            shape[axis] = indices.len();
            x = call.step(Primitive::Select { axis, indices }, vec![x], shape.clone());
        } else if before + after > 0 {
            let mut amounts = vec![(0, 0); rank];
            amounts[axis] = (before as usize, after as usize);
            shape[axis] += (before + after) as usize;
            let primitive = Primitive::Pad {
                pads: amounts,
                value,
            };
            x = call.step(primitive, vec![x], shape.clone());
        }
    }
    call.finish(x)
}

/// Which entry each place of a padded (or cropped) axis repeats.
fn source_indices(
    call: &Call,
    mode: &str,
    before: i64,
    after: i64,
    length: i64,
) -> Result<Vec<usize>, Error> {
    let cropped = before <= 0 && after <= 0;
    if !(cropped || matches!(mode, "edge" | "reflect" | "wrap")) {
        return Err(call.unsupported("mode", format!("`{mode}` with pads {before}, {after}")));
    }
    let source = |at: i64| match mode {
        "reflect" if length > 1 => {
            let period = 2 * (length - 1);
            let folded = at.rem_euclid(period);
            folded.min(period - folded)
        }
        "wrap" => at.rem_euclid(length),
        _ => at.clamp(0, length - 1),
    };
    let indices: Vec<usize> = (-before..length + after)
        .map(|at| source(at) as usize)
        .collect();
    if indices.is_empty() {
        return Err(call.unsupported("pads", "nothing is left"));
    }
    Ok(indices)
}
