//! Steps of a program as nodes of a segment's graph.
//!
//! What cannot be translated is no error: it stays an ordinary step between segments.

use std::collections::{HashMap, HashSet};

use gifthorse_segment::{Global, Graph, MapShape, Operation, Order, Value};

use super::batch::BatchAxis;
use super::constants::{Constant, plain};
use super::held::{Element, Held, MOST_REARRANGED, rearrange, row_major};
use super::moves::table;
use super::trained::WeightSource;
use super::{elementwise, linear, trained};
use crate::program::{Operand, Primitive, Program, Reduction, Step, ValueId};

/// A segment that grows step by step.
pub struct Translator<'p> {
    pub program: &'p Program,
    /// Values that do not depend on the input.
    pub independent: &'p HashSet<ValueId>,
    /// Of each value, by number.
    pub axes: &'p [Option<BatchAxis>],
    pub samples: usize,
    /// The steps that read each value.
    pub readers: &'p HashMap<ValueId, Vec<usize>>,
    /// Values that somebody outside wants.
    pub wanted: &'p HashSet<ValueId>,
    pub shapes: &'p HashMap<ValueId, Vec<usize>>,
    pub graph: Graph,
    pub held: HashMap<ValueId, Held>,
    /// Values that come in, in order.
    pub inputs: Vec<ValueId>,
    /// What the graph's parameters are, in order.
    pub weights: Vec<WeightSource>,
    /// Steps that were done together with an earlier one.
    pub done: HashSet<usize>,
}

impl Translator<'_> {
    /// Adds a step; `None` if it has no kernel.
    pub fn add(&mut self, at: usize) -> Option<()> {
        let program = self.program;
        let step = &program.steps[at];
        // Nothing may be left behind by a step that turns out to have no kernel but nodes that
        // nobody reads, which the plan drops, and inputs, which therefore are only taken where the
        // step can be told apart by samples.
        self.axes[step.output.0]?;
        let held = match &step.primitive {
            Primitive::Conv { .. } | Primitive::ConvTranspose { .. } | Primitive::MatMul => {
                return linear::add(self, at);
            }
            Primitive::BatchNorm { .. } | Primitive::Unary(_) | Primitive::Binary(_) => {
                return elementwise::add(self, at);
            }
            Primitive::MaxPool(window) => {
                let (value, _) = self.planar(&step.inputs[0])?;
                let operation = Operation::MaxPool(*window);
                self.first(step, operation, &[value])?
            }
            Primitive::AvgPool(window) => {
                let (value, _) = self.planar(&step.inputs[0])?;
                let factors = match step.inputs.len() {
                    1 => None,
                    _ => Some(plain(program, step, 1)?.0),
                };
                let operation = Operation::AveragePool(*window, factors.as_deref());
                self.first(step, operation, &[value])?
            }
            Primitive::BatchNormOfBatch { epsilon, tag } => {
                trained::batch_norm(self, step, *epsilon, *tag)?
            }
            Primitive::Dropout { ratio, site } => {
                let held = self.operand(&step.inputs[0])?;
                let operation = Operation::Dropout {
                    ratio: *ratio,
                    site: *site,
                    order: held.order,
                };
                let value = self.graph.add(&step.node, operation, &[held.value])?;
                Held { value, ..held }
            }
            Primitive::Reduce(kind, axes) => self.reduce(step, *kind, axes)?,
            Primitive::Softmax(axis) => {
                let rows = self.rows_of_last(step, *axis)?;
                self.last(step, Operation::Softmax, &[rows])?
            }
            Primitive::LogSoftmax(axis) => {
                let rows = self.rows_of_last(step, *axis)?;
                self.last(step, Operation::LogSoftmax, &[rows])?
            }
            Primitive::LayerNorm { axis, epsilon } => {
                let rows = self.rows_of_last(step, *axis)?;
                let scale = of_rows(program, step, 1, *axis)?;
                let bias = match step.inputs.len() {
                    2 => None,
                    _ => Some(of_rows(program, step, 2, *axis)?),
                };
                let operation = Operation::LayerNorm {
                    epsilon: *epsilon,
                    scale: &scale,
                    bias: bias.as_deref(),
                };
                self.last(step, operation, &[rows])?
            }
            // The elements stay where they are; only their shape is another.
            Primitive::Reshape => self.operand(&step.inputs[0])?,
            Primitive::Permute(_)
            | Primitive::Expand
            | Primitive::Slice { .. }
            | Primitive::Select { .. }
            | Primitive::Concat(_)
            | Primitive::Pad { .. } => self.moved(step)?,
            Primitive::Where
            | Primitive::ArgMax(_)
            | Primitive::ArgSort { .. }
            | Primitive::GatherAlong(_)
            | Primitive::CumSum(_) => return None,
        };
        self.held.insert(step.output, held);
        Some(())
    }

    /// Shape of one sample of a value.
    pub fn dims(&self, id: ValueId) -> Option<Vec<usize>> {
        Some(self.axes[id.0]?.sample(self.shapes.get(&id)?))
    }

    /// A value operand, which becomes an input if it is from outside.
    pub fn operand(&mut self, operand: &Operand) -> Option<Held> {
        let Operand::Value(id) = *operand else {
            return None;
        };
        if let Some(&held) = self.held.get(&id) {
            return Some(held);
        }
        if self.independent.contains(&id) {
            return None;
        }
        self.axes[id.0].filter(BatchAxis::is_stacked)?;
        let (map, order) = usual_map(&self.dims(id)?);
        if map.elements() == 0 {
            return None;
        }
        let held = Held {
            value: self.graph.input(map, order),
            order,
        };
        self.held.insert(id, held);
        self.inputs.push(id);
        Some(held)
    }

    /// An operand `[1, channels, height, width]` as a map.
    pub fn planar(&mut self, operand: &Operand) -> Option<(Value, MapShape)> {
        let Operand::Value(id) = *operand else {
            return None;
        };
        let [1, channels, height, width] = <[usize; 4]>::try_from(self.dims(id)?).ok()? else {
            return None;
        };
        let map = MapShape {
            height,
            width,
            channels,
        };
        let held = self.operand(operand)?;
        Some((held.form(&mut self.graph, map, Order::ChannelsFirst)?, map))
    }

    /// The first operand as rows along its last axis, if the axes from `axis` on are of that length
    /// together.
    fn rows_of_last(&mut self, step: &Step, axis: usize) -> Option<Value> {
        let Operand::Value(id) = step.inputs[0] else {
            return None;
        };
        let length = self.dims(id)?.get(axis..)?.iter().product();
        let last = matches!(step.primitive, Primitive::LayerNorm { .. })
            || axis + 1 == self.dims(id)?.len();
        if !last {
            return None;
        }
        let held = self.operand(&step.inputs[0])?;
        held.rows(&mut self.graph, length)
    }

    /// Adds a node whose result is a map with channels as the first of three axes.
    pub fn first(
        &mut self,
        step: &Step,
        operation: Operation<'_>,
        inputs: &[Value],
    ) -> Option<Held> {
        let value = self.graph.add(&step.node, operation, inputs)?;
        let order = Order::ChannelsFirst;
        Some(Held { value, order })
    }

    /// Adds a node whose result has channels as its last axis.
    pub fn last(
        &mut self,
        step: &Step,
        operation: Operation<'_>,
        inputs: &[Value],
    ) -> Option<Held> {
        let value = self.graph.add(&step.node, operation, inputs)?;
        let order = Order::ChannelsLast;
        Some(Held { value, order })
    }

    /// A reduction of all pixels.
    fn reduce(&mut self, step: &Step, kind: Reduction, axes: &[usize]) -> Option<Held> {
        let Operand::Value(id) = step.inputs[0] else {
            return None;
        };
        let kind = match kind {
            Reduction::Sum => Global::Sum,
            Reduction::Mean => Global::Mean,
            Reduction::Max => Global::Max,
            Reduction::Min | Reduction::Prod => return None,
        };
        let dims = self.dims(id)?;
        let kept = |axis: &usize| !axes.contains(axis) && dims[*axis] != 1;
        let kept: Vec<usize> = (0..dims.len()).filter(kept).collect();
        let held = self.operand(&step.inputs[0])?;
        let pixels = |from: usize, to: usize| dims[from..to].iter().product::<usize>();
        let value = match kept[..] {
            // Channels first, pixels after them, or the other way round.
            [channel] if pixels(0, channel) == 1 => {
                // Rows stay rows: of equal largest entries, the gradient goes to the first of the
                // leftmost column.
                let map = MapShape {
                    height: dims.get(channel + 1).copied().unwrap_or(1),
                    width: pixels((channel + 2).min(dims.len()), dims.len()),
                    channels: dims[channel],
                };
                held.form(&mut self.graph, map, Order::ChannelsFirst)?
            }
            [channel] if channel + 1 == dims.len() => held.rows(&mut self.graph, dims[channel])?,
            _ => return None,
        };
        self.last(step, Operation::GlobalPool(kind), &[value])
    }

    /// A shape operator.
    fn moved(&mut self, step: &Step) -> Option<Held> {
        let result = self.dims(step.output)?;
        let (mut parts, mut shapes, mut constants) = (Vec::new(), Vec::new(), Vec::new());
        // For each operand, its number among the parts or among the constants.
        let mut numbers = Vec::new();
        for input in &step.inputs {
            match *input {
                Operand::Value(id) => {
                    numbers.push(parts.len());
                    parts.push(self.operand(input)?);
                    shapes.push(self.dims(id)?);
                }
                Operand::Param(_) => {
                    let (batch, rank) = (self.axes[step.output.0]?, step.shape.len());
                    let constant = Constant::of(self.program, input, batch, rank, self.samples)?;
                    numbers.push(constants.len());
                    shapes.push(constant.shape);
                    constants.push(constant.values);
                }
            }
        }
        let first = *parts.first()?;
        let from = self.graph.shape(first.value);
        // A permutation that only turns channels first into channels last, or back.
        if let Primitive::Permute(axes) = &step.primitive {
            let kept: Vec<usize> = axes
                .iter()
                .copied()
                .filter(|&a| shapes[0][a] != 1)
                .collect();
            let mut sorted = kept.clone();
            sorted.sort_unstable();
            if kept == sorted {
                return Some(first);
            }
            let split = sorted.iter().position(|axis| Some(axis) == kept.first());
            let rotated = split.is_some_and(|split| {
                let (before, after) = sorted.split_at(split);
                kept == [after, before].concat()
            });
            let product = |axes: &[usize]| axes.iter().map(|&a| shapes[0][a]).product::<usize>();
            if rotated {
                let before = product(&sorted[..split.unwrap_or(0)]);
                let flips = match first.order {
                    Order::ChannelsFirst => (before == from.channels, Order::ChannelsLast),
                    Order::ChannelsLast => (before == from.pixels(), Order::ChannelsFirst),
                };
                if let (true, order) = flips {
                    return Some(Held { order, ..first });
                }
            }
        }
        let padding = match step.primitive {
            Primitive::Pad { value, .. } => value,
            _ => 0.0,
        };
        if result.iter().product::<usize>() > MOST_REARRANGED {
            return None;
        }
        let table = table(&step.primitive, &shapes, &result)?;
        let (map, order) = match (first.order, &result[..]) {
            (Order::ChannelsFirst, [.., height, width])
                if [*height, *width] == [from.height, from.width] || result.len() == 4 =>
            {
                let map = MapShape {
                    height: *height,
                    width: *width,
                    channels: result[..result.len() - 2].iter().product(),
                };
                (map, Order::ChannelsFirst)
            }
            _ => {
                let channels = *result.last()?;
                let width = result.iter().product::<usize>().checked_div(channels)?;
                let map = MapShape {
                    height: 1,
                    width,
                    channels,
                };
                (map, Order::ChannelsLast)
            }
        };
        let elements = (0..map.elements()).map(|at| match table[row_major(map, order, at)] {
            None => Element::Constant(padding),
            Some((operand, index)) => match step.inputs[operand] {
                Operand::Value(_) => Element::Of(numbers[operand], index),
                Operand::Param(_) => Element::Constant(constants[numbers[operand]][index]),
            },
        });
        let value = rearrange(&mut self.graph, &step.node, &parts, elements, map)?;
        Some(Held { value, order })
    }
}

/// A constant operand that is the same along all axes before `axis`. (The channels of an instance
/// norm are before it, and may be as many as a row has entries.)
fn of_rows(program: &Program, step: &Step, operand: usize, axis: usize) -> Option<Vec<f32>> {
    let (values, shape) = plain(program, step, operand)?;
    let rows = step.shape.len().checked_sub(axis)?;
    let before = &shape[..shape.len().saturating_sub(rows)];
    before.iter().all(|&length| length == 1).then_some(values)
}

/// The map that a value from outside becomes.
fn usual_map(dims: &[usize]) -> (MapShape, Order) {
    match *dims {
        [1, channels, height, width] => {
            let map = MapShape {
                height,
                width,
                channels,
            };
            (map, Order::ChannelsFirst)
        }
        _ => {
            let channels = dims.last().copied().unwrap_or(1);
            let elements: usize = dims.iter().product();
            let map = MapShape {
                height: 1,
                width: elements.checked_div(channels).unwrap_or(0),
                channels,
            };
            (map, Order::ChannelsLast)
        }
    }
}
