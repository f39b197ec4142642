//! Operators that take part of a value.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Operand, Primitive};

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
    let mut cuts: Vec<Cut> = Vec::with_capacity(starts.len());
    for i in 0..starts.len() {
        let axis = call.axis(axes[i], shape.len())?;
        if cuts.iter().any(|cut| cut.axis == axis) {
            return Err(call.shape_error(format!("axis {axis} is cut twice")));
        }
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
