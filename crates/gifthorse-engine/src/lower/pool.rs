//! Pools. Padding and the extra windows of `ceil_mode` are made explicit, so that the
//! primitive itself knows neither.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::lower::conv::{Geometry, geometry, output_sizes, spatial_sizes, with_spatial};
use crate::program::{Binary, Operand, Primitive, Reduction, Window};

/// The attributes of all pools.
pub const GEOMETRY: [&str; 6] = [
    "auto_pad",
    "ceil_mode",
    "dilations",
    "kernel_shape",
    "pads",
    "strides",
];

/// The attributes of average pools.
pub const AVERAGE: [&str; 7] = [
    "auto_pad",
    "ceil_mode",
    "count_include_pad",
    "dilations",
    "kernel_shape",
    "pads",
    "strides",
];

/// Adds to the end pads what `ceil_mode` needs; gives the window and the original pads.
pub fn windows(call: &Call, input: &[usize]) -> Result<(Geometry, [(usize, usize); 2]), Error> {
    let mut geometry = geometry(call, input, None)?;
    let window = &mut geometry.window;
    let pads = window.pads;
    if call.node.int_or("ceil_mode", 0)? != 0 {
        let sizes = spatial_sizes(input);
        for i in 0..2 {
            let span = (window.kernel[i] - 1) * window.dilation[i] + 1;
            let padded = sizes[i] + pads[i].0 + pads[i].1;
            let stride = window.stride[i];
            let mut outputs = padded.saturating_sub(span).div_ceil(stride) + 1;
            // A window that would start in the end padding is left out.
            if (outputs - 1) * stride >= sizes[i] + pads[i].0 {
                outputs -= 1;
            }
            let reach = (outputs.max(1) - 1) * stride + span;
            window.pads[i].1 += reach.saturating_sub(padded);
        }
    }
    Ok((geometry, pads))
}

/// `MaxPool`; the optional second output (indices) is not supported.
pub fn max_pool(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[&GEOMETRY[..], &["storage_order"]].concat())?;
    if call.node.output(1).is_some() {
        return Err(call.unsupported("Indices", "the second output of MaxPool"));
    }
    let input = call.shape(0)?;
    let (Geometry { window, spatial }, _) = windows(&call, &input)?;
    let x = call.operand(0)?;
    let primitive = Primitive::MaxPool(window);
    let (out, _) = pool(&mut call, x, &input, spatial, (window, primitive), None)?;
    call.finish(out)
}

/// `AveragePool`.
pub fn average_pool(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&AVERAGE)?;
    let input = call.shape(0)?;
    let x = call.operand(0)?;
    let (out, _) = averaged(&mut call, x, &input)?;
    call.finish(out)
}

/// The average pool of a value of this shape, and the shape of the result.
pub fn averaged(
    call: &mut Call,
    x: Operand,
    input: &[usize],
) -> Result<(Operand, Vec<usize>), Error> {
    let (Geometry { window, spatial }, pads) = windows(call, input)?;
    let padding_counts = call.node.int_or("count_include_pad", 0)? != 0;
    let sizes = spatial_sizes(input);
    let outputs = output_sizes(call, &window, sizes)?;
    let correction = correction(&window, pads, sizes, outputs, padding_counts);
    let uniform = correction.iter().all(|&c| c == 1.0);
    let correction = (!uniform).then_some((correction, outputs));
    if window.dilation != [1, 1] {
        return dilated_average(call, x, input, spatial, window, correction);
    }
    let primitive = Primitive::AvgPool(window);
    pool(call, x, input, spatial, (window, primitive), correction)
}

/// For each window, the number of its taps over the number of entries that count: inside
/// the image, or inside the declared padding too if that counts. What `ceil_mode` added
/// never counts.
fn correction(
    window: &Window,
    pads: [(usize, usize); 2],
    sizes: [usize; 2],
    outputs: [usize; 2],
    padding_counts: bool,
) -> Vec<f32> {
    let counted = |i: usize, output: usize| {
        let start = output * window.stride[i];
        let (low, high) = if padding_counts {
            (0, sizes[i] + pads[i].0 + pads[i].1)
        } else {
            (pads[i].0, pads[i].0 + sizes[i])
        };
        let taps = (0..window.kernel[i]).map(|tap| start + tap * window.dilation[i]);
        taps.filter(|at| (low..high).contains(at)).count().max(1)
    };
    let taps = (window.kernel[0] * window.kernel[1]) as f32;
    let mut factors = Vec::with_capacity(outputs[0] * outputs[1]);
    for row in 0..outputs[0] {
        for column in 0..outputs[1] {
            factors.push(taps / (counted(0, row) * counted(1, column)) as f32);
        }
    }
    factors
}

fn pool(
    call: &mut Call,
    x: Operand,
    input: &[usize],
    spatial: usize,
    (window, primitive): (Window, Primitive),
    correction: Option<(Vec<f32>, [usize; 2])>,
) -> Result<(Operand, Vec<usize>), Error> {
    let sizes = spatial_sizes(input);
    let outputs = output_sizes(call, &window, sizes)?;
    let wide = with_spatial(input[0], input[1], sizes, 2);
    let x = call.reshape(x, input, &wide);
    let mut operands = vec![x];
    if let Some((factors, [rows, columns])) = correction {
        operands.push(call.fresh("counts", factors, vec![1, 1, rows, columns]));
    }
    let wide = with_spatial(input[0], input[1], outputs, 2);
    let out = call.step(primitive, operands, wide.clone());
    let shape = with_spatial(input[0], input[1], outputs, spatial);
    Ok((call.reshape(out, &wide, &shape), shape))
}

/// An average pool with gaps between its taps: a convolution of each channel with equal weights.
fn dilated_average(
    call: &mut Call,
    x: Operand,
    input: &[usize],
    spatial: usize,
    window: Window,
    correction: Option<(Vec<f32>, [usize; 2])>,
) -> Result<(Operand, Vec<usize>), Error> {
    let sizes = spatial_sizes(input);
    let outputs = output_sizes(call, &window, sizes)?;
    let (batch, channels) = (input[0], input[1]);
    let x = call.reshape(x, input, &with_spatial(batch, channels, sizes, 2));
    let [rows, columns] = window.kernel;
    let taps = rows * columns;
    let weights = vec![1.0 / taps as f32; channels * taps];
    let weights = call.fresh("weights", weights, vec![channels, 1, rows, columns]);
    let wide = with_spatial(batch, channels, outputs, 2);
    let groups = channels;
    let primitive = Primitive::Conv { window, groups };
    let mut out = call.step(primitive, vec![x, weights], wide.clone());
    if let Some((factors, [rows, columns])) = correction {
        let factors = call.fresh("counts", factors, vec![1, 1, rows, columns]);
        out = call.binary(Binary::Mul, out, factors, &wide);
    }
    let shape = with_spatial(batch, channels, outputs, spatial);
    Ok((call.reshape(out, &wide, &shape), shape))
}

/// `GlobalAveragePool`.
pub fn global_average_pool(call: Call) -> Result<Vec<Lowered>, Error> {
    global(call, Reduction::Mean)
}

/// `GlobalMaxPool`.
pub fn global_max_pool(call: Call) -> Result<Vec<Lowered>, Error> {
    global(call, Reduction::Max)
}

fn global(mut call: Call, kind: Reduction) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[])?;
    let mut shape = call.shape(0)?;
    if shape.len() < 3 {
        return Err(call.shape_error(format!("input {shape:?} has no spatial axes")));
    }
    let axes: Vec<usize> = (2..shape.len()).collect();
    for &axis in &axes {
        shape[axis] = 1;
    }
    let x = call.operand(0)?;
    let out = call.step(Primitive::Reduce(kind, axes), vec![x], shape);
    call.finish(out)
}
