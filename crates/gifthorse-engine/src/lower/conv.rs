//! Convolutions: geometry from attributes, one spatial axis treated as two.

use crate::error::Error;
use crate::lower::context::{Call, Lowered};
use crate::program::{Operand, Primitive, Window};

/// The attributes that say where windows lie.
pub const GEOMETRY: [&str; 6] = [
    "auto_pad",
    "dilations",
    "group",
    "kernel_shape",
    "pads",
    "strides",
];

/// Spatial attributes of a convolution or pool, for one or two spatial axes; with one,
/// an axis of length one stands before it.
pub struct Geometry {
    pub window: Window,
    pub spatial: usize,
}

/// Reads `kernel_shape` (or takes `kernel`), `strides`, `dilations`, `pads` and `auto_pad`.
pub fn geometry(call: &Call, input: &[usize], kernel: Option<&[usize]>) -> Result<Geometry, Error> {
    let spatial = input.len().saturating_sub(2);
    if !(1..=2).contains(&spatial) {
        return Err(call.shape_error(format!("{spatial} spatial axes; one or two are supported")));
    }
    let read = |name: &str, default: usize| -> Result<[usize; 2], Error> {
        let mut values = [default; 2];
        if let Some(ints) = call.node.ints_opt(name)? {
            if ints.len() != spatial || ints.iter().any(|&v| !(1..=1 << 16).contains(&v)) {
                return Err(call.unsupported(name, format!("{ints:?} for {spatial} axes")));
            }
            for (slot, &v) in values[2 - spatial..].iter_mut().zip(ints) {
                *slot = v as usize;
            }
        }
        Ok(values)
    };
    let stated = read("kernel_shape", 1)?;
    let kernel = match kernel {
        None => stated,
        Some(kernel) => {
            if kernel.contains(&0) {
                return Err(call.shape_error("a kernel without taps"));
            }
            let mut actual = [1; 2];
            actual[2 - spatial..].copy_from_slice(kernel);
            if call.node.ints_opt("kernel_shape")?.is_some() && actual != stated {
                return Err(
                    call.shape_error(format!("kernel_shape {stated:?}, weights {actual:?}"))
                );
            }
            actual
        }
    };
    let mut window = Window {
        kernel,
        stride: read("strides", 1)?,
        dilation: read("dilations", 1)?,
        pads: [(0, 0); 2],
    };
    let sizes = spatial_sizes(input);
    match call.node.string_or("auto_pad", "NOTSET")? {
        "NOTSET" => {
            if let Some(pads) = call.node.ints_opt("pads")? {
                if pads.len() != 2 * spatial || pads.iter().any(|&p| !(0..=1 << 16).contains(&p)) {
                    return Err(call.unsupported("pads", format!("{pads:?}")));
                }
                for i in 0..spatial {
                    let pair = (pads[i] as usize, pads[i + spatial] as usize);
                    window.pads[2 - spatial + i] = pair;
                }
            }
        }
        "VALID" => {}
        same @ ("SAME_UPPER" | "SAME_LOWER") => {
            for (i, &size) in sizes.iter().enumerate() {
                let outputs = size.div_ceil(window.stride[i]);
                let span = (window.kernel[i] - 1) * window.dilation[i] + 1;
                let total = ((outputs.max(1) - 1) * window.stride[i] + span).saturating_sub(size);
                let (small, large) = (total / 2, total - total / 2);
                window.pads[i] = if same == "SAME_UPPER" {
                    (small, large)
                } else {
                    (large, small)
                };
            }
        }
        other => return Err(call.unsupported("auto_pad", format!("`{other}`"))),
    }
    Ok(Geometry { window, spatial })
}

/// Height and width; one spatial axis is a width.
pub fn spatial_sizes(input: &[usize]) -> [usize; 2] {
    match input {
        [_, _, height, width] => [*height, *width],
        [_, _, width] => [1, *width],
        _ => [1, 1],
    }
}

/// Number of windows that fit on each axis.
pub fn output_sizes(call: &Call, window: &Window, sizes: [usize; 2]) -> Result<[usize; 2], Error> {
    let mut outputs = [0; 2];
    for i in 0..2 {
        let padded = sizes[i] + window.pads[i].0 + window.pads[i].1;
        let span = (window.kernel[i] - 1) * window.dilation[i] + 1;
        if padded < span {
            let reason = format!("a window of {span} does not fit into {padded} entries");
            return Err(call.shape_error(reason));
        }
        outputs[i] = (padded - span) / window.stride[i] + 1;
    }
    Ok(outputs)
}

/// The result's shape with as many spatial axes as the input had.
pub fn with_spatial(
    batch: usize,
    channels: usize,
    sizes: [usize; 2],
    spatial: usize,
) -> Vec<usize> {
    let mut shape = vec![batch, channels];
    shape.extend(&sizes[2 - spatial..]);
    shape
}

/// `Conv`.
pub fn conv(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&GEOMETRY)?;
    let (input, weight) = (call.shape(0)?, call.shape(1)?);
    let (x, w) = (call.operand(0)?, call.operand(1)?);
    let bias = bias(&mut call)?;
    let (out, _) = convolved(&mut call, (x, &input), (w, &weight), bias)?;
    call.finish(out)
}

/// The third input, if there is one.
fn bias(call: &mut Call) -> Result<Option<Operand>, Error> {
    call.has(2).then(|| call.operand(2)).transpose()
}

/// The convolution of a value by a weight, each with its shape, and the shape of the result.
pub fn convolved(
    call: &mut Call,
    (x, input): (Operand, &[usize]),
    (w, weight): (Operand, &[usize]),
    bias: Option<Operand>,
) -> Result<(Operand, Vec<usize>), Error> {
    if weight.len() != input.len() {
        return Err(call.shape_error(format!("input {input:?}, weight {weight:?}")));
    }
    let Geometry { window, spatial } = geometry(call, input, Some(&weight[2..]))?;
    let groups = groups(call)?;
    if weight[1] * groups != input[1] || !weight[0].is_multiple_of(groups) {
        let reason = format!("input {input:?}, weight {weight:?}, {groups} groups");
        return Err(call.shape_error(reason));
    }
    let sizes = output_sizes(call, &window, spatial_sizes(input))?;
    let shape = with_spatial(input[0], weight[0], sizes, spatial);
    let primitive = Primitive::Conv { window, groups };
    let out = convolve(call, primitive, (x, input), (w, weight), bias, &shape)?;
    Ok((out, shape))
}

/// `ConvTranspose`: pads as given, or what is left over where the result's size is given.
pub fn conv_transpose(mut call: Call) -> Result<Vec<Lowered>, Error> {
    call.only_attributes(&[&GEOMETRY[..], &["output_padding", "output_shape"]].concat())?;
    let (input, weight) = (call.shape(0)?, call.shape(1)?);
    if weight.len() != input.len() || weight.first() != input.get(1) {
        return Err(call.shape_error(format!("input {input:?}, weight {weight:?}")));
    }
    let Geometry {
        mut window,
        spatial,
    } = geometry(&call, &input, Some(&weight[2..]))?;
    let mut output_padding = [0; 2];
    if let Some(extra) = call.node.ints_opt("output_padding")? {
        if extra.len() != spatial || extra.iter().any(|&e| !(0..1 << 16).contains(&e)) {
            return Err(call.unsupported("output_padding", format!("{extra:?}")));
        }
        for (slot, &e) in output_padding[2 - spatial..].iter_mut().zip(extra) {
            *slot = e as usize;
        }
    }
    let groups = groups(&call)?;
    if !weight[0].is_multiple_of(groups) {
        let reason = format!("weight {weight:?} in {groups} groups");
        return Err(call.shape_error(reason));
    }
    let inputs = spatial_sizes(&input);
    let wanted = wanted_sizes(&call, &window, inputs, spatial)?;
    let upper = call.node.string_or("auto_pad", "NOTSET")? == "SAME_UPPER";
    let mut sizes = [0; 2];
    for i in 0..2 {
        let span = (window.kernel[i] - 1) * window.dilation[i] + 1;
        let mut full = (inputs[i] - 1) * window.stride[i] + span + output_padding[i];
        if let Some(wanted) = wanted {
            // What no tap reaches is at the end.
            output_padding[i] += wanted[i].saturating_sub(full);
            full = full.max(wanted[i]);
            let cut = full - wanted[i];
            let (small, large) = (cut / 2, cut - cut / 2);
            window.pads[i] = if upper {
                (small, large)
            } else {
                (large, small)
            };
        }
        let cut = window.pads[i].0 + window.pads[i].1;
        sizes[i] = full.checked_sub(cut).filter(|&s| s > 0).ok_or_else(|| {
            call.shape_error(format!("pads {cut} leave nothing of {full} entries"))
        })?;
    }
    let shape = with_spatial(input[0], weight[1] * groups, sizes, spatial);
    let primitive = Primitive::ConvTranspose {
        window,
        output_padding,
        groups,
    };
    let (x, w) = (call.operand(0)?, call.operand(1)?);
    let bias = bias(&mut call)?;
    let out = convolve(
        &mut call,
        primitive,
        (x, &input),
        (w, &weight),
        bias,
        &shape,
    )?;
    call.finish(out)
}

/// The sizes that `output_shape` states or that `auto_pad` asks for, if one does.
fn wanted_sizes(
    call: &Call,
    window: &Window,
    inputs: [usize; 2],
    spatial: usize,
) -> Result<Option<[usize; 2]>, Error> {
    if let Some(stated) = call.node.ints_opt("output_shape")? {
        // Some exporters write batch and channels too.
        let stated = &stated[stated.len().saturating_sub(spatial)..];
        if stated.len() != spatial || stated.iter().any(|&s| !(1..=1 << 24).contains(&s)) {
            return Err(call.unsupported("output_shape", format!("{stated:?}")));
        }
        let mut sizes = [1; 2];
        for (slot, &s) in sizes[2 - spatial..].iter_mut().zip(stated) {
            *slot = s as usize;
        }
        return Ok(Some(sizes));
    }
    let same = call
        .node
        .string_or("auto_pad", "NOTSET")?
        .starts_with("SAME");
    Ok(same.then(|| [0, 1].map(|i| inputs[i] * window.stride[i])))
}

fn groups(call: &Call) -> Result<usize, Error> {
    let groups = call.node.int_or("group", 1)?;
    usize::try_from(groups)
        .ok()
        .filter(|&g| g > 0)
        .ok_or_else(|| call.unsupported("group", format!("{groups}")))
}

/// Adds the step, with an axis of length one put in and taken out for one-dimensional inputs.
fn convolve(
    call: &mut Call,
    primitive: Primitive,
    (x, input): (Operand, &[usize]),
    (w, weight): (Operand, &[usize]),
    bias: Option<Operand>,
    shape: &[usize],
) -> Result<Operand, Error> {
    let square = |shape: &[usize]| match shape {
        [n, c, width] => vec![*n, *c, 1, *width],
        _ => shape.to_vec(),
    };
    let x = call.reshape(x, input, &square(input));
    let w = call.reshape(w, weight, &square(weight));
    let mut operands = vec![x, w];
    if let Some(bias) = bias {
        let given = call.context.shape_of(bias);
        if given != [shape[1]] {
            return Err(call.shape_error(format!("bias {given:?} for {} outputs", shape[1])));
        }
        operands.push(bias);
    }
    let wide = square(shape);
    let out = call.step(primitive, operands, wide.clone());
    Ok(call.reshape(out, &wide, shape))
}
