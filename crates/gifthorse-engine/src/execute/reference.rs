//! Each primitive as a few Burn operations: plain, and right on every Burn device.

use burn_backend::ops::{ConvOptions, ConvTransposeOptions};
use gifthorse_segment::Kept;

use crate::error::Error;
use crate::execute::array::Array;
use crate::program::{Binary, Primitive, Reduction, Unary, Window};

/// Computes one primitive.
///
/// `shape` is the shape of the result as the lowering inferred it; the lowering has
/// also checked the operands' shapes.
///
/// # Errors
/// `Error::Internal` when the program holds a step with too few operands.
pub fn evaluate(
    primitive: &Primitive,
    operands: Vec<Array>,
    shape: &[usize],
) -> Result<Array, Error> {
    let mut operands = operands.into_iter();
    let mut next = || {
        let missing = || Error::Internal(format!("{primitive:?} lacks an operand"));
        operands.next().ok_or_else(missing)
    };
    let x = next()?;
    Ok(match primitive {
        Primitive::Conv { window, groups } => conv(x, next()?, next().ok(), window, *groups),
        Primitive::ConvTranspose {
            window,
            output_padding,
            groups,
        } => conv_transpose(x, next()?, next().ok(), window, *output_padding, *groups),
        Primitive::MatMul => x.matmul(next()?),
        Primitive::MaxPool(window) => pad_window(x, window, f32::MIN).max_pool2d(
            window.kernel,
            window.stride,
            window.dilation,
        ),
        Primitive::AvgPool(window) => {
            let mean = pad_window(x, window, 0.0).avg_pool2d(window.kernel, window.stride);
            match next() {
                Ok(correction) => mean.mul(correction),
                Err(_) => mean,
            }
        }
        Primitive::BatchNorm { epsilon } => {
            let [scale, bias, mean, variance] = [next()?, next()?, next()?, next()?];
            batch_norm(x, scale, bias, mean, variance, *epsilon)
        }
        Primitive::BatchNormOfBatch { epsilon, .. } => {
            let [scale, bias] = [next()?, next()?];
            let (mean, variance) = moments(x.clone());
            batch_norm(x, scale, bias, mean, variance, *epsilon)
        }
        Primitive::Dropout { .. } => {
            let reason = "dropout of a value that does not depend on the input";
            return Err(Error::Internal(reason.to_owned()));
        }
        Primitive::LayerNorm { axis, epsilon } => {
            let scaled = standardise(x, *axis, *epsilon).mul(next()?);
            match next() {
                Ok(bias) => scaled.add(bias),
                Err(_) => scaled,
            }
        }
        Primitive::Softmax(axis) => x.softmax(*axis),
        Primitive::LogSoftmax(axis) => x.log_softmax(*axis),
        Primitive::Unary(function) => unary(*function, x),
        Primitive::Binary(function) => binary(*function, x, next()?, shape),
        Primitive::Where => Array::choose(x, next()?, next()?, shape),
        Primitive::Reduce(kind, axes) => axes
            .iter()
            .fold(x, |array, &axis| reduce(*kind, array, axis)),
        Primitive::ArgMax(axis) => x.argmax(*axis),
        Primitive::ArgSort { axis, descending } => x.argsort(*axis, *descending),
        Primitive::GatherAlong(axis) => x.gather(*axis, next()?),
        Primitive::CumSum(axis) => x.cumulative_sum(*axis),
        Primitive::Reshape => x.reshape(shape),
        Primitive::Permute(axes) => x.permute(axes),
        Primitive::Expand => x.expand(shape),
        Primitive::Slice {
            axis,
            start,
            count,
            step,
            reversed,
        } => {
            let part = x.slice(*axis, *start, *count, *step);
            if *reversed { part.flip(*axis) } else { part }
        }
        Primitive::Select { axis, indices } => x.select(*axis, indices),
        Primitive::Concat(axis) => {
            let parts = std::iter::once(x).chain(operands).collect();
            Array::concat(parts, *axis)
        }
        Primitive::Pad { pads, value } => x.pad_constant(pads, *value),
    })
}

/// Pads height and width with a constant.
fn pad_window(x: Array, window: &Window, value: f32) -> Array {
    let [rows, columns] = window.pads;
    x.pad_constant(&[(0, 0), (0, 0), rows, columns], value)
}

fn conv(x: Array, weight: Array, bias: Option<Array>, window: &Window, groups: usize) -> Array {
    let symmetric = window.pads.iter().all(|(before, after)| before == after);
    let x = if symmetric {
        x
    } else {
        pad_window(x, window, 0.0)
    };
    let padding = if symmetric {
        window.pads.map(|(before, _)| before)
    } else {
        [0, 0]
    };
    let options = ConvOptions::new(window.stride, padding, window.dilation, groups);
    x.conv2d(weight, bias, options)
}

/// The full transposed convolution, of which the pads are then cut off: ONNX allows
/// pads that differ between the two ends of an axis.
fn conv_transpose(
    x: Array,
    weight: Array,
    bias: Option<Array>,
    window: &Window,
    output_padding: [usize; 2],
    groups: usize,
) -> Array {
    let options = ConvTransposeOptions::new(window.stride, [0, 0], [0, 0], window.dilation, groups);
    let full = x.conv_transpose2d(weight, None, options);
    let [rows, columns] = output_padding;
    let full = full.pad_constant(&[(0, 0), (0, 0), (0, rows), (0, columns)], 0.0);
    let cut = (0..2).fold(full, |array, i| {
        let (before, after) = window.pads[i];
        let count = array.shape()[i + 2] - before - after;
        array.slice(i + 2, before, count, 1)
    });
    match bias {
        Some(bias) => {
            let channels = bias.shape()[0];
            cut.add(bias.reshape(&[1, channels, 1, 1]))
        }
        None => cut,
    }
}

fn batch_norm(
    x: Array,
    scale: Array,
    bias: Array,
    mean: Array,
    variance: Array,
    epsilon: f32,
) -> Array {
    let mut per_channel = vec![1; x.shape().len()];
    per_channel[1] = scale.shape()[0];
    let factor = scale.div(variance.add_scalar(epsilon).sqrt());
    // The mean first: taking it away later would leave the rounding errors of a number as large as
    // it.
    x.sub(mean.reshape(&per_channel))
        .mul(factor.reshape(&per_channel))
        .add(bias.reshape(&per_channel))
}

/// Mean and biased variance `[channels]` over all axes but the second.
pub fn moments(x: Array) -> (Array, Array) {
    let (rank, channels) = (x.shape().len(), x.shape()[1]);
    let mean_of = |array: Array| (0..rank).filter(|&axis| axis != 1).fold(array, Array::mean);
    let mean = mean_of(x.clone());
    let centred = x.sub(mean.clone());
    let variance = mean_of(centred.clone().mul(centred));
    (mean.reshape(&[channels]), variance.reshape(&[channels]))
}

/// Dropout in a run with a seed, of a batch of `samples`, one after the other in `x`.
pub fn dropout(x: Array, ratio: f32, site: usize, samples: usize, seed: u64) -> Array {
    let shape = x.shape();
    let count = shape.iter().product::<usize>();
    let each = count.div_ceil(samples.max(1));
    let factor = 1.0 / (1.0 - ratio);
    let factors = (0..count)
        .step_by(each)
        .enumerate()
        .flat_map(|(sample, start)| {
            let kept = Kept::new(seed, site, sample, ratio);
            let elements = 0..each.min(count - start);
            elements.map(move |element| if kept.keeps(element) { factor } else { 0.0 })
        });
    let factors = Array::from_vec(factors.collect(), &shape, &x.device());
    x.mul(factors)
}

/// Takes off the mean and divides by the standard deviation over `axis` and all after it.
fn standardise(x: Array, axis: usize, epsilon: f32) -> Array {
    let rank = x.shape().len();
    let mean_of = |array: Array| (axis..rank).fold(array, Array::mean);
    let centred = x.clone().sub(mean_of(x));
    let variance = mean_of(centred.clone().mul(centred.clone()));
    centred.div(variance.add_scalar(epsilon).sqrt())
}

fn unary(function: Unary, x: Array) -> Array {
    match function {
        Unary::Neg => x.neg(),
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Tanh => x.tanh(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::Erf => x.erf(),
        Unary::Sign => x.sign(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round(),
        Unary::RoundThrough => {
            // Exact: a number and what it is rounded to are near enough to each other that their
            // difference is a number of f32.
            let change = x.clone().round().sub(x.clone()).detach();
            x.add(change)
        }
        Unary::Relu => x.relu(),
        Unary::Sigmoid => x.sigmoid(),
        Unary::LeakyRelu(slope) => x.leaky_relu(slope),
        Unary::Elu { alpha, gamma } => {
            // The exponential only sees what is not positive, so that it cannot overflow.
            let negative = x
                .clone()
                .clamp_max(0.0)
                .exp()
                .add_scalar(-1.0)
                .mul_scalar(alpha);
            let sum = x.relu().add(negative);
            if gamma == 1.0 {
                sum
            } else {
                sum.mul_scalar(gamma)
            }
        }
        Unary::Softplus => {
            let tail = x.clone().abs().neg().exp().add_scalar(1.0).log();
            x.relu().add(tail)
        }
        Unary::Clip { min, max } => {
            let low = if min > f32::NEG_INFINITY {
                x.clamp_min(min)
            } else {
                x
            };
            if max < f32::INFINITY {
                low.clamp_max(max)
            } else {
                low
            }
        }
        Unary::HardSigmoid { alpha, beta } => x
            .mul_scalar(alpha)
            .add_scalar(beta)
            .clamp_min(0.0)
            .clamp_max(1.0),
        Unary::AddScalar(value) => x.add_scalar(value),
        Unary::MulScalar(value) => x.mul_scalar(value),
        Unary::PowScalar(value) => power(x, value),
        Unary::Not => {
            let shape = x.shape();
            let zero = x.clone().mul_scalar(0.0);
            x.equal(zero, &shape)
        }
    }
}

/// Small whole powers by multiplication, so that negative bases keep their gradient.
fn power(x: Array, exponent: f32) -> Array {
    match exponent {
        1.0 => x,
        2.0 => x.clone().mul(x),
        3.0 => x.clone().mul(x.clone()).mul(x),
        0.5 => x.sqrt(),
        -1.0 => x.recip(),
        _ => x.pow_scalar(exponent),
    }
}

fn binary(function: Binary, a: Array, b: Array, shape: &[usize]) -> Array {
    match function {
        Binary::Add => a.add(b),
        Binary::Sub => a.sub(b),
        Binary::Mul => a.mul(b),
        Binary::Div => a.div(b),
        Binary::Pow => a.pow(b),
        Binary::Max => {
            let larger = a.clone().greater_equal(b.clone(), shape);
            Array::choose(larger, a, b, shape)
        }
        Binary::Min => {
            let smaller = a.clone().less_equal(b.clone(), shape);
            Array::choose(smaller, a, b, shape)
        }
        Binary::Equal => a.equal(b, shape),
        Binary::Greater => a.greater(b, shape),
        Binary::GreaterEqual => a.greater_equal(b, shape),
        Binary::Less => a.less(b, shape),
        Binary::LessEqual => a.less_equal(b, shape),
    }
}

fn reduce(kind: Reduction, x: Array, axis: usize) -> Array {
    match kind {
        Reduction::Sum => x.sum(axis),
        Reduction::Mean => x.mean(axis),
        Reduction::Max => x.max(axis),
        Reduction::Min => x.min(axis),
        Reduction::Prod => {
            // Burn's product is exp(sum(log)), which loses signs and zeros.
            let count = x.shape()[axis];
            let first = x.clone().slice(axis, 0, 1, 1);
            (1..count).fold(first, |product, i| {
                product.mul(x.clone().slice(axis, i, 1, 1))
            })
        }
    }
}
