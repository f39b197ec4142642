//! Operators that move values without changing them.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Operand, Primitive};

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
    rebatch(call, input, &mut shape);
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
    let mut x = call.operand(0)?;
    for (axis, &times) in repeats.iter().enumerate() {
        if times == 0 {
            return Err(call.unsupported("repeats", "an empty result"));
        }
        if times > 1 {
            shape[axis] *= times;
            x = call.step(Primitive::Concat(axis), vec![x; times], shape.clone());
        }
    }
    call.finish(x)
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

/// `Split`, by lengths (attribute or input), by number of outputs, or evenly.
pub fn split(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "split", "num_outputs"])?;
    let input = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", 0)?, input.len())?;
    let outputs = call.node.outputs.len();
    let lengths = match call.ints(1, "split")? {
        Some(lengths) => Some(lengths),
        None => call.node.ints_opt("split")?.map(|l| l.to_vec()),
    };
    let lengths = lengths.unwrap_or_else(|| {
        let each = input[axis].div_ceil(outputs.max(1)) as i64;
        let last = input[axis] as i64 - each * (outputs as i64 - 1);
        (0..outputs)
            .map(|i| if i + 1 < outputs { each } else { last })
            .collect()
    });
    let total = lengths.iter().try_fold(0i64, |sum, &l| sum.checked_add(l));
    if lengths.iter().any(|&l| l < 1) || total != Some(input[axis] as i64) {
        return Err(call.unsupported("split", format!("{lengths:?} of {}", input[axis])));
    }
    let x = call.operand(0)?;
    let mut start = 0;
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let count = length as usize;
        let mut shape = input.clone();
        shape[axis] = count;
        let cut = Primitive::Slice {
            axis,
            start,
            count,
            step: 1,
            reversed: false,
        };
        match call.step(cut, vec![x], shape) {
            Operand::Value(id) => parts.push(Lowered::Value(id)),
            Operand::Param(_) => return Err(Error::Internal("a step made a parameter".into())),
        }
        start += count;
    }
    Ok(parts)
}

/// A slice of one axis, in memory order.
pub struct Cut {
    pub axis: usize,
    pub start: usize,
    pub count: usize,
    pub step: usize,
    pub reversed: bool,
}

impl Cut {
    /// The entries taken, in output order.
    pub fn indices(&self) -> Vec<usize> {
        let forward = (0..self.count).map(|i| self.start + i * self.step);
        if self.reversed {
            forward.rev().collect()
        } else {
            forward.collect()
        }
    }
}

/// The slices of a `Slice`: attributes before opset 10, inputs since.
pub fn slices(call: &Call) -> Result<Vec<Cut>, Error> {
    call.only_attributes(&["axes", "ends", "starts"])?;
    let shape = call.shape(0)?;
    let read = |index: usize, name: &str| -> Result<Option<Vec<i64>>, Error> {
        match call.ints(index, name)? {
            Some(values) => Ok(Some(values)),
            None => Ok(call.node.ints_opt(name)?.map(|v| v.to_vec())),
        }
    };
    let starts = read(1, "starts")?.unwrap_or_default();
    let ends = read(2, "ends")?.unwrap_or_default();
    let axes = read(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call
        .ints(4, "steps")?
        .unwrap_or_else(|| vec![1; starts.len()]);
    if starts.len() != ends.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err(call.shape_error("starts, ends, axes and steps differ in length"));
    }
    let mut cuts = Vec::with_capacity(starts.len());
    for i in 0..starts.len() {
        let axis = call.axis(axes[i], shape.len())?;
        cuts.push(cut(
            call,
            axis,
            shape[axis] as i64,
            starts[i],
            ends[i],
            steps[i],
        )?);
    }
    Ok(cuts)
}

fn cut(
    call: &Call,
    axis: usize,
    length: i64,
    start: i64,
    end: i64,
    step: i64,
) -> Result<Cut, Error> {
    let from_end = |at: i64| {
        if at < 0 {
            at.saturating_add(length)
        } else {
            at
        }
    };
    let count = if step > 0 {
        let (start, end) = (
            from_end(start).clamp(0, length),
            from_end(end).clamp(0, length),
        );
        (start, (end - start).max(0).saturating_add(step - 1) / step)
    } else if step < 0 && step > i64::MIN {
        let start = from_end(start).clamp(-1, length - 1);
        let end = from_end(end).clamp(-1, length - 1);
        (
            start,
            (start - end).max(0).saturating_add(-step - 1) / -step,
        )
    } else {
        return Err(call.unsupported("steps", format!("{step}")));
    };
    let (start, count) = count;
    let last = start + (count - 1).max(0) * step;
    Ok(Cut {
        axis,
        start: start.min(last).max(0) as usize,
        count: count as usize,
        step: step.unsigned_abs() as usize,
        reversed: step < 0,
    })
}

/// `Slice`.
pub fn slice(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let mut shape = call.shape(0)?;
    let mut x = call.operand(0)?;
    for Cut {
        axis,
        start,
        count,
        step,
        reversed,
    } in slices(&call)?
    {
        // Exporters slice shapes down to nothing, which is folded; an image never is.
        if count == 0 {
            return Err(call.unsupported("ends", "an empty slice"));
        }
        if count == shape[axis] && !reversed {
            continue;
        }
        shape[axis] = count;
        let primitive = Primitive::Slice {
            axis,
            start,
            count,
            step,
            reversed,
        };
        x = call.step(primitive, vec![x], shape.clone());
    }
    call.finish(x)
}

/// The entries that a `Gather` takes and the shape of its result.
pub fn gather_indices(call: &Call, axis: usize) -> Result<(Vec<usize>, Vec<usize>), Error> {
    call.only_attributes(&["axis"])?;
    let input = call.shape(0)?;
    let named = call.ints(1, "indices")?.unwrap_or_default();
    let indices: Result<Vec<usize>, Error> =
        named.iter().map(|&i| call.axis(i, input[axis])).collect();
    let mut shape = input[..axis].to_vec();
    shape.extend(call.shape(1)?);
    shape.extend(&input[axis + 1..]);
    Ok((indices?, shape))
}

/// `Gather` with indices known before the model runs.
pub fn gather(mut call: Call) -> Result<Vec<Lowered>, Error> {
    let input = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", 0)?, input.len())?;
    let (indices, shape) = gather_indices(&call, axis)?;
    if indices.is_empty() {
        return Err(call.unsupported("indices", "an empty selection"));
    }
    let mut picked = input.clone();
    picked[axis] = indices.len();
    let x = call.operand(0)?;
    let out = call.step(Primitive::Select { axis, indices }, vec![x], picked.clone());
    let out = call.reshape(out, &picked, &shape);
    call.finish(out)
}

/// `Pad`: constant, edge or reflect.
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
    if !(cropped || matches!(mode, "edge" | "reflect")) {
        return Err(call.unsupported("mode", format!("`{mode}` with pads {before}, {after}")));
    }
    let source = |at: i64| match mode {
        "reflect" if length > 1 => {
            let period = 2 * (length - 1);
            let folded = at.rem_euclid(period);
            folded.min(period - folded)
        }
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
