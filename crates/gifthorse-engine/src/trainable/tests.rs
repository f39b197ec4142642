use burn_tensor::Tensor;
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

use super::*;
use crate::execute::compiled::PlanPart;
use crate::execute::edit::Edits;
use crate::program::Program;

mod speed;
mod training;

const BATCH: usize = 5;
const INPUT: [usize; 3] = [4, 8, 6];

/// Numbers that look random, in -1..1.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let number = |i: usize| ((i + 97 * seed) as f64 * 0.754_877_666).fract() * 2.0 - 1.0;
    (0..count).map(|i| number(i * i + i) as f32).collect()
}

/// A network in the making.
struct Net {
    graph: GraphBuilder,
    last: String,
    nodes: usize,
    weights: Vec<String>,
}

impl Net {
    fn new() -> Self {
        let mut graph = GraphBuilder::new("net", 17);
        graph.input("x", ElementType::F32, &dims(&INPUT));
        Self {
            graph,
            last: "x".to_owned(),
            nodes: 0,
            weights: Vec::new(),
        }
    }

    fn weight(&mut self, shape: &[usize], scale: f32) -> String {
        let name = format!("weight{}", self.weights.len());
        let count = shape.iter().product();
        let mut values = numbers(count, self.weights.len() + 1);
        values.iter_mut().for_each(|w| *w *= scale);
        self.graph.initializer(&name, shape, values);
        self.weights.push(name.clone());
        name
    }

    fn node<const N: usize>(
        &mut self,
        op_type: &str,
        others: &[&str],
        attributes: [(&str, Attribute); N],
    ) -> String {
        let mut inputs = vec![self.last.as_str()];
        inputs.extend(others);
        let output = format!("value{}", self.nodes);
        self.graph
            .node(op_type, &output, &inputs, &[&output], attributes);
        self.nodes += 1;
        self.last.clone_from(&output);
        output
    }

    /// A 3x3 convolution.
    fn conv(&mut self, channels: [usize; 2], groups: usize, stride: i64, bias: bool) -> String {
        let [from, to] = channels;
        let weight = self.weight(&[to, from / groups, 3, 3], 0.3);
        let bias = bias.then(|| self.weight(&[to], 0.5));
        let mut others = vec![weight.as_str()];
        others.extend(bias.as_deref());
        let attributes = [
            ("pads", [1, 1, 1, 1].into()),
            ("strides", [stride, stride].into()),
            ("group", (groups as i64).into()),
        ];
        self.node("Conv", &others, attributes)
    }

    fn graph(mut self, classes: usize) -> (Arc<Graph>, Vec<String>) {
        let last = self.last.clone();
        self.graph
            .node("Identity", "logits", &[&last], &["logits"], []);
        self.graph
            .output("logits", ElementType::F32, &dims(&[classes]));
        let model = self.graph.finish().unwrap();
        (Arc::new(model.graph().unwrap()), self.weights)
    }
}

fn dims(shape: &[usize]) -> Vec<Dim> {
    let sizes = shape.iter().copied().map(Dim::Fixed);
    std::iter::once(Dim::Named("n".to_owned()))
        .chain(sizes)
        .collect()
}

/// Convolutions of all kinds with a residual branch, batch normalisation and pooling.
fn convolutional() -> (Arc<Graph>, Vec<String>) {
    let mut net = Net::new();
    net.conv([4, 20], 1, 1, true);
    let start = net.node("Relu", &[], []);
    net.conv([20, 20], 20, 1, false);
    let other = net.node("Relu", &[], []);
    net.last = start;
    net.conv([20, 20], 2, 1, true);
    net.node("Add", &[&other], []);
    let parts = [0, 1, 2, 3].map(|i| {
        let name = format!("norm{i}");
        let values = numbers(20, i).iter().map(|v| 1.5 + v).collect::<Vec<_>>();
        net.graph.initializer(&name, &[20], values);
        name
    });
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    net.node("BatchNormalization", &parts, []);
    net.node(
        "MaxPool",
        &[],
        [("kernel_shape", [2, 2].into()), ("strides", [2, 2].into())],
    );
    net.conv([20, 9], 1, 2, false);
    net.node("Sigmoid", &[], []);
    net.node("GlobalAveragePool", &[], []);
    net.node("Flatten", &[], []);
    let (weight, bias) = (net.weight(&[3, 9], 1.0), net.weight(&[3], 1.0));
    net.node("Gemm", &[&weight, &bias], [("transB", 1.into())]);
    net.graph(3)
}

/// Fully connected layers in all ways of writing them.
fn linear() -> (Arc<Graph>, Vec<String>) {
    let mut net = Net::new();
    net.conv([4, 5], 1, 1, true);
    net.node("Flatten", &[], []);
    let (weight, bias) = (net.weight(&[12, 240], 0.1), net.weight(&[12], 0.5));
    net.node("Gemm", &[&weight, &bias], [("transB", 1.into())]);
    net.node("Relu", &[], []);
    let (weight, bias) = (net.weight(&[12, 10], 0.3), net.weight(&[1, 10], 0.5));
    net.node(
        "Gemm",
        &[&weight, &bias],
        [("alpha", 0.5.into()), ("beta", 2.0.into())],
    );
    net.node("Tanh", &[], []);
    let (weight, bias) = (net.weight(&[10, 4], 0.5), net.weight(&[4], 0.5));
    net.node("MatMul", &[&weight], []);
    net.node("Add", &[&bias], []);
    net.graph(4)
}

/// Rows of tokens, with a branch around them and a normalisation.
fn tokens() -> (Arc<Graph>, Vec<String>) {
    let mut net = Net::new();
    net.graph
        .initializer_i64("shape", &[3], [BATCH as i64, 4, 48]);
    net.node("Reshape", &["shape"], []);
    let (weight, bias) = (net.weight(&[48, 8], 0.2), net.weight(&[8], 0.5));
    net.node("MatMul", &[&weight], []);
    let start = net.node("Add", &[&bias], []);
    let scale = net.weight(&[8], 1.0);
    net.node("Mul", &[&scale], []);
    let weight = net.weight(&[8, 8], 0.3);
    net.node("MatMul", &[&weight], []);
    net.node("Relu", &[], []);
    net.node("Add", &[&start], []);
    let (scale, bias) = (net.weight(&[8], 1.0), net.weight(&[8], 0.5));
    net.node("LayerNormalization", &[&scale, &bias], []);
    net.node("Flatten", &[], []);
    let weight = net.weight(&[32, 3], 0.4);
    net.node("MatMul", &[&weight], []);
    net.graph(3)
}

/// Logits, and the gradients of their weighted sum to the input and to each parameter.
fn run(compiled: &Compiled) -> Vec<Vec<f32>> {
    let params = compiled.trained();
    let values: Vec<Vec<f32>> = params.map(|p| p.value.get().unwrap().into_vec()).collect();
    run_at(compiled, &values)
}

/// As `run`, with other values of the parameters.
fn run_at(compiled: &Compiled, values: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let device = Device::flex();
    let leaf = |values: Vec<f32>| {
        let count = values.len();
        let tensor: Tensor<1> = Array::from_vec(values, &[count], &device).into_tensor();
        tensor.autodiff().require_grad()
    };
    let leaves: Vec<Tensor<1>> = values.iter().map(|values| leaf(values.clone())).collect();
    let shaped = leaves.iter().zip(compiled.trained());
    let given: Vec<Array> = shaped
        .map(|(leaf, p)| Array::from_tensor(leaf.clone()).reshape(p.value.shape()))
        .collect();
    let shape = &compiled.program().input_shape;
    let input = leaf(numbers(shape.iter().product(), 50));
    let images = Array::from_tensor(input.clone()).reshape(shape);
    let (logits, ..) = compiled
        .run_seeded(images, &given, &[], &Edits::new(), 7)
        .unwrap();
    let shape = logits.shape();
    let weights = Array::from_vec(numbers(shape.iter().product(), 60), &shape, &device);
    let loss: Tensor<2> = logits.clone().mul(weights).into_tensor();
    let mut gradients = loss.sum().backward();
    let mut results = vec![logits.into_vec()];
    for leaf in std::iter::once(input).chain(leaves) {
        let gradient = leaf.grad_remove(&mut gradients).unwrap();
        results.push(Array::from_tensor(gradient).into_vec());
    }
    results
}

fn lowered(graph: &Graph, trained: &[String]) -> Program {
    lowered_for(graph, trained, BATCH, &INPUT, &Mode::Inference)
}

fn lowered_for(
    graph: &Graph,
    trained: &[String],
    batch: usize,
    input: &[usize],
    mode: &Mode,
) -> Program {
    let opening = Opening::default();
    let image = ImageInput::find(graph, &opening).unwrap();
    let ends = Ends::uncut(graph, image, &opening).unwrap();
    let target = Target {
        ends: &ends,
        mode,
        batch,
        input,
        device: Device::flex(),
    };
    let mut program = lower(graph, &target, &mut HashMap::new()).unwrap();
    for param in &mut program.params {
        param.trained = trained.contains(&param.name);
    }
    program
}

#[test]
fn a_loss_on_taps_has_the_slope_that_differences_have() {
    let device = Device::flex();
    let (graph, weights) = convolutional();
    let program = lowered(&graph, &weights);
    let mut names: Vec<String> = program.names.keys().cloned().collect();
    names.sort_unstable();
    let taps = [
        names[names.len() / 3].clone(),
        names[2 * names.len() / 3].clone(),
    ];
    let opening = Opening::default();
    let asked = (&weights[..], &taps[..]);
    let mode = Mode::Inference;
    let tapped = Trainable::tapped(&graph, &opening, BATCH, &INPUT, asked, &mode, &device);
    let tapped = tapped.unwrap();
    let plain = Trainable::new(&graph, BATCH, &INPUT, &weights, &mode, &device).unwrap();
    let parameters = plain.parameters().unwrap();
    let images = || {
        let shape = [&[BATCH][..], &INPUT].concat();
        Array::from_vec(numbers(shape.iter().product(), 50), &shape, &device)
    };
    // The sum of the squares of the taps and of the logits.
    let loss = |parameters: &[Array]| {
        let made = tapped.forward(images(), parameters, 0).unwrap();
        assert_eq!(made.features.len(), 2);
        let squares = made.features.into_iter().chain([made.logits]).map(|value| {
            let count: usize = value.shape().iter().product();
            let flat: Tensor<1> = value.reshape(&[count]).into_tensor();
            flat.clone().mul(flat).sum()
        });
        squares.reduce(|sum, square| sum + square).unwrap()
    };
    let same = tapped.forward(images(), &values(&parameters), 0).unwrap();
    let logits = plain.forward(images(), &values(&parameters), 0).unwrap();
    let pairs = same.logits.into_vec();
    for (one, other) in pairs.iter().zip(logits.logits.into_vec()) {
        assert!((one - other).abs() < 1e-4, "{one} {other}");
    }
    let leaves: Vec<Tensor<1>> = parameters
        .iter()
        .map(|(_, value)| {
            let count = value.shape().iter().product();
            let flat: Tensor<1> = value.clone().reshape(&[count]).into_tensor();
            flat.autodiff().require_grad()
        })
        .collect();
    let shaped = leaves.iter().zip(&parameters);
    let shaped: Vec<Array> = shaped
        .map(|(leaf, (_, value))| Array::from_tensor(leaf.clone()).reshape(&value.shape()))
        .collect();
    let mut tape = loss(&shaped).backward();
    for (at, leaf) in leaves.iter().enumerate() {
        let slope = Array::from_tensor(leaf.grad_remove(&mut tape).unwrap()).into_vec();
        // Along the slope itself the loss rises by the slope's square, per step.
        let square: f32 = slope.iter().map(|s| s * s).sum();
        let step = 1e-3 / square.sqrt().max(1e-6);
        let moved = |by: f32| {
            let mut given = values(&parameters);
            let shape = given[at].shape();
            let start = given[at].clone().into_vec();
            let there: Vec<f32> = start.iter().zip(&slope).map(|(v, s)| v + by * s).collect();
            given[at] = Array::from_vec(there, &shape, &device);
            Array::from_tensor(loss(&given)).into_vec()[0]
        };
        let rise = (moved(step) - moved(-step)) / (2.0 * step);
        let wrong = (rise - square).abs() / square.max(1e-3);
        assert!(wrong < 0.05, "weight {at}: {rise} instead of {square}");
    }
}

/// A bias is added at every place, so that its gradient is the sum of those to the tap behind it.
#[test]
fn the_gradient_to_a_tap_is_the_one_that_a_bias_there_has() {
    let device = Device::flex();
    let (graph, weights) = convolutional();
    let opening = Opening::default();
    // What the first convolution gives, whose bias is the second weight.
    let asked = (&weights[..], &["value0".to_owned()][..]);
    let mode = Mode::Inference;
    let tapped = Trainable::tapped(&graph, &opening, BATCH, &INPUT, asked, &mode, &device);
    let shape = [&[BATCH][..], &INPUT].concat();
    let images = || Array::from_vec(numbers(shape.iter().product(), 50), &shape, &device);
    let tapped = tapped.unwrap();
    let parameters = values(&tapped.parameters().unwrap());
    let refused = tapped.forward_from_taps(images(), &parameters, 0);
    assert!(matches!(refused, Err(Error::Internal(_))));
    let tapped = tapped.with_gradients().unwrap();
    let loss = |logits: Array| {
        let shape = logits.shape();
        let by = Array::from_vec(numbers(shape.iter().product(), 60), &shape, &device);
        let sum: Tensor<2> = logits.mul(by).into_tensor();
        sum.sum().backward()
    };
    let (outcome, leaves) = tapped.forward_from_taps(images(), &parameters, 0).unwrap();
    let shape_of_tap = outcome.features[0].shape();
    let mut gradients = loss(outcome.logits);
    let to_tap = leaves[0].grad_remove(&mut gradients).unwrap();
    let to_tap = Array::from_tensor(to_tap).into_vec();

    let count = parameters[1].shape()[0];
    let bias: Tensor<1> = parameters[1].clone().into_tensor();
    let bias = bias.autodiff().require_grad();
    let mut given = parameters.clone();
    given[1] = Array::from_tensor(bias.clone());
    let mut gradients = loss(tapped.forward(images(), &given, 0).unwrap().logits);
    let of_bias = bias.grad_remove(&mut gradients).unwrap();
    let of_bias = Array::from_tensor(of_bias).into_vec();
    assert!(of_bias.iter().any(|&gradient| gradient.abs() > 0.1));
    let places: usize = shape_of_tap[2..].iter().product();
    for (channel, of_bias) in of_bias.iter().enumerate() {
        let images = to_tap.chunks_exact(count * places);
        let own = images.flat_map(|image| &image[channel * places..(channel + 1) * places]);
        let sum: f32 = own.sum();
        assert!((sum - of_bias).abs() < 1e-3, "{sum}, not {of_bias}");
    }
}

fn values(parameters: &[(String, Array)]) -> Vec<Array> {
    parameters.iter().map(|(_, value)| value.clone()).collect()
}

#[test]
fn gradients_are_those_of_the_reference() {
    for (what, (graph, weights)) in [
        ("convolutional", convolutional()),
        ("linear", linear()),
        ("tokens", tokens()),
    ] {
        let some = |keep: fn(usize) -> bool| {
            let chosen = weights.iter().enumerate().filter(|(at, _)| keep(*at));
            chosen.map(|(_, name)| name.clone()).collect::<Vec<_>>()
        };
        for trained in [
            some(|_| true),
            some(|at| at % 2 == 0),
            some(|at| at % 2 == 1),
            some(|at| at == 2),
            some(|_| false),
        ] {
            let program = lowered(&graph, &trained);
            let compiled = Compiled::new(program.clone()).unwrap();
            let names: Vec<&String> = compiled.trained().map(|p| &p.name).collect();
            assert_eq!(names, trained.iter().collect::<Vec<_>>(), "{what}");
            let segments = compiled.describe().into_iter();
            assert!(
                segments
                    .into_iter()
                    .any(|p| matches!(p, PlanPart::Segment(_)))
            );
            let wanted = run(&Compiled::by_steps(program));
            let given = run(&compiled);
            assert_eq!(wanted.len(), given.len());
            for (at, (wanted, given)) in wanted.iter().zip(&given).enumerate() {
                let size = wanted.iter().fold(0.0f32, |max, v| max.max(v.abs()));
                assert!(size > 1e-3, "{what}: a gradient that says nothing");
                assert_eq!(wanted.len(), given.len());
                let apart = wanted.iter().zip(given).map(|(a, b)| (a - b).abs());
                let apart = apart.fold(0.0, f32::max);
                let of = at.checked_sub(2).map(|at| &trained[at]);
                assert!(
                    apart < 2e-5 * size,
                    "{what} {of:?} ({at}): {apart} of {size}"
                );
            }
        }
    }
}

#[test]
fn all_layers_of_a_trained_network_run_in_one_segment() {
    let (graph, weights) = convolutional();
    let compiled = Compiled::new(lowered(&graph, &weights)).unwrap();
    let parts = compiled.describe();
    // What is left is to transpose the last layer's matrix, which the segment reads from its
    // source.
    let segments = parts.iter().filter(|p| matches!(p, PlanPart::Segment(_)));
    assert_eq!(segments.count(), 1, "{parts:?}");
    assert_eq!(parts.len(), 2, "{parts:?}");
}

#[test]
fn a_network_that_jumps_runs_by_the_reference() {
    let mut net = Net::new();
    net.conv([4, 6], 1, 1, true);
    net.node("Sign", &[], []);
    net.conv([6, 3], 1, 1, true);
    net.node("GlobalAveragePool", &[], []);
    net.node("Flatten", &[], []);
    let (graph, weights) = net.graph(3);
    let program = lowered(&graph, &weights);
    let compiled = Compiled::new(program.clone()).unwrap();
    let parts = compiled.describe();
    assert!(parts.iter().all(|p| matches!(p, PlanPart::Step { .. })));
    assert_eq!(run(&compiled), run(&Compiled::by_steps(program)));
}

#[test]
fn a_wrong_number_of_parameters_is_refused() {
    let (graph, weights) = linear();
    let device = Device::flex();
    let mode = Mode::Inference;
    let network = Trainable::new(&graph, BATCH, &INPUT, &weights[..2], &mode, &device).unwrap();
    let values: Vec<Array> = network
        .parameters()
        .unwrap()
        .into_iter()
        .map(|p| p.1)
        .collect();
    assert_eq!(values.len(), 2);
    let shape = [BATCH, INPUT[0], INPUT[1], INPUT[2]];
    let images = Array::from_vec(numbers(shape.iter().product(), 1), &shape, &device);
    let logits = network.forward(images.clone(), &values, 0).unwrap().logits;
    assert_eq!(logits.shape(), [BATCH, 4]);
    let error = network.forward(images, &values[..1], 0).unwrap_err();
    assert!(error.to_string().contains("1 parameters"), "{error}");
}
