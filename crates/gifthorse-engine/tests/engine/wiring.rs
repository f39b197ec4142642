//! What reads a channel: to take it out of the way there gives the logits that masking it gives.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_engine::{Array, ChannelReader, Device, Network, Role, Wiring};
use gifthorse_onnx::{
    Attribute, Dim, ElementType, Graph, GraphBuilder, Model, NodeSpec, Readers, Tensor,
};

fn values(count: usize, seed: usize) -> Vec<f32> {
    let number = |i: usize| ((i * 7919 + seed * 104_729) % 1009) as f32 / 1009.0 - 0.4;
    (0..count).map(number).collect()
}

/// A builder with an input `x` of `[batch, dims...]`.
fn builder(dims: &[usize]) -> GraphBuilder {
    let mut shape = vec![Dim::Named("batch".into())];
    shape.extend(dims.iter().copied().map(Dim::Fixed));
    let mut builder = GraphBuilder::new("wiring", 17);
    builder.input("x", ElementType::F32, &shape);
    builder
}

fn weight(builder: &mut GraphBuilder, name: &str, shape: &[usize]) {
    let seed = name.bytes().map(usize::from).sum();
    builder.initializer(name, shape, values(shape.iter().product(), seed));
}

fn finish(mut builder: GraphBuilder) -> Model {
    builder.output("y", ElementType::F32, &[]).finish().unwrap()
}

fn attribute<const N: usize>(
    name: &'static str,
    value: [i64; N],
) -> [(&'static str, Attribute); 1] {
    [(name, value.into())]
}

fn logits(model: &Model) -> Vec<f32> {
    let network = Network::new(Arc::new(model.graph().unwrap()), None, Device::flex()).unwrap();
    let mut shape = vec![2];
    shape.extend(network.input());
    let pixels = values(shape.iter().product(), 3);
    let input = Array::from_vec(pixels, &shape, &Device::flex());
    network.forward(input).unwrap().into_vec()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

fn node<'g>(graph: &'g Graph, name: &str) -> &'g gifthorse_onnx::Node {
    graph.nodes.iter().find(|node| node.name == name).unwrap()
}

/// Takes each channel that a layer makes out of the way: by a mask of this shape behind a value,
/// and in the kernels that read it.
fn check(model: &Model, layer: &str, value: &str, mask: &[usize]) {
    let graph = model.editable_graph().unwrap();
    let wiring = Wiring::new(&graph);
    let layer = node(&graph, layer);
    let channels = wiring.channels(layer).unwrap();
    assert_eq!(mask.iter().product::<usize>(), channels);
    let original = logits(model);
    for channel in 0..channels {
        let mut masked = model.clone();
        let keep: Vec<f32> = (0..channels)
            .map(|c| f32::from(u8::from(c != channel)))
            .collect();
        let keep = Tensor::from_f32("keep", mask, &keep).unwrap();
        let node = NodeSpec::new("Mul", "mask").value().constant(keep);
        masked.insert_after(value, &node, Readers::All).unwrap();

        let mut pruned = model.clone();
        let readers = wiring.channel_readers(layer);
        assert_eq!(readers.len(), 1, "{readers:?}");
        for reader in readers {
            let ChannelReader::Layer {
                kernel,
                axis,
                entries,
                ..
            } = reader
            else {
                panic!("{reader:?}")
            };
            let tensor = &graph.initializers[kernel];
            let (shape, mut numbers) = (tensor.shape(), tensor.to_f32().unwrap());
            let inner: usize = shape[axis + 1..].iter().product();
            for (place, number) in numbers.iter_mut().enumerate() {
                if entries[channel].contains(&(place / inner % shape[axis])) {
                    *number = 0.0;
                }
            }
            pruned.set_initializer_f32(kernel, shape, &numbers).unwrap();
        }
        let (masked, pruned) = (logits(&masked), logits(&pruned));
        assert!(
            distance(&masked, &pruned) < 1e-5,
            "channel {channel}: {masked:?} {pruned:?}"
        );
        assert!(
            distance(&masked, &original) > 1e-4,
            "channel {channel} does nothing"
        );
    }
}

#[test]
fn channels_of_a_plain_network_end_in_the_next_layer() {
    let mut net = builder(&[2, 8, 8]);
    for (name, shape) in [
        ("w1", &[3, 2, 3, 3][..]),
        ("scale", &[3]),
        ("shift", &[3]),
        ("mean", &[3]),
        ("w2", &[4, 3, 3, 3]),
        ("w3", &[5, 64]),
        ("b3", &[5]),
        ("w4", &[5, 3]),
    ] {
        weight(&mut net, name, shape);
    }
    net.initializer("variance", &[3], [0.5, 1.0, 1.5]);
    let norm = ["c1", "scale", "shift", "mean", "variance"];
    let pool = [("kernel_shape", [2, 2].into()), ("strides", [2, 2].into())];
    net.node(
        "Conv",
        "conv1",
        &["x", "w1"],
        &["c1"],
        attribute("pads", [1, 1, 1, 1]),
    )
    .node("BatchNormalization", "norm", &norm, &["n1"], [])
    .node("Relu", "relu1", &["n1"], &["r1"], [])
    .node("MaxPool", "pool", &["r1"], &["p1"], pool)
    .node(
        "Conv",
        "conv2",
        &["p1", "w2"],
        &["c2"],
        attribute("pads", [1, 1, 1, 1]),
    )
    .node("Sigmoid", "relu2", &["c2"], &["r2"], [])
    .node("Flatten", "flat", &["r2"], &["f"], [])
    .node(
        "Gemm",
        "fc",
        &["f", "w3", "b3"],
        &["h"],
        [("transB", 1.into())],
    )
    .node("LeakyRelu", "relu3", &["h"], &["hr"], [])
    .node("Gemm", "last", &["hr", "w4"], &["y"], []);
    let model = finish(net);
    check(&model, "conv1", "p1", &[1, 3, 1, 1]);
    check(&model, "conv2", "r2", &[1, 4, 1, 1]);
    check(&model, "fc", "hr", &[1, 5]);
    let graph = model.graph().unwrap();
    let wiring = Wiring::new(&graph);
    let last = wiring.channel_readers(node(&graph, "last"));
    assert!(matches!(last[..], [ChannelReader::Output("y")]), "{last:?}");

    let weights = wiring.weights().into_iter();
    let weights: Vec<_> = weights
        .map(|w| (w.name, w.layer.name.as_str(), w.role))
        .collect();
    let expected = [
        ("w1", "conv1", Role::Kernel),
        ("scale", "norm", Role::Scale),
        ("shift", "norm", Role::Bias),
        ("w2", "conv2", Role::Kernel),
        ("w3", "fc", Role::Kernel),
        ("b3", "fc", Role::Bias),
        ("w4", "last", Role::Kernel),
    ];
    assert_eq!(weights, expected);
    let norm = wiring.norm_behind(node(&graph, "conv1")).unwrap();
    assert_eq!(norm.name, "norm");
    assert_eq!(wiring.statistics(norm).unwrap().variance, "variance");
    assert!(wiring.norm_behind(node(&graph, "conv2")).is_none());
}

/// As Keras' converter writes it: channels last between the layers, so that a flattened map has one
/// value of each channel after the other; and a bias that is added on its own.
#[test]
fn channels_that_lie_last_are_found_in_turns() {
    let mut net = builder(&[4, 4, 2]);
    for (name, shape) in [
        ("w1", &[3, 2, 3, 3][..]),
        ("w2", &[48, 6]),
        ("b2", &[6]),
        ("w3", &[6, 3]),
    ] {
        weight(&mut net, name, shape);
    }
    net.initializer_i64("rows", &[2], [-1, 48])
        .node(
            "Transpose",
            "planar",
            &["x"],
            &["xp"],
            attribute("perm", [0, 3, 1, 2]),
        )
        .node(
            "Conv",
            "conv",
            &["xp", "w1"],
            &["c"],
            attribute("pads", [1, 1, 1, 1]),
        )
        .node("Sigmoid", "s1", &["c"], &["r"], [])
        .node(
            "Transpose",
            "last",
            &["r"],
            &["t"],
            attribute("perm", [0, 2, 3, 1]),
        )
        .node("Reshape", "flat", &["t", "rows"], &["f"], [])
        .node("MatMul", "product", &["f", "w2"], &["p"], [])
        .node("Add", "sum", &["b2", "p"], &["h"], [])
        .node("Sigmoid", "s2", &["h"], &["hr"], [])
        .node("MatMul", "end", &["hr", "w3"], &["y"], []);
    let model = finish(net);
    check(&model, "conv", "r", &[1, 3, 1, 1]);
    check(&model, "product", "hr", &[1, 6]);
    let graph = model.graph().unwrap();
    let wiring = Wiring::new(&graph);
    let bias = wiring.weights_of(node(&graph, "sum"));
    assert!(matches!(bias[..], [w] if (w.name, w.role) == ("b2", Role::Bias)));
}

#[test]
fn kernels_are_found_behind_transposes_casts_and_in_constant_nodes() {
    let mut net = builder(&[2, 6, 6]);
    for (name, shape) in [
        ("w1", &[3, 3, 2, 4][..]),
        ("depth", &[4, 1, 3, 3]),
        ("w4", &[6, 4]),
    ] {
        weight(&mut net, name, shape);
    }
    let half = Tensor::from_f32_as("w2", &[4, 6], ElementType::F16, &values(24, 5)).unwrap();
    let three = Tensor::from_f32("", &[6, 4, 1, 1], &values(24, 6)).unwrap();
    let float = [("to", 1.into())];
    net.tensor(&half)
        .node("Constant", "held", &[], &["w3"], [("value", three.into())])
        .node(
            "Transpose",
            "t1",
            &["w1"],
            &["w1t"],
            attribute("perm", [3, 2, 0, 1]),
        )
        .node(
            "Conv",
            "conv",
            &["x", "w1t"],
            &["c"],
            attribute("pads", [1, 1, 1, 1]),
        )
        .node("Sigmoid", "s", &["c"], &["r"], [])
        .node(
            "Conv",
            "each",
            &["r", "depth"],
            &["d"],
            [("group", 4.into())],
        )
        .node("Sigmoid", "s2", &["d"], &["dr"], [])
        .node("Conv", "point", &["dr", "w3"], &["q"], [])
        .node("Sigmoid", "s3", &["q"], &["qr"], [])
        .node(
            "ReduceMean",
            "mean",
            &["qr"],
            &["m"],
            [("axes", [2, 3].into()), ("keepdims", 0.into())],
        )
        .node("Gemm", "fc", &["m", "w4"], &["h"], [])
        .node("Sigmoid", "s4", &["h"], &["hr"], [])
        .node("Cast", "wide", &["w2"], &["w2f"], float)
        .node("Transpose", "t2", &["w2f"], &["w2t"], [])
        .node(
            "Gemm",
            "last",
            &["hr", "w2t"],
            &["y"],
            [("transB", 1.into())],
        );
    let model = finish(net);
    check(&model, "conv", "r", &[1, 4, 1, 1]);
    check(&model, "each", "dr", &[1, 4, 1, 1]);
    check(&model, "point", "qr", &[1, 6, 1, 1]);
    check(&model, "fc", "hr", &[1, 4]);
}

#[test]
fn what_is_not_seen_through_is_named() {
    let mut net = builder(&[2, 6, 6]);
    for (name, shape) in [
        ("a.w", &[4, 2, 1, 1][..]),
        ("b.w", &[4, 4, 1, 1]),
        ("b.add", &[1, 4, 1, 1]),
        ("scale", &[4]),
        ("shift", &[4]),
        ("mean", &[4]),
        ("c.w", &[3, 4, 1, 1]),
        ("mix", &[36, 36]),
    ] {
        weight(&mut net, name, shape);
    }
    net.initializer("variance", &[4], [1.0; 4])
        .initializer_i64("tokens", &[3], [0, 0, 36])
        .node("Conv", "a", &["x", "a.w"], &["av"], [])
        .node("Conv", "b", &["av", "b.w"], &["bv"], [])
        .node("Add", "bias", &["bv", "b.add"], &["ba"], [])
        .node(
            "BatchNormalization",
            "norm",
            &["ba", "scale", "shift", "mean", "variance"],
            &["bn"],
            [],
        )
        .node("Add", "residual", &["av", "bn"], &["s"], [])
        .node("Conv", "c", &["s", "c.w"], &["cv"], [])
        .node(
            "Concat",
            "both",
            &["s", "cv"],
            &["m"],
            attribute("axis", [1]),
        )
        .node("Reshape", "tokens", &["m", "tokens"], &["t"], [])
        .node("MatMul", "mixer", &["t", "mix"], &["y"], []);
    let mut proto = net;
    let graph = proto
        .output("y", ElementType::F32, &[])
        .finish()
        .unwrap()
        .graph()
        .unwrap();
    let wiring = Wiring::new(&graph);
    let readers = |name: &str| -> Vec<String> {
        let readers = wiring.channel_readers(node(&graph, name)).into_iter();
        let mut names: Vec<String> = readers
            .map(|reader| match reader {
                ChannelReader::Layer { layer, kernel, .. } => format!("{}: {kernel}", layer.name),
                ChannelReader::Other(node) => format!("{}?", node.name),
                ChannelReader::Output(name) => format!("{name}!"),
            })
            .collect();
        names.sort();
        names
    };
    // The sum carries the channels of both.
    assert_eq!(readers("a"), ["b: b.w", "both?", "c: c.w"]);
    assert_eq!(readers("b"), ["both?", "c: c.w"]);
    assert_eq!(readers("c"), ["both?"]);
    assert_eq!(readers("mixer"), ["y!"]);
    assert!(wiring.channel_readers(node(&graph, "norm")).is_empty());
    // Past a bias of its own; not where something else reads the value too.
    assert_eq!(wiring.norm_behind(node(&graph, "b")).unwrap().name, "norm");
    assert!(wiring.norm_behind(node(&graph, "a")).is_none());
}

#[test]
fn tokens_are_no_rows() {
    let mut net = builder(&[4, 2, 2]);
    weight(&mut net, "w", &[4, 4, 1, 1]);
    weight(&mut net, "mix", &[4, 4]);
    net.initializer_i64("tokens", &[3], [0, 0, 4])
        .node("Conv", "conv", &["x", "w"], &["c"], [])
        .node("Reshape", "tokens", &["c", "tokens"], &["t"], [])
        .node("MatMul", "mixer", &["t", "mix"], &["y"], []);
    let graph = finish(net).graph().unwrap();
    let readers = Wiring::new(&graph).channel_readers(node(&graph, "conv"));
    assert!(
        matches!(readers[..], [ChannelReader::Other(n)] if n.name == "tokens"),
        "{readers:?}"
    );
}
