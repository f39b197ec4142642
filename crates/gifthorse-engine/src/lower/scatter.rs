//! Operators that pick or replace single entries by indices known before the model runs: one
//! selection from the flat value, or from the flat value with what replaces its entries behind it.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::indexing::strides;
use crate::program::{Binary, Operand, Primitive};

/// Most updates of one entry that are combined.
const MOST_ROUNDS: usize = 64;

/// `GatherElements`: along one axis, an index for every entry of the result.
pub fn gather_elements(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis"])?;
    let shape = call.shape(1)?;
    let positions = along_axis(&call, &shape)?;
    pick(call, positions, shape)
}

/// `GatherND`: each row of indices names an entry or a slice.
pub fn gather_nd(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["batch_dims"])?;
    let input = call.shape(0)?;
    let indices = call.shape(1)?;
    let shared = usize::try_from(call.node.int_or("batch_dims", 0)?).unwrap_or(usize::MAX);
    let fits = shared < indices.len() && shared < input.len();
    if !fits || input[..shared] != indices[..shared] {
        let reason = format!("{shared} of {input:?} and {indices:?}");
        return Err(call.unsupported("batch_dims", reason));
    }
    let starts = starts(&call, shared)?;
    let inner = starts.inner;
    let slices = starts.offsets.iter();
    let positions = slices.flat_map(|&start| start..start + inner).collect();
    let mut shape = indices[..indices.len() - 1].to_vec();
    shape.extend(&input[shared + starts.named..]);
    pick(call, positions, shape)
}

/// `ScatterElements`, and `Scatter` before opset 11.
pub fn scatter_elements(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "reduction"])?;
    let shape = call.shape(1)?;
    let positions = along_axis(&call, &shape)?;
    scatter(call, positions)
}

/// `ScatterND`.
pub fn scatter_nd(call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["reduction"])?;
    let starts = starts(&call, 0)?;
    let slices = starts.offsets.iter();
    let positions = slices.flat_map(|&start| start..start + starts.inner);
    let positions = positions.collect();
    scatter(call, positions)
}

/// Entries of the flat value that `GatherElements` and `ScatterElements` name.
fn along_axis(call: &Call, shape: &[usize]) -> Result<Vec<usize>, Error> {
    let input = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", 0)?, input.len())?;
    let fits =
        shape.len() == input.len() && (0..shape.len()).all(|a| a == axis || shape[a] <= input[a]);
    if !fits {
        return Err(call.shape_error(format!("indices {shape:?} for {input:?}")));
    }
    let named = call.ints(1, "indices")?.unwrap_or_default();
    let (own, of) = (strides(shape), strides(&input));
    let position = |(at, &index): (usize, &i64)| {
        let others = (0..shape.len()).filter(|&a| a != axis);
        let others: usize = others.map(|a| at / own[a] % shape[a] * of[a]).sum();
        Ok(others + call.axis(index, input[axis])? * of[axis])
    };
    named.iter().enumerate().map(position).collect()
}

/// Where the slices begin that rows of indices name.
struct Starts {
    offsets: Vec<usize>,
    /// Axes that a row names.
    named: usize,
    /// Entries of a slice.
    inner: usize,
}

/// Reads rows of indices; the first `shared` axes of the value and of the indices go together.
fn starts(call: &Call, shared: usize) -> Result<Starts, Error> {
    let input = call.shape(0)?;
    let shape = call.shape(1)?;
    let named = shape.last().copied().unwrap_or(0);
    if named == 0 || shared + named > input.len() {
        return Err(call.shape_error(format!("indices {shape:?} for {input:?}")));
    }
    let steps = strides(&input);
    let rows = call.ints(1, "indices")?.unwrap_or_default();
    let together: usize = input[..shared].iter().product();
    let rows_of_each = (rows.len() / named / together.max(1)).max(1);
    let whole: usize = input[shared..].iter().product();
    let mut offsets = Vec::with_capacity(rows.len() / named);
    for (i, row) in rows.chunks_exact(named).enumerate() {
        let mut offset = i / rows_of_each * whole;
        for (axis, &index) in (shared..).zip(row) {
            offset += call.axis(index, input[axis])? * steps[axis];
        }
        offsets.push(offset);
    }
    let inner = input[shared + named..].iter().product();
    Ok(Starts {
        offsets,
        named,
        inner,
    })
}

/// The entries of the flat value at these positions, in this shape.
fn pick(mut call: Call, indices: Vec<usize>, shape: Vec<usize>) -> Result<Vec<Lowered>, Error> {
    if indices.is_empty() {
        return Err(call.unsupported("indices", "an empty selection"));
    }
    let input = call.shape(0)?;
    let x = call.operand(0)?;
    let flat = call.reshape(x, &input, &[input.iter().product()]);
    let count = vec![indices.len()];
    let select = Primitive::Select { axis: 0, indices };
    let out = call.step(select, vec![flat], count.clone());
    let out = call.reshape(out, &count, &shape);
    call.finish(out)
}

/// What becomes of an entry that several updates, or the value and an update, meet in.
#[derive(Clone, Copy)]
enum Meeting {
    /// The last one stays.
    Replace,
    /// All are combined; where there is none of them, this changes nothing.
    Combine(Binary, f32),
}

/// The value with its flat entries at these positions replaced by the updates in turn, or combined
/// with them.
fn scatter(mut call: Call, positions: Vec<usize>) -> Result<Vec<Lowered>, Error> {
    let meeting = match call.node.string_or("reduction", "none")? {
        "none" => Meeting::Replace,
        "add" => Meeting::Combine(Binary::Add, 0.0),
        "mul" => Meeting::Combine(Binary::Mul, 1.0),
        "max" => Meeting::Combine(Binary::Max, f32::NEG_INFINITY),
        "min" => Meeting::Combine(Binary::Min, f32::INFINITY),
        other => return Err(call.unsupported("reduction", format!("`{other}`"))),
    };
    let (input, updates) = (call.shape(0)?, call.shape(2)?);
    let (count, new) = (input.iter().product(), updates.iter().product::<usize>());
    if positions.len() != new {
        return Err(call.shape_error(format!(
            "updates {updates:?} for {} entries",
            positions.len()
        )));
    }
    let (x, y) = (call.operand(0)?, call.operand(2)?);
    let x = call.reshape(x, &input, &[count]);
    let y = call.reshape(y, &updates, &[new]);
    let out = match meeting {
        Meeting::Replace => replaced(&mut call, [x, y], [count, new], positions),
        Meeting::Combine(function, nothing) => combined(
            &mut call,
            [x, y],
            [count, new],
            positions,
            (function, nothing),
        )?,
    };
    let out = call.reshape(out, &[count], &input);
    call.finish(out)
}

/// Of several updates of an entry the last wins.
fn replaced(
    call: &mut Call,
    [x, y]: [Operand; 2],
    [count, new]: [usize; 2],
    positions: Vec<usize>,
) -> Operand {
    let mut indices: Vec<usize> = (0..count).collect();
    for (update, position) in positions.into_iter().enumerate() {
        indices[position] = count + update;
    }
    let both = call.step(Primitive::Concat(0), vec![x, y], vec![count + new]);
    call.step(
        Primitive::Select { axis: 0, indices },
        vec![both],
        vec![count],
    )
}

/// One round for the first update of each entry, one for the second, and so on.
fn combined(
    call: &mut Call,
    [x, y]: [Operand; 2],
    [count, new]: [usize; 2],
    positions: Vec<usize>,
    (function, nothing): (Binary, f32),
) -> Result<Operand, Error> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    let mut met = vec![0; count];
    for (update, position) in positions.into_iter().enumerate() {
        if met[position] == rounds.len() {
            if rounds.len() == MOST_ROUNDS {
                let reason = format!("more than {MOST_ROUNDS} updates of one entry");
                return Err(call.unsupported("indices", reason));
            }
            // Where no update is, the number after all of them.
            rounds.push(vec![new; count]);
        }
        rounds[met[position]][position] = update;
        met[position] += 1;
    }
    let nothing = call.fresh("nothing", vec![nothing], vec![1]);
    let updates = call.step(Primitive::Concat(0), vec![y, nothing], vec![new + 1]);
    let mut out = x;
    for indices in rounds {
        let select = Primitive::Select { axis: 0, indices };
        let round = call.step(select, vec![updates], vec![count]);
        out = call.binary(function, out, round, &[count]);
    }
    Ok(out)
}
