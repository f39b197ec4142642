//! `Resize` and `Upsample`, one axis after the other: the nearest entries are picked, and what lies
//! between entries is a product with a constant matrix, so that gradients come with it.

use crate::error::Error;
use crate::lower::check_shape;
use crate::lower::context::{Call, Lowered};
use crate::lower::interpolate::{Axis, Kernel, Nearest, Transformation};
use crate::program::{Operand, Primitive};

/// Largest matrix of one axis: 4096 entries to as many.
const LARGEST: usize = 1 << 24;

/// What is asked of each axis: its number, its new length and the factor.
type Change = (usize, usize, f32);

/// `Resize` (opset 10 and newer) and `Upsample` (7 to 9).
pub fn resize(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[
        "antialias",
        "axes",
        "coordinate_transformation_mode",
        "cubic_coeff_a",
        "exclude_outside",
        "extrapolation_value",
        "keep_aspect_ratio_policy",
        "mode",
        "nearest_mode",
        "scales",
    ])?;
    let shape = call.shape(0)?;
    // Before opset 11 there was one way to place entries.
    let old = call.node.opset < 11;
    let transformation = if old {
        "asymmetric"
    } else {
        call.node
            .string_or("coordinate_transformation_mode", "half_pixel")?
    };
    let transformation = Transformation::named(transformation).ok_or_else(|| {
        call.unsupported(
            "coordinate_transformation_mode",
            format!("`{transformation}`"),
        )
    })?;
    let changes = if old {
        scaled(&call, &shape, if call.has(1) { Some(1) } else { None })?
    } else if call.constant(3).is_some_and(|sizes| sizes.len() > 0) {
        sized(&call, &shape)?
    } else {
        scaled(&call, &shape, Some(2))?
    };
    let mut whole = shape.clone();
    for &(axis, length, _) in &changes {
        whole[axis] = length;
    }
    check_shape(&whole).map_err(|reason| call.shape_error(format!("a result {reason}")))?;
    let kernel = match call.node.string_or("mode", "nearest")? {
        "nearest" => None,
        "linear" | "bilinear" => Some(Kernel::Linear),
        "cubic" => Some(Kernel::Cubic(f64::from(
            call.node.float_or("cubic_coeff_a", -0.75)?,
        ))),
        other => return Err(call.unsupported("mode", format!("`{other}`"))),
    };
    apply(call, shape, changes, transformation, kernel)
}

fn apply(
    mut call: Call,
    mut shape: Vec<usize>,
    changes: Vec<Change>,
    transformation: Transformation,
    kernel: Option<Kernel>,
) -> Result<Vec<Lowered>, Error> {
    let antialias = call.node.int_or("antialias", 0)? != 0;
    let exclude_outside = call.node.int_or("exclude_outside", 0)? != 0;
    let mut x = call.operand(0)?;
    for (number, length, scale) in changes {
        if length == shape[number] && scale == 1.0 {
            continue;
        }
        let axis = Axis {
            from: shape[number],
            to: length,
            scale,
            transformation,
        };
        if let Some(kernel) = kernel {
            if axis.from * axis.to > LARGEST {
                let reason = format!("{} entries to {}, which is too large", axis.from, axis.to);
                return Err(call.shape_error(reason));
            }
            let matrix = axis.matrix(kernel, antialias, exclude_outside);
            x = along(&mut call, x, &mut shape, number, length, matrix);
        } else {
            let mode = nearest_mode(&call, scale)?;
            shape[number] = length;
            let indices = axis.nearest(mode);
            let pick = Primitive::Select {
                axis: number,
                indices,
            };
            x = call.step(pick, vec![x], shape.clone());
        }
    }
    call.finish(x)
}

/// Before opset 11, entries were rounded down where an axis grows, and up where it shrinks.
fn nearest_mode(call: &Call, scale: f32) -> Result<Nearest, Error> {
    if call.node.opset < 11 {
        return Ok(if scale < 1.0 {
            Nearest::Ceil
        } else {
            Nearest::Floor
        });
    }
    let name = call.node.string_or("nearest_mode", "round_prefer_floor")?;
    Nearest::named(name).ok_or_else(|| call.unsupported("nearest_mode", format!("`{name}`")))
}

/// The product of a matrix `[length, shape[axis]]` with one axis.
fn along(
    call: &mut Call,
    x: Operand,
    shape: &mut [usize],
    axis: usize,
    length: usize,
    matrix: Vec<f32>,
) -> Operand {
    let from = shape[axis];
    let matrix = call.fresh("weights", matrix, vec![length, from]);
    // The axes behind it are seen as one, a column each.
    let behind: usize = shape[axis + 1..].iter().product();
    let mut columns: Vec<usize> = shape[..axis].to_vec();
    columns.extend([from, behind]);
    let x = call.reshape(x, shape, &columns);
    columns[axis] = length;
    let x = call.step(Primitive::MatMul, vec![matrix, x], columns.clone());
    shape[axis] = length;
    call.reshape(x, &columns, shape)
}

/// The axes that scales or sizes are given for.
fn axes(call: &Call, rank: usize) -> Result<Vec<usize>, Error> {
    match call.node.ints_opt("axes")? {
        Some(axes) => axes.iter().map(|&axis| call.axis(axis, rank)).collect(),
        None => Ok((0..rank).collect()),
    }
}

/// Changes by factors, an attribute of `Upsample` at opset 7, an input since.
fn scaled(call: &Call, shape: &[usize], input: Option<usize>) -> Result<Vec<Change>, Error> {
    let scales = match input {
        None => call.node.floats("scales")?.to_vec(),
        Some(input) => {
            let known = call.known_floats(input);
            known.filter(|scales| !scales.is_empty()).ok_or_else(|| {
                call.unsupported("scales", "they are not known before the model runs")
            })?
        }
    };
    let axes = axes(call, shape.len())?;
    if scales.len() != axes.len() {
        return Err(call.shape_error(format!("{} scales for {} axes", scales.len(), axes.len())));
    }
    let change = |(&scale, &axis): (&f32, &usize)| {
        let length = (shape[axis] as f32 * scale).floor();
        if !(length >= 1.0 && length <= (1u32 << 24) as f32) {
            return Err(call.unsupported("scales", format!("{scale} of {} entries", shape[axis])));
        }
        Ok((axis, length as usize, scale))
    };
    scales.iter().zip(&axes).map(change).collect()
}

/// Changes to lengths, all by one factor where the aspect ratio is to be kept (opset 18).
fn sized(call: &Call, shape: &[usize]) -> Result<Vec<Change>, Error> {
    let sizes = call.ints(3, "sizes")?.unwrap_or_default();
    let axes = axes(call, shape.len())?;
    if sizes.len() != axes.len() || sizes.iter().any(|size| !(1..=1 << 24).contains(size)) {
        return Err(call.unsupported("sizes", format!("{sizes:?} for {} axes", axes.len())));
    }
    let ratios = sizes.iter().zip(&axes);
    let ratios = ratios.map(|(&size, &axis)| size as f32 / shape[axis] as f32);
    let common = match call.node.string_or("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => None,
        "not_larger" => Some(ratios.clone().fold(f32::INFINITY, f32::min)),
        "not_smaller" => Some(ratios.clone().fold(0.0, f32::max)),
        other => return Err(call.unsupported("keep_aspect_ratio_policy", format!("`{other}`"))),
    };
    let changes = ratios.zip(&axes).zip(&sizes);
    Ok(changes
        .map(|((ratio, &axis), &size)| match common {
            None => (axis, size as usize, ratio),
            Some(scale) => {
                let length = (shape[axis] as f32 * scale).round().max(1.0);
                (axis, length as usize, scale)
            }
        })
        .collect())
}
