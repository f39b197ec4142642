//! Normalisation and softmax.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Binary, Operand, Primitive, Reduction, Running, Unary, Window};

/// `BatchNormalization`: with its running statistics, or with the batch's own where the mode says
/// so.
pub fn batch_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["epsilon", "momentum", "spatial", "training_mode", "is_test"])?;
    if call.node.int_or("training_mode", 0)? != 0 {
        return Err(call.unsupported("training_mode", "the model was exported in training mode"));
    }
    if call.node.int_or("spatial", 1)? == 0 {
        return Err(call.unsupported("spatial", "statistics per position"));
    }
    let shape = call.shape(0)?;
    let channels = shape.get(1).copied().unwrap_or(0);
    let mut operands = vec![call.operand(0)?];
    for i in 1..5 {
        if call.shape(i)? != [channels] {
            return Err(call.shape_error(format!("input {i} for {channels} channels")));
        }
        operands.push(call.operand(i)?);
    }
    let epsilon = call.node.float_or("epsilon", 1e-5)?;
    let Some(running) = trained(&call)? else {
        let out = call.step(Primitive::BatchNorm { epsilon }, operands, shape);
        return call.finish(out);
    };
    let count = shape.iter().product::<usize>() / channels.max(1);
    if count < 2 {
        let reason = "a batch of one image with one pixel has no variance: give more images, or leave its statistics as they are";
        return Err(call.shape_error(reason));
    }
    if !matches!(operands[0], Operand::Value(_)) {
        return Err(call.unsupported("X", "statistics of a constant cannot be trained"));
    }
    let tag = call.context.running.len();
    call.context.running.push(running);
    operands.truncate(3);
    let primitive = Primitive::BatchNormOfBatch { epsilon, tag };
    let out = call.step(primitive, operands, shape);
    call.finish(out)
}

/// The running statistics of a batch norm that is in training mode.
fn trained(call: &Call) -> Result<Option<Running>, Error> {
    let mean = call.initializer(3);
    let Some(mean) = mean.filter(|mean| call.context.mode.trains_statistics(mean)) else {
        return Ok(None);
    };
    let Some(variance) = call.initializer(4) else {
        let reason = "running statistics are trained only where the variance is an initializer too";
        return Err(call.unsupported("var", reason));
    };
    // The share of what was there before.
    let momentum = call.node.float_or("momentum", 0.9)?;
    if !(0.0..=1.0).contains(&momentum) {
        let reason = format!("{momentum} is not a share from 0 to 1 of the running statistics");
        return Err(call.unsupported("momentum", reason));
    }
    Ok(Some(Running {
        mean,
        variance,
        rate: 1.0 - momentum,
    }))
}

/// `LayerNormalization` (opset 17); on request with the mean and one over the deviation.
pub fn layer_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "epsilon", "stash_type"])?;
    let shape = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", -1)?, shape.len())?;
    let mut operands = vec![call.operand(0)?];
    for i in (1..3)
        .filter(|&i| i == 1 || call.has(i))
        .collect::<Vec<_>>()
    {
        let scale = call.shape(i)?;
        if call.broadcast(&scale, &shape)? != shape {
            return Err(call.shape_error(format!("{scale:?} does not broadcast to {shape:?}")));
        }
        operands.push(call.operand(i)?);
    }
    let epsilon = call.node.float_or("epsilon", 1e-5)?;
    let x = operands[0];
    let out = call.step(
        Primitive::LayerNorm { axis, epsilon },
        operands,
        shape.clone(),
    );
    if call.node.outputs.len() < 2 {
        return call.finish(out);
    }
    let mut kept = shape.clone();
    kept[axis..].fill(1);
    let axes: Vec<usize> = (axis..shape.len()).collect();
    let mean_of = || Primitive::Reduce(Reduction::Mean, axes.clone());
    let mean = call.step(mean_of(), vec![x], kept.clone());
    let centred = call.binary(Binary::Sub, x, mean, &shape);
    let squares = call.binary(Binary::Mul, centred, centred, &shape);
    let variance = call.step(mean_of(), vec![squares], kept.clone());
    let variance = call.unary(Unary::AddScalar(epsilon), variance, &kept);
    let deviation = call.unary(Unary::Sqrt, variance, &kept);
    let inverse = call.unary(Unary::Reciprocal, deviation, &kept);
    Ok([out, mean, inverse].map(Lowered::of).to_vec())
}

/// `InstanceNormalization`: every channel of every image on its own.
pub fn instance_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["epsilon"])?;
    let shape = call.shape(0)?;
    if shape.len() < 3 {
        return Err(call.shape_error(format!("input {shape:?} has no spatial axes")));
    }
    let x = call.operand(0)?;
    let scale = per_channel(&mut call, 1, &shape, shape[1])?;
    let bias = per_channel(&mut call, 2, &shape, shape[1])?;
    let epsilon = call.node.float_or("epsilon", 1e-5)?;
    let primitive = Primitive::LayerNorm { axis: 2, epsilon };
    let out = call.step(primitive, vec![x, scale, bias], shape);
    call.finish(out)
}

/// `GroupNormalization`: groups of channels of every image on their own. Scale and bias are one for
/// each group at opset 18, one for each channel since 21.
pub fn group_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["epsilon", "num_groups", "stash_type"])?;
    let shape = call.shape(0)?;
    let [batch, channels, ..] = shape[..] else {
        return Err(call.shape_error(format!("input {shape:?} has no channels")));
    };
    let groups = usize::try_from(call.node.int("num_groups")?).unwrap_or(0);
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(call.unsupported("num_groups", format!("{groups} for {channels} channels")));
    }
    let rest = shape[2..].iter().product::<usize>() * (channels / groups);
    let grouped = vec![batch, groups, rest];
    let x = call.operand(0)?;
    let x = call.reshape(x, &shape, &grouped);
    let of_groups = call.node.opset < 21;
    let (scale, bias) = if of_groups {
        let scale = per_channel(&mut call, 1, &grouped, groups)?;
        (scale, per_channel(&mut call, 2, &grouped, groups)?)
    } else {
        let one = call.fresh("one", vec![1.0; groups], vec![1, groups, 1]);
        let zero = call.fresh("zero", vec![0.0; groups], vec![1, groups, 1]);
        (one, zero)
    };
    let epsilon = call.node.float_or("epsilon", 1e-5)?;
    let primitive = Primitive::LayerNorm { axis: 2, epsilon };
    let out = call.step(primitive, vec![x, scale, bias], grouped.clone());
    let mut out = call.reshape(out, &grouped, &shape);
    if !of_groups {
        let scale = per_channel(&mut call, 1, &shape, channels)?;
        let bias = per_channel(&mut call, 2, &shape, channels)?;
        out = call.binary(Binary::Mul, out, scale, &shape);
        out = call.binary(Binary::Add, out, bias, &shape);
    }
    call.finish(out)
}

/// Input `index`, one number for each of `count` channels, as it broadcasts to `shape`.
fn per_channel(
    call: &mut Call,
    index: usize,
    shape: &[usize],
    count: usize,
) -> Result<Operand, Error> {
    let given = call.shape(index)?;
    if given != [count] {
        return Err(call.shape_error(format!("{given:?} for {count} channels")));
    }
    let mut wide = vec![1; shape.len()];
    wide[1] = count;
    let operand = call.operand(index)?;
    Ok(call.reshape(operand, &given, &wide))
}

/// `RMSNormalization` (opset 23): over the root of the mean of the squares from `axis` on.
pub fn rms_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "epsilon", "stash_type"])?;
    let shape = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", -1)?, shape.len())?;
    let given = call.shape(1)?;
    if call.broadcast(&given, &shape)? != shape {
        return Err(call.shape_error(format!("{given:?} does not broadcast to {shape:?}")));
    }
    let axes: Vec<usize> = (axis..shape.len()).collect();
    let mut kept = shape.clone();
    kept[axis..].fill(1);
    let (x, scale) = (call.operand(0)?, call.operand(1)?);
    let squares = call.binary(Binary::Mul, x, x, &shape);
    let mean = Primitive::Reduce(Reduction::Mean, axes);
    let mean = call.step(mean, vec![squares], kept.clone());
    let epsilon = call.node.float_or("epsilon", 1e-5)?;
    let mean = call.unary(Unary::AddScalar(epsilon), mean, &kept);
    let root = call.unary(Unary::Sqrt, mean, &kept);
    let out = call.binary(Binary::Div, x, root, &shape);
    let out = call.binary(Binary::Mul, out, scale, &shape);
    call.finish(out)
}

/// `LpNormalization`: over the sum of sizes, or the root of the sum of squares, along `axis`;
/// nothing but zeros stays as it is.
pub fn lp_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis", "p"])?;
    let shape = call.shape(0)?;
    let axis = call.axis(call.node.int_or("axis", -1)?, shape.len())?;
    let mut kept = shape.clone();
    kept[axis] = 1;
    let x = call.operand(0)?;
    let euclidean = match call.node.int_or("p", 2)? {
        1 => false,
        2 => true,
        other => return Err(call.unsupported("p", format!("{other}"))),
    };
    let sizes = if euclidean {
        call.binary(Binary::Mul, x, x, &shape)
    } else {
        call.unary(Unary::Abs, x, &shape)
    };
    let sum = Primitive::Reduce(Reduction::Sum, vec![axis]);
    let sum = call.step(sum, vec![sizes], kept.clone());
    let is_zero = call.unary(Unary::Not, sum, &kept);
    let mut norm = call.binary(Binary::Add, sum, is_zero, &kept);
    if euclidean {
        norm = call.unary(Unary::Sqrt, norm, &kept);
    }
    let out = call.binary(Binary::Div, x, norm, &shape);
    call.finish(out)
}

/// `LRN`: each entry over a power of the squares of its neighbours in the channel axis,
/// which an average pool over channels gathers.
pub fn local_response_norm(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["alpha", "beta", "bias", "size"])?;
    let shape = call.shape(0)?;
    let [batch, channels, ..] = shape[..] else {
        return Err(call.shape_error(format!("input {shape:?} has no channels")));
    };
    let size = usize::try_from(call.node.int("size")?).unwrap_or(0);
    if size == 0 || size > 1 << 16 {
        return Err(call.unsupported("size", format!("{size}")));
    }
    let (alpha, beta, bias) = (
        call.node.float_or("alpha", 1e-4)?,
        call.node.float_or("beta", 0.75)?,
        call.node.float_or("bias", 1.0)?,
    );
    let x = call.operand(0)?;
    let positions: usize = shape[2..].iter().product();
    let plane = vec![batch, 1, channels, positions];
    let squares = call.step(Primitive::Binary(Binary::Mul), vec![x, x], shape.clone());
    let squares = call.reshape(squares, &shape, &plane);
    let window = Window {
        kernel: [size, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [((size - 1) / 2, size / 2), (0, 0)],
    };
    // The pool's mean divides by `size`, as the operator's definition of alpha does.
    let mean = call.step(Primitive::AvgPool(window), vec![squares], plane.clone());
    let mean = call.reshape(mean, &plane, &shape);
    let mut power = mean;
    for function in [
        Unary::MulScalar(alpha),
        Unary::AddScalar(bias),
        Unary::PowScalar(-beta),
    ] {
        power = call.step(Primitive::Unary(function), vec![power], shape.clone());
    }
    let out = call.step(Primitive::Binary(Binary::Mul), vec![x, power], shape);
    call.finish(out)
}

/// `Softmax` and `LogSoftmax`. Before opset 13 the value is seen as a matrix, all axes
/// from `axis` on together.
pub fn softmax(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&["axis"])?;
    let shape = call.shape(0)?;
    let coerced = call.node.opset < 13;
    let axis = call.node.int_or("axis", if coerced { 1 } else { -1 })?;
    let x = call.operand(0)?;
    let log = call.node.op_type == "LogSoftmax";
    let along = |axis| {
        if log {
            Primitive::LogSoftmax(axis)
        } else {
            Primitive::Softmax(axis)
        }
    };
    if !coerced {
        let axis = call.axis(axis, shape.len())?;
        let out = call.step(along(axis), vec![x], shape);
        return call.finish(out);
    }
    let axis = if axis == shape.len() as i64 {
        shape.len()
    } else {
        call.axis(axis, shape.len())?
    };
    let matrix = vec![
        shape[..axis].iter().product(),
        shape[axis..].iter().product(),
    ];
    let flat = call.reshape(x, &shape, &matrix);
    let out: Operand = call.step(along(1), vec![flat], matrix.clone());
    let out = call.reshape(out, &matrix, &shape);
    call.finish(out)
}
