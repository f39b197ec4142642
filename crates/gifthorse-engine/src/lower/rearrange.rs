//! Operators after which there are the same values in another shape or order.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::Primitive;

/// The new shape of `Reshape`, `Flatten`, `Squeeze` and `Unsqueeze`.
pub fn reshaped(call: &Call) -> Result<Vec<usize>, Error> {
    let input = call.shape(0)?;
    match call.node.op_type.as_str() {
        "Flatten" => {
            call.only_attributes(&["axis"])?;
            let axis = call.node.int_or("axis", 1)?;
            let rank = input.len();
            let at = if axis == rank as i64 {
                rank
            } else {
                call.axis(axis, rank)?
            };
            Ok(vec![
                input[..at].iter().product(),
                input[at..].iter().product(),
            ])
        }
        "Squeeze" => {
            call.only_attributes(&["axes"])?;
            let axes = call.axes(1, input.len())?;
            let dropped = |axis: usize| match &axes {
                Some(axes) => axes.contains(&axis),
                None => input[axis] == 1,
            };
            if let Some(axis) = (0..input.len()).find(|&a| dropped(a) && input[a] != 1) {
                return Err(
                    call.shape_error(format!("axis {axis} of {input:?} is not of length 1"))
                );
            }
            Ok((0..input.len())
                .filter(|&a| !dropped(a))
                .map(|a| input[a])
                .collect())
        }
        "Unsqueeze" => {
            call.only_attributes(&["axes"])?;
            let count = call
                .ints(1, "axes")?
                .or(call.node.ints_opt("axes")?.map(|a| a.to_vec()));
            let rank = input.len() + count.map_or(0, |axes| axes.len());
            let axes = call.axes(1, rank)?.unwrap_or_default();
            let mut rest = input.iter();
            let at = |axis| {
                if axes.contains(&axis) {
                    1
                } else {
                    rest.next().copied().unwrap_or(1)
                }
            };
            Ok((0..rank).map(at).collect())
        }
        _ => explicit(call, &input),
    }
}

/// `Reshape`: 0 keeps a length (unless `allowzero`), -1 takes what is left.
fn explicit(call: &Call, input: &[usize]) -> Result<Vec<usize>, Error> {
    call.only_attributes(&["allowzero", "shape"])?;
    let wanted = match call.ints(1, "shape")? {
        Some(shape) => shape,
        None => call.node.ints("shape")?.to_vec(),
    };
    let count: usize = input.iter().product();
    let keep_zero = call.node.int_or("allowzero", 0)? != 0;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut free = None;
    for (i, &d) in wanted.iter().enumerate() {
        shape.push(match d {
            -1 if free.is_none() => {
                free = Some(i);
                1
            }
            0 if !keep_zero => *input.get(i).ok_or_else(|| {
                call.shape_error(format!("{wanted:?} keeps axis {i} of {input:?}"))
            })?,
            d => usize::try_from(d)
                .map_err(|_| call.shape_error(format!("length {d} in {wanted:?}")))?,
        });
    }
    // A length that is left open finds the batch by itself.
    if free != Some(0) {
        rebatch(call, input, &mut shape);
    }
    let known = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let known = known.ok_or_else(|| call.shape_error(format!("{wanted:?} is too large")))?;
    if let Some(at) = free {
        if known == 0 || !count.is_multiple_of(known) {
            return Err(call.shape_error(format!("{input:?} as {wanted:?}")));
        }
        shape[at] = count / known;
    } else if known != count {
        return Err(call.shape_error(format!("{input:?} as {wanted:?}")));
    }
    Ok(shape)
}

/// A file made for a fixed batch writes that batch into its reshapes. Where the leading
/// length is that batch and the value carries another one, the leading length follows
/// the value. (`Network` checks that the result agrees with the fixed batch's.)
fn rebatch(call: &Call, input: &[usize], shape: &mut [usize]) {
    let batch = call.context.batch;
    if let (Some(declared), Some(first)) = (call.context.declared_batch, shape.first_mut())
        && declared != batch
        && *first == declared
        && input.first() == Some(&batch)
    {
        *first = batch;
    }
}

/// `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`.
pub fn reshape(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let shape = reshaped(&call)?;
    let x = call.operand(0)?;
    let out = call.step(Primitive::Reshape, vec![x], shape);
    call.finish(out)
}

/// Order of axes of a `Transpose`.
pub fn transpose_axes(call: &Call, rank: usize) -> Result<Vec<usize>, Error> {
    call.only_attributes(&["perm"])?;
    let axes: Vec<usize> = match call.node.ints_opt("perm")? {
        Some(perm) => perm
            .iter()
            .map(|&a| call.axis(a, rank))
            .collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(call.unsupported("perm", format!("{axes:?} for rank {rank}")));
    }
    Ok(axes)
}

/// `Transpose`.
pub fn transpose(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let input = call.shape(0)?;
    let axes = transpose_axes(&call, input.len())?;
    let shape = axes.iter().map(|&a| input[a]).collect();
    let x = call.operand(0)?;
    let out = call.step(Primitive::Permute(axes), vec![x], shape);
    call.finish(out)
}

/// `DepthToSpace`, both orders.
pub fn depth_to_space(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["blocksize", "mode"])?;
    let shape = call.shape(0)?;
    let block = usize::try_from(call.node.int("blocksize")?).unwrap_or(0);
    let [n, c, h, w] = shape[..] else {
        return Err(call.shape_error(format!("input {shape:?}")));
    };
    if block == 0 || block > c || !c.is_multiple_of(block * block) {
        return Err(call.unsupported("blocksize", format!("{block} for {c} channels")));
    }
    let depth = c / (block * block);
    let (split, axes) = match call.node.string_or("mode", "DCR")? {
        "DCR" => (vec![n, block, block, depth, h, w], [0, 3, 4, 1, 5, 2]),
        "CRD" => (vec![n, depth, block, block, h, w], [0, 1, 4, 2, 5, 3]),
        other => return Err(call.unsupported("mode", format!("`{other}`"))),
    };
    let x = call.operand(0)?;
    let x = call.reshape(x, &shape, &split);
    let turned: Vec<usize> = axes.iter().map(|&a| split[a]).collect();
    let x = call.step(Primitive::Permute(axes.to_vec()), vec![x], turned.clone());
    let x = call.reshape(x, &turned, &[n, depth, h * block, w * block]);
    call.finish(x)
}

/// `SpaceToDepth`: blocks of pixels become channels.
pub fn space_to_depth(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["blocksize", "mode"])?;
    let shape = call.shape(0)?;
    let block = usize::try_from(call.node.int("blocksize")?).unwrap_or(0);
    let [n, c, h, w] = shape[..] else {
        return Err(call.shape_error(format!("input {shape:?}")));
    };
    if block == 0 || !h.is_multiple_of(block) || !w.is_multiple_of(block) {
        return Err(call.unsupported("blocksize", format!("{block} for {h}x{w} pixels")));
    }
    let (rows, columns) = (h / block, w / block);
    let split = vec![n, c, rows, block, columns, block];
    let axes = match call.node.string_or("mode", "DCR")? {
        "DCR" => [0, 3, 5, 1, 2, 4],
        "CRD" => [0, 1, 3, 5, 2, 4],
        other => return Err(call.unsupported("mode", format!("`{other}`"))),
    };
    let x = call.operand(0)?;
    let x = call.reshape(x, &shape, &split);
    let turned: Vec<usize> = axes.iter().map(|&a| split[a]).collect();
    let x = call.step(Primitive::Permute(axes.to_vec()), vec![x], turned.clone());
    let x = call.reshape(x, &turned, &[n, c * block * block, rows, columns]);
    call.finish(x)
}
