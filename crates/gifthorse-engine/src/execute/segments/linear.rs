//! Convolutions and matrix products. What follows one of them and multiplies or shifts each channel
//! by a constant — a batch norm, a bias — goes into its weights.

use gifthorse_segment::{MapShape, Operation, Order, Value, Weights, Window};

use super::constants::plain;
use super::elementwise::{Affine, affine};
use super::held::{Held, row_major};
use super::trained;
use super::translate::Translator;
use crate::program::{Operand, Primitive, Step, ValueId};

/// A window of one pixel.
const POINT: Window = Window {
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    pads: [(0, 0); 2],
};

/// Adds a convolution or matrix product, and the steps that can be folded into it.
pub fn add(t: &mut Translator<'_>, at: usize) -> Option<()> {
    let program = t.program;
    let step = &program.steps[at];
    match &step.primitive {
        Primitive::Conv { .. } if step.inputs[1..].iter().any(|i| t.is_weight(i)) => {
            trained::convolution(t, step)?;
        }
        Primitive::Conv { window, groups } => {
            let (input, map) = t.planar(&step.inputs[0])?;
            let (weight, shape) = plain(program, step, 1)?;
            let outputs = *shape.first()?;
            if map.channels == 0 || outputs == 0 || *groups == 0 {
                return None;
            }
            let bias = optional(t, step, 2)?;
            let mut scaled = Scaled::new(weight, bias, outputs);
            let last = fold(t, at, 1, outputs, |affine| scaled.fold(&affine))?;
            let (weight, bias) = scaled.rounded();
            let operation = Operation::Convolution {
                weights: Weights::Fixed {
                    weight: &weight,
                    bias: bias.as_deref(),
                },
                outputs,
                window: *window,
                groups: *groups,
            };
            let held = t.first(step, operation, &[input])?;
            t.held.insert(program.steps[last].output, held);
        }
        Primitive::ConvTranspose { window, groups, .. } => {
            let (input, _) = t.planar(&step.inputs[0])?;
            let (weight, _) = plain(program, step, 1)?;
            let bias = optional(t, step, 2)?;
            let [1, channels, height, width] = <[usize; 4]>::try_from(t.dims(step.output)?).ok()?
            else {
                return None;
            };
            let output = MapShape {
                height,
                width,
                channels,
            };
            if output.elements() == 0 {
                return None;
            }
            let operation = Operation::ConvolutionTransposed {
                weights: Weights::Fixed {
                    weight: &weight,
                    bias: bias.as_deref(),
                },
                output,
                window: *window,
                groups: *groups,
            };
            let held = t.first(step, operation, &[input])?;
            t.held.insert(step.output, held);
        }
        _ => matrix(t, at)?,
    }
    Some(())
}

/// `None` where the operand is there but no constant.
fn optional(t: &Translator<'_>, step: &Step, operand: usize) -> Option<Option<Vec<f32>>> {
    match step.inputs.get(operand) {
        None => Some(None),
        Some(_) => Some(Some(plain(t.program, step, operand)?.0)),
    }
}

/// Takes the steps after step `at` that change each channel (an axis of the result) by constants,
/// and gives each to `take`; says which step is the last.
pub fn fold(
    t: &mut Translator<'_>,
    at: usize,
    axis: usize,
    channels: usize,
    mut take: impl FnMut(Affine),
) -> Option<usize> {
    let mut last = at;
    loop {
        let output = t.program.steps[last].output;
        let readers = t.readers.get(&output).map_or(&[][..], Vec::as_slice);
        let [next] = *readers else { break };
        if t.wanted.contains(&output) {
            break;
        }
        let Some(change) = affine(t, next, output, axis, channels) else {
            break;
        };
        take(change);
        t.done.insert(next);
        last = next;
    }
    Some(last)
}

/// A weight and what is folded into it, rounded once at the end.
struct Scaled {
    /// The first axis is that of the outputs.
    weight: Vec<f32>,
    outputs: usize,
    /// For each output.
    scale: Option<Vec<f64>>,
    bias: Option<Vec<f64>>,
}

impl Scaled {
    fn new(weight: Vec<f32>, bias: Option<Vec<f32>>, outputs: usize) -> Self {
        Self {
            weight,
            outputs,
            scale: None,
            bias: bias.map(|bias| bias.into_iter().map(f64::from).collect()),
        }
    }

    /// Makes `scale (W x + b) + offset` of `W x + b`.
    fn fold(&mut self, affine: &Affine) {
        let all = self.scale.get_or_insert_with(|| vec![1.0; self.outputs]);
        all.iter_mut()
            .zip(&affine.scale)
            .for_each(|(all, scale)| *all *= scale);
        let bias = self.bias.get_or_insert_with(|| vec![0.0; self.outputs]);
        let change = affine.scale.iter().zip(&affine.offset);
        for (b, (scale, offset)) in bias.iter_mut().zip(change) {
            *b = *b * scale + offset;
        }
    }

    fn rounded(self) -> (Vec<f32>, Option<Vec<f32>>) {
        let mut weight = self.weight;
        if let Some(scale) = self.scale {
            let each = weight.len() / self.outputs;
            for (row, scale) in weight.chunks_exact_mut(each.max(1)).zip(scale) {
                row.iter_mut()
                    .for_each(|w| *w = (f64::from(*w) * scale) as f32);
            }
        }
        let narrow = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        (weight, self.bias.map(narrow))
    }
}

/// A product with a matrix on the right, as a convolution: of one pixel, or, after a flatten, of
/// the whole map.
pub struct Matrix {
    pub input: Value,
    pub window: Window,
    /// The row of the matrix for each channel and, within it, each pixel of the window.
    pub rows: Vec<usize>,
    pub outputs: usize,
}

impl Matrix {
    /// The product of a value with a matrix of this shape.
    pub fn new(t: &mut Translator<'_>, left: ValueId, shape: &[usize]) -> Option<Self> {
        let &[depth, outputs] = shape else {
            return None;
        };
        let dims = t.dims(left)?;
        if dims.last() != Some(&depth) || dims.contains(&0) || outputs == 0 {
            return None;
        }
        let held = t.operand(&Operand::Value(left))?;
        let map = t.graph.shape(held.value);
        if dims.iter().product::<usize>() != depth {
            return Some(Self {
                input: held.rows(&mut t.graph, depth)?,
                window: POINT,
                rows: (0..depth).collect(),
                outputs,
            });
        }
        let window = Window {
            kernel: [map.height, map.width],
            ..POINT
        };
        let pixels = map.pixels();
        let place = |at: usize| {
            let (channel, pixel) = (at / pixels, at % pixels);
            row_major(map, held.order, pixel * map.channels + channel)
        };
        Some(Self {
            input: held.value,
            window,
            rows: (0..depth).map(place).collect(),
            outputs,
        })
    }
}

/// A matrix product.
fn matrix(t: &mut Translator<'_>, at: usize) -> Option<()> {
    let program = t.program;
    let step = &program.steps[at];
    let Operand::Value(left) = step.inputs[0] else {
        return None;
    };
    if t.is_weight(&step.inputs[1]) {
        return trained::matrix(t, at, left);
    }
    if let Operand::Value(right) = step.inputs[1] {
        return product(t, at, left, right);
    }
    let (values, shape) = plain(program, step, 1)?;
    if trained::bias(t, at, *shape.last()?).is_some() {
        return trained::matrix(t, at, left);
    }
    let matrix = Matrix::new(t, left, &shape)?;
    let outputs = matrix.outputs;
    let columns = (0..outputs).flat_map(|output| {
        let rows = matrix.rows.iter();
        rows.map(move |row| row * outputs + output)
    });
    let weight: Vec<f32> = columns.map(|at| values[at]).collect();
    drop(values);
    let axis = t.dims(step.output)?.len() - 1;
    let mut scaled = Scaled::new(weight, None, outputs);
    let last = fold(t, at, axis, outputs, |affine| scaled.fold(&affine))?;
    let (weight, bias) = scaled.rounded();
    let operation = Operation::Convolution {
        weights: Weights::Fixed {
            weight: &weight,
            bias: bias.as_deref(),
        },
        outputs,
        window: matrix.window,
        groups: 1,
    };
    let held = t.last(step, operation, &[matrix.input])?;
    t.held.insert(program.steps[last].output, held);
    Some(())
}

/// A product of two values, as in attention.
fn product(t: &mut Translator<'_>, at: usize, left: ValueId, right: ValueId) -> Option<()> {
    let step = &t.program.steps[at];
    let (a, b) = (t.dims(left)?, t.dims(right)?);
    let map = |dims: &[usize]| {
        let (batch, matrix) = dims.split_at_checked(dims.len().checked_sub(2)?)?;
        Some(MapShape {
            height: batch.iter().product(),
            width: matrix[0],
            channels: matrix[1],
        })
    };
    if a.len() != b.len() || a[..a.len() - 2] != b[..b.len() - 2] {
        return None;
    }
    let (a, b) = (map(&a)?, map(&b)?);
    let first = t.operand(&step.inputs[0])?;
    let second = t.operand(&step.inputs[1])?;
    let first = first.form(&mut t.graph, a, Order::ChannelsLast)?;
    let transposed = MapShape {
        width: b.channels,
        channels: b.width,
        ..b
    };
    // A factor that is held with its rows as channels is read as it lies.
    let (second, is_transposed) = match second {
        Held {
            value,
            order: Order::ChannelsFirst,
        } if b.height == 1 && t.graph.shape(value).channels == b.width => {
            (t.graph.recast(value, transposed)?, true)
        }
        held => (held.form(&mut t.graph, b, Order::ChannelsLast)?, false),
    };
    let operation = Operation::MatrixProduct {
        transposed: is_transposed,
    };
    let held = t.last(step, operation, &[first, second])?;
    t.held.insert(step.output, held);
    Some(())
}
