//! Random small graphs.

use proptest::prelude::*;

use crate::kernels::elementwise::binary::{Arithmetic, Extent, Operand};
use crate::kernels::elementwise::pointwise::Function;
use crate::kernels::parameter::{Parameter, Weights};
use crate::kernels::pools::global_pool::Global;
use crate::kernels::rearrange::Origin;
use crate::kernels::window::Window;
use crate::lanes::finish::Clamp;
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::plan::graph::{Graph, Value};
use crate::plan::operation::Operation;
use crate::testing::numbers;

/// One node to be: what, from which values, and numbers that it makes its constants of.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    what: u8,
    operands: [usize; 2],
    detail: usize,
}

/// A graph to be, and what it is run on.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    inputs: Vec<(MapShape, bool)>,
    choices: Vec<Choice>,
    outputs: Vec<(usize, bool)>,
    pub(super) samples: usize,
    /// For each output, whether there is a cotangent.
    pub(super) given: Vec<bool>,
}

pub(super) fn any_recipe() -> impl Strategy<Value = Recipe> {
    let channels = prop_oneof![
        Just(1usize),
        Just(3),
        Just(5),
        Just(8),
        Just(16),
        Just(17),
        Just(32),
        Just(35)
    ];
    let shape = (1usize..8, 1usize..8, channels).prop_map(|(height, width, channels)| MapShape {
        height,
        width,
        channels,
    });
    let choice = (0u8..KINDS, any::<[u16; 2]>(), any::<u16>());
    let choice = choice.prop_map(|(what, operands, detail)| Choice {
        what,
        operands: operands.map(usize::from),
        detail: usize::from(detail),
    });
    (
        proptest::collection::vec((shape, any::<bool>()), 1..4),
        proptest::collection::vec(choice, 0..14),
        proptest::collection::vec((0usize..1 << 16, any::<bool>()), 1..5),
        prop_oneof![1usize..5, 1usize..71],
        proptest::collection::vec(proptest::bool::weighted(0.8), 4),
    )
        .prop_map(|(inputs, choices, outputs, samples, given)| Recipe {
            inputs,
            choices,
            outputs,
            samples,
            given,
        })
}

impl Recipe {
    /// The graph. Choices that do not fit what is there are left out.
    pub(super) fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        let order = |first: bool| match first {
            true => Order::ChannelsFirst,
            false => Order::ChannelsLast,
        };
        let inputs = self.inputs.iter();
        let inputs = inputs.map(|&(shape, first)| graph.input(shape, order(first)));
        let mut values: Vec<Value> = inputs.collect();
        for choice in &self.choices {
            values.extend(choice.add(&mut graph, &values));
        }
        for &(pick, first) in &self.outputs {
            // Late values mostly, so that most of the graph matters.
            let late = values.len().min(3);
            let at = match pick % 4 {
                0 => pick / 4 % values.len(),
                _ => values.len() - 1 - pick / 4 % late,
            };
            graph.output(values[at], order(first));
        }
        graph
    }
}

const KINDS: u8 = 28;

/// Kernel, stride, dilation and pads from one number.
fn window(detail: usize) -> Window {
    let digit = |place: u32, base: usize| detail / 3usize.pow(place) % base;
    Window {
        kernel: [1 + digit(0, 3), 1 + digit(1, 3)],
        stride: [1 + digit(2, 3), 1 + digit(3, 2)],
        dilation: [1 + digit(4, 2), 1 + digit(5, 2)],
        pads: [(digit(1, 2), digit(2, 3)), (digit(3, 3), digit(0, 2))],
    }
}

/// A divisor of `channels`.
fn divisor(channels: usize, detail: usize) -> usize {
    let divisors: Vec<usize> = (1..=channels)
        .filter(|d| channels.is_multiple_of(*d))
        .collect();
    divisors[detail % divisors.len()]
}

/// Weights that keep the size of numbers about as it is.
fn weights(count: usize, terms: usize, detail: usize) -> Vec<f32> {
    let scale = 1.5 / (terms as f32).sqrt();
    let numbers = numbers(count, detail as u64 + 3);
    numbers.into_iter().map(|x| x * scale).collect()
}

impl Choice {
    /// Adds the node, or nodes.
    fn add(&self, graph: &mut Graph, values: &[Value]) -> Option<Value> {
        let detail = self.detail;
        let pick = |number: usize, values: &[Value]| match number % 3 {
            // Neighbours in the list make chains, as networks are.
            0 => values[number / 3 % values.len()],
            _ => values[values.len() - 1 - number / 3 % values.len().min(2)],
        };
        let a = pick(self.operands[0], values);
        let shape = graph.shape(a);
        let alike: Vec<Value> = values
            .iter()
            .copied()
            .filter(|&value| graph.shape(value) == shape)
            .collect();
        let b = alike[self.operands[1] % alike.len()];
        let outputs = [1, 3, 8, 16, 17, 33][detail % 6];
        match self.what {
            0 => convolution(graph, a, outputs, window(detail), 1, detail),
            1 | 2 => {
                let same = Window {
                    kernel: [3, 3],
                    stride: [1, 1],
                    dilation: [1, 1],
                    pads: [(1, 1), (1, 1)],
                };
                // As many channels as there are, for residual sums.
                convolution(graph, a, shape.channels, same, 1, detail)
            }
            3 => {
                let groups = divisor(shape.channels, detail);
                let outputs = groups * (1 + detail % 3);
                convolution(graph, a, outputs, window(detail), groups, detail)
            }
            4 => convolution(
                graph,
                a,
                shape.channels,
                window(detail),
                shape.channels,
                detail,
            ),
            5 => transposed(graph, a, detail),
            6 => {
                // A window without entries gives a number so small that sums of it overflow.
                let window = window(detail);
                let fits = |i: usize| {
                    let (before, after) = window.pads[i];
                    (
                        before.min(window.kernel[i] - 1),
                        after.min(window.kernel[i] - 1),
                    )
                };
                let window = Window {
                    dilation: [1, 1],
                    pads: [fits(0), fits(1)],
                    ..window
                };
                graph.add("max", Operation::MaxPool(window), &[a])
            }
            7 => {
                let window = window(detail);
                let [height, width] = window.outputs([shape.height, shape.width])?;
                let factors = weights(height * width, 1, detail);
                let factors = detail.is_multiple_of(2).then_some(&factors[..]);
                graph.add("average", Operation::AveragePool(window, factors), &[a])
            }
            8 => {
                let kind = [Global::Sum, Global::Mean, Global::Max][detail % 3];
                graph.add("global", Operation::GlobalPool(kind), &[a])
            }
            9 => {
                let operation = Operation::Affine {
                    scale: &weights(shape.channels, 1, detail),
                    offset: &weights(shape.channels, 1, detail + 1),
                };
                graph.add("affine", operation, &[a])
            }
            10 => {
                let function = [
                    Function::Tanh,
                    Function::Sigmoid,
                    Function::LeakyRelu(0.1),
                    Function::Abs,
                    Function::Neg,
                    Function::Softplus,
                    Function::MulScalar(0.5),
                ][detail % 7];
                graph.add("function", Operation::Function(function), &[a])
            }
            11 | 12 => binary(graph, a, b, values, self.operands[1], detail),
            13..=15 => graph.add("sum", Operation::Sum, &[a, b]),
            16 | 17 => graph.add("relu", Operation::Clamp(Clamp::Relu), &[a]),
            18 => {
                let clip = Clamp::Clip {
                    min: -0.5,
                    max: 0.75,
                };
                graph.add("clip", Operation::Clamp(clip), &[a])
            }
            19 => rearrange(graph, a, pick(self.operands[1], values), detail),
            20 => {
                let operation = [Operation::Softmax, Operation::LogSoftmax][detail % 2].clone();
                graph.add("softmax", operation, &[a])
            }
            21 => {
                let bias = weights(shape.channels, 1, detail + 1);
                let operation = Operation::LayerNorm {
                    epsilon: 0.1,
                    scale: &weights(shape.channels, 1, detail),
                    bias: detail.is_multiple_of(2).then_some(&bias[..]),
                };
                graph.add("norm", operation, &[a])
            }
            22 => {
                let bounded = graph.add("tanh", Operation::Function(Function::Tanh), &[a])?;
                let operation = Operation::MatrixProduct { transposed: true };
                let product = graph.add("product", operation, &[bounded, b])?;
                let softened = Operation::Function(Function::MulScalar(0.2));
                graph.add("softened", softened, &[product])
            }
            23 | 24 => {
                let operation = Operation::BatchNorm {
                    epsilon: 0.1,
                    scale: parameter(graph, shape.channels, detail),
                    bias: parameter(graph, shape.channels, detail / 3),
                    tag: values.len(),
                };
                graph.add("batch norm", operation, &[a])
            }
            25 => {
                let operation = Operation::Dropout {
                    ratio: 0.3,
                    site: values.len(),
                    order: [Order::ChannelsFirst, Order::ChannelsLast][detail % 2],
                };
                graph.add("dropout", operation, &[a])
            }
            26 => {
                let (window, groups) = (window(detail), divisor(shape.channels, detail));
                let outputs = groups * (1 + detail % 3);
                let [height, width] = window.kernel;
                let length = outputs * shape.channels / groups * height * width;
                let weight = parameter(graph, length, detail);
                let bias = (!detail.is_multiple_of(3)).then(|| parameter(graph, outputs, detail));
                let operation = Operation::Convolution {
                    weights: Weights::Trained { weight, bias },
                    outputs,
                    window,
                    groups,
                };
                graph.add("trained", operation, &[a])
            }
            _ => {
                let height = divisor(shape.pixels(), detail);
                let shape = MapShape {
                    height,
                    width: shape.pixels() / height,
                    ..shape
                };
                graph.recast(a, shape)
            }
        }
    }
}

/// A parameter of so many numbers: at times one that something else reads already.
fn parameter(graph: &mut Graph, length: usize, detail: usize) -> Parameter {
    let there = graph.parameters.iter().position(|&other| other == length);
    match there.filter(|_| detail.is_multiple_of(2)) {
        Some(at) => Parameter(at),
        None => graph.parameter(length),
    }
}

fn convolution(
    graph: &mut Graph,
    a: Value,
    outputs: usize,
    window: Window,
    groups: usize,
    detail: usize,
) -> Option<Value> {
    let each = graph.shape(a).channels / groups * window.kernel[0] * window.kernel[1];
    let bias = weights(outputs, 4, detail + 1);
    let operation = Operation::Convolution {
        weights: Weights::Fixed {
            weight: &weights(outputs * each, each, detail),
            bias: (!detail.is_multiple_of(3)).then_some(&bias[..]),
        },
        outputs,
        window,
        groups,
    };
    graph.add("convolution", operation, &[a])
}

fn transposed(graph: &mut Graph, a: Value, detail: usize) -> Option<Value> {
    let (shape, window) = (graph.shape(a), window(detail));
    let groups = divisor(shape.channels, detail / 5);
    let channels = groups * (1 + detail % 3);
    let size = |i: usize, inputs: usize| {
        let span = (window.kernel[i] - 1) * window.dilation[i] + 1;
        let full = (inputs - 1) * window.stride[i] + span + detail % window.stride[i];
        full.checked_sub(window.pads[i].0 + window.pads[i].1)
            .filter(|&size| size > 0)
    };
    let output = MapShape {
        height: size(0, shape.height)?,
        width: size(1, shape.width)?,
        channels,
    };
    let each = channels / groups * window.kernel[0] * window.kernel[1];
    let operation = Operation::ConvolutionTransposed {
        weights: Weights::Fixed {
            weight: &weights(shape.channels * each, each, detail),
            bias: None,
        },
        output,
        window,
        groups,
    };
    graph.add("transposed", operation, &[a])
}

fn binary(
    graph: &mut Graph,
    a: Value,
    b: Value,
    values: &[Value],
    pick: usize,
    detail: usize,
) -> Option<Value> {
    let shape = graph.shape(a);
    let function = [
        Arithmetic::Add,
        Arithmetic::Sub,
        Arithmetic::Mul,
        Arithmetic::Max,
        Arithmetic::Min,
    ][detail % 5];
    let one_pixel: Vec<Value> = values
        .iter()
        .copied()
        .filter(|&value| graph.shape(value) == MapShape::vector(shape.channels))
        .collect();
    let (mut operands, mut inputs) = match (detail / 5 % 4, one_pixel.len()) {
        (0, _) => {
            let values = weights(shape.channels, 1, detail);
            let constant = Operand::Constant(Extent::CHANNELS, values);
            ([Operand::Value(Extent::ALL), constant], vec![a])
        }
        (1, _) => {
            let constant = Operand::Constant(Extent::ALL, weights(shape.elements(), 1, detail));
            ([Operand::Value(Extent::ALL), constant], vec![a])
        }
        (2, 1..) => {
            let vector = one_pixel[pick % one_pixel.len()];
            let sides = [Extent::ALL, Extent::CHANNELS].map(Operand::Value);
            (sides, vec![a, vector])
        }
        _ => ([Extent::ALL; 2].map(Operand::Value), vec![a, b]),
    };
    if detail.is_multiple_of(2) {
        operands.reverse();
        inputs.reverse();
    }
    let operation = Operation::Binary {
        shape,
        function,
        operands: &operands,
    };
    graph.add("binary", operation, &inputs)
}

/// Elements of one or two values, in another order, some of them repeated, some left out, and some
/// constants.
fn rearrange(graph: &mut Graph, a: Value, b: Value, detail: usize) -> Option<Value> {
    let inputs = match detail % 3 {
        0 => vec![a],
        _ => vec![a, b],
    };
    let elements: Vec<usize> = inputs.iter().map(|&v| graph.shape(v).elements()).collect();
    let output = MapShape {
        height: 1 + detail / 3 % 4,
        width: 1 + detail / 12 % 4,
        channels: [2, 16, 19, 32][detail / 48 % 4],
    };
    let origin = |at: usize| {
        let input = at / 16 % inputs.len();
        let element = match detail / 200 % 3 {
            0 => at % elements[input],
            1 => at * 7919 % elements[input],
            _ => (output.elements() - 1 - at) % elements[input],
        };
        match at / 16 % 5 {
            4 => Origin::Constant(0.25),
            _ => Origin::Input { input, element },
        }
    };
    let origins: Vec<Origin> = (0..output.elements()).map(origin).collect();
    let operation = Operation::Rearrange {
        output,
        origins: &origins,
    };
    graph.add("rearrange", operation, &inputs)
}
