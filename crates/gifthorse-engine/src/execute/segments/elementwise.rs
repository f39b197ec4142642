//! Functions of one and of two numbers.

use gifthorse_segment::{
    Arithmetic, Clamp, Extent, Function, MapShape, Operand as Side, Operation, Order, Value,
};

use super::constants::{Constant, plain};
use super::held::{Element, Held, MOST_REARRANGED, rearrange, row_major};
use super::linear::fold;
use super::moves::{Indices, number};
use super::translate::Translator;
use crate::program::{Binary, Operand, Primitive, Step, Unary, ValueId};

/// `scale x + offset`, channel by channel; in f64, so that several of them put together round but
/// once.
pub struct Affine {
    pub scale: Vec<f64>,
    pub offset: Vec<f64>,
}

impl Affine {
    /// This one first, then another.
    fn then(&mut self, next: &Self) {
        let own = self.scale.iter_mut().zip(&mut self.offset);
        for ((scale, offset), (s, o)) in own.zip(next.scale.iter().zip(&next.offset)) {
            *scale *= s;
            *offset = *offset * s + o;
        }
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// What a step makes of a value, if that is an affine function of each channel, `axis` of its
/// samples' shape.
pub fn affine(
    t: &Translator<'_>,
    at: usize,
    of: ValueId,
    axis: usize,
    channels: usize,
) -> Option<Affine> {
    let step = &t.program.steps[at];
    match &step.primitive {
        Primitive::BatchNorm { epsilon } if axis == 1 && step.inputs[0] == Operand::Value(of) => {
            let part = |operand| Some(wide(&plain(t.program, step, operand)?.0));
            let (scale, bias, mean, variance) = (part(1)?, part(2)?, part(3)?, part(4)?);
            let scale = scale.iter().zip(&variance);
            let scale: Vec<f64> = scale
                .map(|(s, v)| s / (v + f64::from(*epsilon)).sqrt())
                .collect();
            let offset = bias.iter().zip(mean.iter().zip(&scale));
            let offset = offset.map(|(b, (m, s))| b - m * s).collect();
            Some(Affine { scale, offset })
        }
        Primitive::Binary(function) => {
            let batch = t.axes[of.0]?;
            let rank = t.shapes.get(&of)?.len();
            if step.shape.len() != rank || t.dims(step.output)? != t.dims(of)? {
                return None;
            }
            let own = step.inputs.iter().position(|i| *i == Operand::Value(of))?;
            let other = step.inputs.get(1 - own)?;
            let constant = Constant::of(t.program, other, batch, rank, t.samples)?;
            let c = wide(&constant.along(axis, channels)?);
            let ones = vec![1.0; channels];
            let zeros = vec![0.0; channels];
            let negative = |values: &[f64]| values.iter().map(|v| -v).collect::<Vec<f64>>();
            let (scale, offset) = match (function, own) {
                (Binary::Add, _) => (ones, c),
                (Binary::Sub, 0) => (ones, negative(&c)),
                (Binary::Sub, _) => (negative(&ones), c),
                (Binary::Mul, _) => (c, zeros),
                (Binary::Div, 0) => (c.iter().map(|v| 1.0 / v).collect(), zeros),
                _ => return None,
            };
            Some(Affine { scale, offset })
        }
        _ => None,
    }
}

/// Adds a step that works on each number by itself.
pub fn add(t: &mut Translator<'_>, at: usize) -> Option<()> {
    let step = &t.program.steps[at];
    let (last, held) = match &step.primitive {
        Primitive::BatchNorm { .. } | Primitive::Binary(_) => match channelwise(t, at) {
            Some(done) => done,
            None => (at, other(t, step)?),
        },
        _ => (at, other(t, step)?),
    };
    t.held.insert(t.program.steps[last].output, held);
    Some(())
}

/// Which axis of a value of this shape and form holds its map's channels, if one does.
pub fn channel_axis(t: &Translator<'_>, held: Held, dims: &[usize]) -> Option<usize> {
    let map = t.graph.shape(held.value);
    let axis = match held.order {
        Order::ChannelsLast => dims.len().checked_sub(1)?,
        Order::ChannelsFirst => dims.iter().take(1).take_while(|&&n| n == 1).count(),
    };
    (dims.get(axis) == Some(&map.channels)).then_some(axis)
}

/// A step that changes each channel by constants, with those that follow it; says which step is the
/// last.
fn channelwise(t: &mut Translator<'_>, at: usize) -> Option<(usize, Held)> {
    let step = &t.program.steps[at];
    let id = step.inputs.iter().find_map(|input| match input {
        Operand::Value(id) => Some(*id),
        Operand::Param(_) => None,
    })?;
    let held = t.operand(&Operand::Value(id))?;
    let axis = channel_axis(t, held, &t.dims(id)?)?;
    let channels = t.graph.shape(held.value).channels;
    let mut change = affine(t, at, id, axis, channels)?;
    let last = fold(t, at, axis, channels, |next| change.then(&next))?;
    let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let operation = Operation::Affine {
        scale: &narrow(&change.scale),
        offset: &narrow(&change.offset),
    };
    let value = t.graph.add(&step.node, operation, &[held.value])?;
    Some((last, Held { value, ..held }))
}

fn other(t: &mut Translator<'_>, step: &Step) -> Option<Held> {
    match &step.primitive {
        Primitive::Unary(function) => {
            let held = t.operand(&step.inputs[0])?;
            let operation = match *function {
                Unary::Relu => Operation::Clamp(Clamp::Relu),
                Unary::Clip { min, max } => Operation::Clamp(Clamp::Clip { min, max }),
                other => Operation::Function(function_of(other)?),
            };
            let value = t.graph.add(&step.node, operation, &[held.value])?;
            Some(Held { value, ..held })
        }
        Primitive::Binary(function) => binary(t, step, *function),
        _ => None,
    }
}

fn function_of(function: Unary) -> Option<Function> {
    Some(match function {
        Unary::Neg => Function::Neg,
        Unary::Abs => Function::Abs,
        Unary::Exp => Function::Exp,
        Unary::Log => Function::Log,
        Unary::Sqrt => Function::Sqrt,
        Unary::Reciprocal => Function::Reciprocal,
        Unary::Tanh => Function::Tanh,
        Unary::Sin => Function::Sin,
        Unary::Cos => Function::Cos,
        Unary::Erf => Function::Erf,
        Unary::Sign => Function::Sign,
        Unary::Floor => Function::Floor,
        Unary::Ceil => Function::Ceil,
        Unary::Round => Function::Round,
        Unary::Sigmoid => Function::Sigmoid,
        Unary::LeakyRelu(slope) => Function::LeakyRelu(slope),
        Unary::Elu { alpha, gamma } => Function::Elu { alpha, gamma },
        Unary::Softplus => Function::Softplus,
        Unary::HardSigmoid { alpha, beta } => Function::HardSigmoid { alpha, beta },
        Unary::AddScalar(c) => Function::AddScalar(c),
        Unary::MulScalar(c) => Function::MulScalar(c),
        Unary::PowScalar(c) => Function::PowScalar(c),
        Unary::Not => Function::Not,
        Unary::Relu | Unary::Clip { .. } | Unary::RoundThrough => return None,
        Unary::Tan
        | Unary::Asin
        | Unary::Acos
        | Unary::Atan
        | Unary::Sinh
        | Unary::Cosh
        | Unary::Asinh
        | Unary::Acosh
        | Unary::Atanh => return None,
    })
}

fn arithmetic(function: Binary) -> Option<Arithmetic> {
    Some(match function {
        Binary::Add => Arithmetic::Add,
        Binary::Sub => Arithmetic::Sub,
        Binary::Mul => Arithmetic::Mul,
        Binary::Div => Arithmetic::Div,
        Binary::Pow => Arithmetic::Pow,
        Binary::Max => Arithmetic::Max,
        Binary::Min => Arithmetic::Min,
        _ => return None,
    })
}

fn binary(t: &mut Translator<'_>, step: &Step, function: Binary) -> Option<Held> {
    let function = arithmetic(function)?;
    match (step.inputs[0], step.inputs[1]) {
        (Operand::Value(a), Operand::Value(b)) => two_values(t, step, function, [a, b]),
        (Operand::Value(id), _) => with_constant(t, step, function, id, 0),
        (_, Operand::Value(id)) => with_constant(t, step, function, id, 1),
        _ => None,
    }
}

/// One operand is constant; `own` says which side the value is.
fn with_constant(
    t: &mut Translator<'_>,
    step: &Step,
    function: Arithmetic,
    id: ValueId,
    own: usize,
) -> Option<Held> {
    let dims = t.dims(step.output)?;
    let batch = t.axes[step.output.0]?;
    let other = &step.inputs[1 - own];
    let constant = Constant::of(t.program, other, batch, step.shape.len(), t.samples)?;
    let held = repeated(t, step, id, &dims)?;
    let map = t.graph.shape(held.value);
    let channel_axis = match held.order {
        Order::ChannelsLast => dims.len().checked_sub(1),
        Order::ChannelsFirst => dims.iter().position(|&n| n == map.channels && n != 1),
    };
    let lies_first = |axis: usize| {
        let before: usize = dims[..axis].iter().product();
        held.order == Order::ChannelsLast || before == 1
    };
    let channels = channel_axis
        .filter(|&axis| dims[axis] == map.channels && lies_first(axis))
        .and_then(|axis| constant.along(axis, map.channels));
    let side = match (&constant.values[..], channels) {
        ([value], _) => Side::Constant(Extent::NONE, vec![*value]),
        (_, Some(channels)) => Side::Constant(Extent::CHANNELS, channels),
        _ if map.elements() > MOST_REARRANGED => return None,
        _ => {
            let whole: Vec<f32> = Indices::of(&dims)
                .map(|index| constant.values[number(&constant.shape, &index)])
                .collect();
            let places = 0..map.elements();
            let whole = places.map(|at| whole[row_major(map, held.order, at)]);
            Side::Constant(Extent::ALL, whole.collect())
        }
    };
    let value = Side::Value(Extent::ALL);
    let sides = if own == 0 {
        [value, side]
    } else {
        [side, value]
    };
    let operation = Operation::Binary {
        shape: map,
        function,
        operands: &sides,
    };
    let value = t.graph.add(&step.node, operation, &[held.value])?;
    Some(Held { value, ..held })
}

fn two_values(
    t: &mut Translator<'_>,
    step: &Step,
    function: Arithmetic,
    [a, b]: [ValueId; 2],
) -> Option<Held> {
    let dims = t.dims(step.output)?;
    let full = |t: &Translator<'_>, id| t.dims(id).map(|own| aligned(&own, dims.len()) == dims);
    // The operand of the whole shape leads; the other follows its form.
    let (lead, other, swapped) = if full(t, a)? {
        (a, b, false)
    } else {
        (b, a, true)
    };
    let held = repeated(t, step, lead, &dims)?;
    let map = t.graph.shape(held.value);
    let (follower, extent) = follow(t, step, other, &dims, held, map)?;
    if function == Arithmetic::Add && extent == Extent::ALL {
        let value = t
            .graph
            .add(&step.node, Operation::Sum, &[held.value, follower])?;
        return Some(Held { value, ..held });
    }
    let mut sides = [Side::Value(Extent::ALL), Side::Value(extent)];
    let mut values = [held.value, follower];
    if swapped {
        sides.reverse();
        values.reverse();
    }
    let operation = Operation::Binary {
        shape: map,
        function,
        operands: &sides,
    };
    let value = t.graph.add(&step.node, operation, &values)?;
    Some(Held { value, ..held })
}

/// The second operand in the first one's form: as it is where it has one pixel, else repeated to
/// the whole shape.
fn follow(
    t: &mut Translator<'_>,
    step: &Step,
    id: ValueId,
    dims: &[usize],
    lead: Held,
    map: MapShape,
) -> Option<(Value, Extent)> {
    let own = aligned(&t.dims(id)?, dims.len());
    let elements: usize = own.iter().product();
    let one_pixel = match lead.order {
        Order::ChannelsFirst => dims.len() == 4 && dims[0] == 1 && own[1..] == [map.channels, 1, 1],
        Order::ChannelsLast => {
            own.last() == Some(&map.channels) && elements == map.channels && own != dims
        }
    };
    if one_pixel && map.pixels() > 1 {
        let held = t.operand(&Operand::Value(id))?;
        let vector = MapShape::vector(map.channels);
        let value = held.form(&mut t.graph, vector, Order::ChannelsLast)?;
        return Some((value, Extent::CHANNELS));
    }
    let held = repeated(t, step, id, dims)?;
    Some((held.form(&mut t.graph, map, lead.order)?, Extent::ALL))
}

/// A value repeated along axes of length one up to a shape.
fn repeated(t: &mut Translator<'_>, step: &Step, id: ValueId, dims: &[usize]) -> Option<Held> {
    let held = t.operand(&Operand::Value(id))?;
    let own = aligned(&t.dims(id)?, dims.len());
    if own == dims {
        return Some(held);
    }
    let (map, order) = match (held.order, dims) {
        (Order::ChannelsFirst, &[1, channels, height, width]) => {
            let map = MapShape {
                height,
                width,
                channels,
            };
            (map, Order::ChannelsFirst)
        }
        _ => {
            let channels = *dims.last()?;
            let map = MapShape {
                height: 1,
                width: dims.iter().product::<usize>().checked_div(channels)?,
                channels,
            };
            (map, Order::ChannelsLast)
        }
    };
    if map.elements() > MOST_REARRANGED {
        return None;
    }
    let table: Vec<usize> = Indices::of(dims)
        .map(|index| number(&own, &index))
        .collect();
    let elements = (0..map.elements()).map(|at| Element::Of(0, table[row_major(map, order, at)]));
    let value = rearrange(&mut t.graph, &step.node, &[held], elements, map)?;
    Some(Held { value, order })
}

/// A shape with axes of length one put in front.
fn aligned(shape: &[usize], rank: usize) -> Vec<usize> {
    let mut aligned = vec![1; rank.saturating_sub(shape.len())];
    aligned.extend(shape);
    aligned
}
