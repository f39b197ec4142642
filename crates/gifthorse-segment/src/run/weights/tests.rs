use crate::kernels::convolutions::naive;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::run::passes::Gradients;
use crate::testing::{difference, numbers};
use crate::{
    Binding, Clamp, Graph, MapShape, Operation, Order, Parameter, Plan, Value, Weights, Window,
};

const CHANNELS: usize = 18;
const CLASSES: usize = 5;

/// `relu(conv3x3(x))`, then `relu(depthwise(a) + conv1x1(a))`, then a fully connected layer on the
/// whole map.
struct Net {
    layers: [ConvSpec; 4],
    values: Vec<Vec<f32>>,
}

/// What goes with the net's output.
struct Expected {
    output: Vec<f32>,
    input: Vec<f32>,
    parameters: Vec<Vec<f32>>,
}

impl Net {
    fn new() -> Self {
        let window = |kernel: [usize; 2], pad| Window {
            kernel,
            stride: [1, 1],
            dilation: [1, 1],
            pads: [(pad, pad); 2],
        };
        let layer = |map, outputs, window, groups| {
            naive::convolution(map, outputs, window, groups).unwrap()
        };
        let inner = [6, 5, CHANNELS];
        let layers = [
            layer([6, 5, 3], CHANNELS, window([3, 3], 1), 1),
            layer(inner, CHANNELS, window([3, 3], 1), CHANNELS),
            layer(inner, CHANNELS, window([1, 1], 0), 1),
            layer(inner, CLASSES, window([6, 5], 0), 1),
        ];
        let mut values = Vec::new();
        for (at, layer) in layers.iter().enumerate() {
            let mut weight = numbers(layer.weight_length(), 10 + at as u64);
            weight.iter_mut().for_each(|w| *w *= 0.3);
            values.push(weight);
            values.push(numbers(layer.output.channels, 20 + at as u64));
        }
        Self { layers, values }
    }

    /// The values of a layer's weight and bias; the third layer has no bias.
    fn layer(&self, at: usize) -> (&[f32], Option<&[f32]>) {
        let bias = (at != 2).then_some(&self.values[2 * at + 1][..]);
        (&self.values[2 * at], bias)
    }

    /// The net as a graph, its weights frozen or parameters, each followed by its bias.
    fn graph(&self, frozen: bool) -> Graph {
        let mut graph = Graph::new();
        let parameters: Vec<Parameter> = match frozen {
            true => Vec::new(),
            false => {
                let values = self.values.iter();
                values.map(|v| graph.parameter(v.len())).collect()
            }
        };
        let conv = |graph: &mut Graph, at: usize, from: Value| {
            let layer = &self.layers[at];
            let (weight, bias) = self.layer(at);
            let weights = match frozen {
                true => Weights::Fixed { weight, bias },
                false => Weights::Trained {
                    weight: parameters[2 * at],
                    bias: bias.map(|_| parameters[2 * at + 1]),
                },
            };
            let operation = Operation::Convolution {
                weights,
                outputs: layer.output.channels,
                window: layer.window,
                groups: layer.groups,
            };
            graph.add("conv", operation, &[from]).unwrap()
        };
        let relu = |graph: &mut Graph, x| {
            let operation = Operation::Clamp(Clamp::Relu);
            graph.add("relu", operation, &[x]).unwrap()
        };
        let x = graph.input(self.layers[0].input, Order::ChannelsLast);
        let a = conv(&mut graph, 0, x);
        let a = relu(&mut graph, a);
        let (b, c) = (conv(&mut graph, 1, a), conv(&mut graph, 2, a));
        let sum = graph.add("sum", Operation::Sum, &[b, c]).unwrap();
        let sum = relu(&mut graph, sum);
        let y = conv(&mut graph, 3, sum);
        graph.output(y, Order::ChannelsLast);
        graph
    }

    fn bindings(&self, gradient: impl Fn(usize) -> bool) -> Vec<Binding<'_>> {
        let values = self.values.iter().enumerate();
        values
            .map(|(at, values)| Binding {
                values,
                gradient: gradient(at),
            })
            .collect()
    }

    /// By the definition of each layer.
    fn expected(&self, samples: usize, x: &[f32], cotangent: &[f32]) -> Expected {
        let forward = |at: usize, x: &[f32]| {
            let (weight, bias) = self.layer(at);
            naive::forward(&self.layers[at], samples, weight, bias, x)
        };
        let backward = |at: usize, gradient: &[f32]| {
            naive::backward(&self.layers[at], samples, self.layer(at).0, gradient)
        };
        let relu = |x: Vec<f32>| x.into_iter().map(|v| v.max(0.0)).collect::<Vec<_>>();
        let mask = |gradient: Vec<f32>, value: &[f32]| {
            let pairs = gradient.into_iter().zip(value);
            pairs
                .map(|(g, v)| if *v > 0.0 { g } else { 0.0 })
                .collect::<Vec<_>>()
        };
        let sum = |a: Vec<f32>, b: Vec<f32>| a.iter().zip(b).map(|(a, b)| a + b).collect();

        let a = relu(forward(0, x));
        let b = relu(sum(forward(1, &a), forward(2, &a)));
        let to_b = mask(backward(3, cotangent), &b);
        let to_a = mask(sum(backward(1, &to_b), backward(2, &to_b)), &a);
        let ends = [(x, &to_a[..]), (&a, &to_b), (&a, &to_b), (&b, cotangent)];
        let parameters = ends
            .iter()
            .zip(&self.layers)
            .flat_map(|((x, gradient), layer)| {
                let (weight, bias) = naive::to_weight(layer, samples, x, gradient);
                [weight, bias]
            });
        Expected {
            output: forward(3, &b),
            input: backward(0, &to_a),
            parameters: parameters.collect(),
        }
    }
}

fn run(plan: &Plan, samples: usize, x: &[f32], cotangent: &[f32]) -> (Vec<f32>, Gradients) {
    let (mut outputs, saved) = plan.forward_saving(samples, &[x]);
    let gradients = plan.backward(saved, &[Some(cotangent)]);
    (outputs.remove(0), gradients)
}

fn data(net: &Net, samples: usize) -> (Vec<f32>, Vec<f32>) {
    (
        numbers(samples * net.layers[0].input.elements(), 1),
        numbers(samples * CLASSES, 2),
    )
}

#[test]
fn gradients_are_those_of_the_definition() {
    let net = Net::new();
    let plan = Plan::new(&net.graph(false));
    for samples in [1, 7] {
        let (x, cotangent) = data(&net, samples);
        let expected = net.expected(samples, &x, &cotangent);
        let bound = plan.bind(&net.bindings(|_| true), &[true]);
        let (output, gradients) = run(&bound, samples, &x, &cotangent);
        assert_eq!(difference(&expected.output, &output, 1e-5), None);
        let input = gradients.inputs[0].as_ref().unwrap();
        assert_eq!(difference(&expected.input, input, 1e-5), None);
        for (at, (wanted, given)) in expected
            .parameters
            .iter()
            .zip(&gradients.parameters)
            .enumerate()
        {
            // No stage reads the bias that the third layer does not have.
            let given = given.as_ref().filter(|_| at != 5);
            assert_eq!(given.is_some(), at != 5);
            let difference = given.and_then(|given| difference(wanted, given, 1e-5));
            assert_eq!(difference, None, "parameter {at}, {samples} samples");
        }
    }
}

#[test]
fn a_bound_plan_computes_what_a_frozen_one_does() {
    let net = Net::new();
    let (x, cotangent) = data(&net, 3);
    let frozen = run(&Plan::new(&net.graph(true)), 3, &x, &cotangent);
    let plan = Plan::new(&net.graph(false));
    // Bound to something else before.
    let other = Net {
        values: net.values.iter().map(|v| vec![0.5; v.len()]).collect(),
        ..Net::new()
    };
    let other = plan.bind(&other.bindings(|_| true), &[true]);
    let bound = other.bind(&net.bindings(|_| false), &[true]);
    let (output, gradients) = run(&bound, 3, &x, &cotangent);
    assert_eq!(output, frozen.0);
    assert_eq!(gradients.inputs, frozen.1.inputs);
    assert!(gradients.parameters.iter().all(Option::is_none));
    assert_ne!(run(&other, 3, &x, &cotangent).0, output);
}

#[test]
fn only_what_is_asked_for_is_computed() {
    let net = Net::new();
    let plan = Plan::new(&net.graph(false));
    let (x, cotangent) = data(&net, 5);
    let all = run(
        &plan.bind(&net.bindings(|_| true), &[true]),
        5,
        &x,
        &cotangent,
    );
    for asked in [vec![0], vec![1], vec![2, 7], vec![4], vec![6]] {
        let bound = plan.bind(&net.bindings(|at| asked.contains(&at)), &[false]);
        let (output, gradients) = run(&bound, 5, &x, &cotangent);
        assert_eq!(output, all.0);
        assert_eq!(gradients.inputs, [None]);
        for (at, (given, full)) in gradients
            .parameters
            .iter()
            .zip(&all.1.parameters)
            .enumerate()
        {
            let wanted = if asked.contains(&at) { full } else { &None };
            assert_eq!(given, wanted, "parameter {at} of {asked:?}");
        }
    }
    // The last layer's gradient needs no step backwards.
    let last = plan.bind(&net.bindings(|at| at >= 6), &[false]);
    assert!(last.backward.steps.is_empty());
    let none = plan.bind(&net.bindings(|_| false), &[false]);
    assert!(none.backward.weights.is_empty() && none.kept.iter().all(|kept| !kept));
}

#[test]
fn gradients_do_not_depend_on_the_number_of_threads() {
    let net = Net::new();
    let plan = Plan::new(&net.graph(false));
    let (x, cotangent) = data(&net, 13);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let bound = plan.bind(&net.bindings(|_| true), &[true]);
            run(&bound, 13, &x, &cotangent)
        })
    };
    let one = on(1);
    assert_eq!(on(2), one);
    assert_eq!(on(5), one);
}

#[test]
fn a_parameter_that_is_read_twice_gets_the_sum() {
    let shape = MapShape {
        height: 2,
        width: 3,
        channels: 4,
    };
    let mut graph = Graph::new();
    let matrix = graph.parameter(16);
    let conv = Operation::Convolution {
        weights: Weights::Trained {
            weight: matrix,
            bias: None,
        },
        outputs: 4,
        window: Window {
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [(0, 0); 2],
        },
        groups: 1,
    };
    let x = graph.input(shape, Order::ChannelsLast);
    let first = graph.add("first", conv.clone(), &[x]).unwrap();
    let second = graph.add("second", conv, &[first]).unwrap();
    graph.output(second, Order::ChannelsLast);
    // Twice the identity, so that both layers have the same gradient, sums of products of x and the
    // cotangent, doubled.
    let values: Vec<f32> = (0..16)
        .map(|i| if i % 5 == 0 { 2.0 } else { 0.0 })
        .collect();
    let binding = Binding {
        values: &values,
        gradient: true,
    };
    let plan = Plan::new(&graph).bind(&[binding], &[false]);
    let (x, cotangent) = (numbers(48, 1), numbers(48, 2));
    let (_, gradients) = run(&plan, 2, &x, &cotangent);
    let mut wanted = vec![0.0; 16];
    for (x, cotangent) in x.chunks_exact(4).zip(cotangent.chunks_exact(4)) {
        for i in 0..16 {
            wanted[i] += 4.0 * x[i % 4] * cotangent[i / 4];
        }
    }
    let given = gradients.parameters[0].as_ref().unwrap();
    assert_eq!(difference(&wanted, given, 1e-5), None);
}

#[test]
fn parameters_of_other_lengths_are_refused() {
    let net = Net::new();
    let mut graph = Graph::new();
    let (weight, bias) = (graph.parameter(9 * 3 * CHANNELS), graph.parameter(CHANNELS));
    let layer = &net.layers[0];
    let x = graph.input(layer.input, Order::ChannelsLast);
    let mut add = |weight, bias| {
        let operation = Operation::Convolution {
            weights: Weights::Trained { weight, bias },
            outputs: CHANNELS,
            window: layer.window,
            groups: 1,
        };
        graph.add("conv", operation, &[x])
    };
    assert!(add(weight, Some(bias)).is_some());
    assert!(add(bias, None).is_none());
    assert!(add(weight, Some(weight)).is_none());
}
