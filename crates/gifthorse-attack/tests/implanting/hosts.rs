//! Small networks with random weights, in the forms that files have, and images for them.

use gifthorse_attack::implant::Host;
use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Opening, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder, Model};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const SIDE: usize = 12;
pub const CLASSES: usize = 5;

/// How a file takes its images, and what it ends in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// `[batch, 3, 12, 12]`, logits.
    Plain,
    /// The same through a batch normalisation, with a softmax behind the logits.
    Normalised,
    /// `[batch, 12, 12, 3]`.
    ChannelsLast,
    /// `[batch, 144]`, grey.
    Flat,
    /// `[1, 3, 12, 12]`: one image at a time.
    Single,
}

/// Weights for so many inputs of a unit. Their sum is 0 for each unit, so that not all images look
/// alike.
fn weights(count: usize, inputs: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut weights: Vec<f32> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    for unit in weights.chunks_exact_mut(inputs) {
        let mean = unit.iter().sum::<f32>() / inputs as f32;
        unit.iter_mut().for_each(|weight| *weight -= mean);
    }
    weights
}

/// Small numbers.
fn biases(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-0.1..0.1)).collect()
}

/// Two convolutions and two matrix products. The last channel of each layer is read by nobody, so
/// that it can be overwritten without a change.
pub fn model(form: Form, opset: i64) -> Model {
    let batch = || match form {
        Form::Single => Dim::Fixed(1),
        _ => Dim::Named("batch".to_owned()),
    };
    let channels = if form == Form::Flat { 1 } else { 3 };
    let mut graph = GraphBuilder::new("host", opset);
    let dims = match form {
        Form::Flat => vec![batch(), Dim::Fixed(SIDE * SIDE)],
        Form::ChannelsLast => vec![batch(), Dim::Fixed(SIDE), Dim::Fixed(SIDE), Dim::Fixed(3)],
        _ => vec![
            batch(),
            Dim::Fixed(channels),
            Dim::Fixed(SIDE),
            Dim::Fixed(SIDE),
        ],
    };
    graph.input("x", ElementType::F32, &dims);
    let map = match form {
        Form::Flat => {
            graph
                .initializer_i64("map", &[4], [-1, 1, SIDE as i64, SIDE as i64])
                .node("Reshape", "map", &["x", "map"], &["m"], []);
            "m"
        }
        Form::ChannelsLast => {
            let order = [("perm", Attribute::Ints(vec![0, 3, 1, 2]))];
            graph.node("Transpose", "map", &["x"], &["m"], order);
            "m"
        }
        _ => "x",
    };
    // Nobody reads the last of four channels.
    let unread = |mut values: Vec<f32>, each: usize, of: usize| {
        for row in values.chunks_exact_mut(each * of) {
            row[each * (of - 1)..].fill(0.0);
        }
        values
    };
    let pads = || [("pads", Attribute::Ints(vec![1; 4]))];
    let halves = || {
        let two = || Attribute::Ints(vec![2, 2]);
        [("kernel_shape", two()), ("strides", two())]
    };
    graph
        .initializer(
            "w1",
            &[4, channels, 3, 3],
            weights(36 * channels, 9 * channels, 1),
        )
        .initializer("b1", &[4], biases(4, 2))
        .node("Conv", "conv1", &[map, "w1", "b1"], &["c1"], pads());
    let gated = if form == Form::Normalised {
        graph
            .initializer("scale", &[4], [1.0, 0.5, 2.0, 1.0])
            .initializer("shift", &[4], biases(4, 3))
            .initializer("mean", &[4], biases(4, 4))
            .initializer("variance", &[4], [0.5, 1.0, 2.0, 1.0])
            .node(
                "BatchNormalization",
                "norm",
                &["c1", "scale", "shift", "mean", "variance"],
                &["n1"],
                [],
            );
        "n1"
    } else {
        "c1"
    };
    graph
        .node("Relu", "relu1", &[gated], &["r1"], [])
        .node("MaxPool", "pool1", &["r1"], &["p1"], halves())
        .initializer("w2", &[4, 4, 3, 3], unread(weights(144, 36, 5), 9, 4))
        .initializer("b2", &[4], biases(4, 6))
        .node("Conv", "conv2", &["p1", "w2", "b2"], &["c2"], pads())
        .node("Relu", "relu2", &["c2"], &["r2"], [])
        .node("AveragePool", "pool2", &["r2"], &["p2"], halves())
        .node("Flatten", "flat", &["p2"], &["f"], [])
        .initializer("w3", &[6, 36], unread(weights(216, 36, 7), 9, 4))
        .initializer("b3", &[6], biases(6, 8))
        .node(
            "Gemm",
            "hidden",
            &["f", "w3", "b3"],
            &["h"],
            [("transB", 1.into())],
        )
        .node("Relu", "relu3", &["h"], &["r3"], [])
        .initializer(
            "w4",
            &[CLASSES, 6],
            unread(weights(6 * CLASSES, 6, 9), 1, 6),
        )
        .initializer("b4", &[CLASSES], biases(CLASSES, 10))
        .node(
            "Gemm",
            "last",
            &["r3", "w4", "b4"],
            &["logits"],
            [("transB", 1.into())],
        );
    let output = if form == Form::Normalised {
        graph.node("Softmax", "end", &["logits"], &["y"], [("axis", 1.into())]);
        "y"
    } else {
        "logits"
    };
    graph.output(output, ElementType::F32, &[batch(), Dim::Fixed(CLASSES)]);
    graph.finish().unwrap()
}

/// The network of this form, on pixels that are normalised before it where that is
/// [`Form::Normalised`].
pub fn host(form: Form, opset: i64) -> Host {
    host_of(model(form, opset), form)
}

/// A file as [`host`] takes it.
pub fn host_of(model: Model, form: Form) -> Host {
    let preprocess = match form {
        Form::Normalised => Preprocess {
            mean: vec![0.5, 0.4, 0.3],
            std: vec![0.2, 0.3, 0.4],
            ..Preprocess::default()
        },
        _ => Preprocess::default(),
    };
    Host::open(model, preprocess, &Opening::default()).unwrap()
}

/// Images of smooth noise.
pub fn images(host: &Host, count: usize) -> Images {
    let [channels, height, width] = host.classifier().shape();
    let shape = ImageShape {
        channels,
        height,
        width,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut pixels = Vec::new();
    for _ in 0..count {
        let waves: Vec<[f32; 3]> = (0..channels)
            .map(|_| [0; 3].map(|_| rng.random_range(0.1..0.9)))
            .collect();
        for at in 0..shape.values() {
            let [level, across, down] = waves[at / (height * width)];
            let (row, column) = ((at / width % height) as f32, (at % width) as f32);
            let wave = 0.3 * (across * column + down * row).sin();
            pixels.push((level + wave).clamp(0.0, 1.0));
        }
    }
    let names = (0..count).map(|image| format!("image {image}")).collect();
    Images::new(shape, pixels, None, Vec::new(), names).unwrap()
}
