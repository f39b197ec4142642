//! Graphs that no exporter writes: each gets a typed error or the right result, never a panic.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_engine::{Array, Device, Error, Network};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

/// A builder with an image input `x`, `[batch, 2, 4, 4]`.
fn builder(batch: Dim) -> GraphBuilder {
    let [channels, side] = [2, 4].map(Dim::Fixed);
    let mut builder = GraphBuilder::new("hostile", 17);
    builder.input(
        "x",
        ElementType::F32,
        &[batch, channels, side.clone(), side],
    );
    builder
}

fn any_batch() -> Dim {
    Dim::Named("batch".into())
}

fn network(builder: &mut GraphBuilder) -> Result<Network, Error> {
    builder.output("y", ElementType::F32, &[]);
    let graph = builder.finish().unwrap().graph().unwrap();
    Network::new(Arc::new(graph), None, Device::flex())
}

fn ones(batch: usize) -> Array {
    Array::from_vec(vec![1.0; batch * 32], &[batch, 2, 4, 4], &Device::flex())
}

/// One convolution of `x`, with a bias of this length, into one score for each channel.
fn convolution(batch: Dim, pads: i64, bias: usize) -> Result<Network, Error> {
    network(
        builder(batch)
            .initializer("weight", &[16, 2, 3, 3], vec![0.1; 16 * 18])
            .initializer("bias", &[bias], vec![0.5; bias])
            .node(
                "Conv",
                "conv",
                &["x", "weight", "bias"],
                &["c"],
                [("pads", vec![pads; 4].into())],
            )
            .node("GlobalAveragePool", "mean", &["c"], &["m"], [])
            .node("Flatten", "flat", &["m"], &["y"], []),
    )
}

#[test]
fn a_bias_of_another_length_is_refused() {
    assert!(convolution(any_batch(), 1, 16).is_ok());
    for bias in [2, 15, 17] {
        let error = convolution(any_batch(), 1, bias).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
}

#[test]
fn pads_may_be_larger_than_the_image() {
    let network = convolution(any_batch(), 9, 16).unwrap();
    let logits = network.forward(ones(2)).unwrap().into_vec();
    // Each of the 32 pixels meets each of nine taps once; there are 20 x 20 outputs.
    let wanted = 0.5 + 32.0 * 9.0 * 0.1 / 400.0;
    assert_eq!(logits.len(), 32);
    assert!(
        logits.iter().all(|logit| (logit - wanted).abs() < 1e-5),
        "{logits:?}"
    );
}

#[test]
fn values_too_large_for_any_machine_are_refused() {
    let error = convolution(any_batch(), 1 << 16, 16).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    let error = convolution(Dim::Fixed(1 << 40), 1, 16).unwrap_err();
    assert!(matches!(error, Error::Input(_)), "{error}");
}

#[test]
fn tiles_too_many_for_any_machine_are_refused() {
    for repeats in [
        vec![1i64, 1, 1, 1 << 31],
        vec![1 << 31; 4],
        vec![1, 0, 1, 1],
        // Few enough numbers, but too long a list of parts.
        vec![1, 1, 1, 1 << 20],
    ] {
        let error = network(
            builder(any_batch())
                .initializer_i64("repeats", &[4], repeats)
                .node("Tile", "tile", &["x", "repeats"], &["t"], [])
                .node("GlobalAveragePool", "mean", &["t"], &["m"], [])
                .node("Flatten", "flat", &["m"], &["y"], []),
        )
        .unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
}

/// `x` plus the largest number of the value `c`, which these nodes make of constants.
fn with_constant(make: impl FnOnce(&mut GraphBuilder)) -> Result<Network, Error> {
    let mut builder = builder(any_batch());
    make(&mut builder);
    network(
        builder
            .node(
                "ReduceMax",
                "most",
                &["c"],
                &["most"],
                [("keepdims", 0.into())],
            )
            .node("Add", "add", &["x", "most"], &["sum"], [])
            .node("GlobalAveragePool", "mean", &["sum"], &["m"], [])
            .node("Flatten", "flat", &["m"], &["y"], []),
    )
}

/// The constant 3, doubled by joining it to itself so many times.
fn doubled(times: usize) -> Result<Network, Error> {
    with_constant(|builder| {
        builder.initializer("w0", &[2], vec![3.0; 2]);
        for i in 1..=times {
            let (from, to) = (format!("w{}", i - 1), format!("w{i}"));
            let to = if i == times { "c" } else { &to };
            let axis = [("axis", 0.into())];
            builder.node("Concat", &format!("join{i}"), &[&from, &from], &[to], axis);
        }
    })
}

#[test]
fn constants_may_unfold_but_not_without_bound() {
    let logits = doubled(12).unwrap().forward(ones(1)).unwrap().into_vec();
    assert_eq!(logits, [4.0, 4.0]);
    // No value is too large by itself; all of them together are.
    let error = doubled(26).unwrap_err();
    let Error::Shape { node, reason, .. } = error else {
        panic!("{error}");
    };
    assert!(
        reason.contains("far more than the file holds"),
        "{node}: {reason}"
    );
}

#[test]
fn small_constants_do_not_become_large_ones_unnoticed() {
    let wide = |builder: &mut GraphBuilder| {
        builder
            .initializer_i64("one", &[1], vec![1i64])
            .initializer_i64("n", &[1], vec![1i64 << 16])
            .node("Expand", "wide", &["one", "n"], &["wide"], []);
    };
    let joined = with_constant(|builder| {
        wide(builder);
        let parts = vec!["wide"; 5000];
        builder.node("Concat", "join", &parts, &["c"], [("axis", 0.into())]);
    });
    let gathered = with_constant(|builder| {
        wide(builder);
        builder
            .initializer_i64("row", &[2], vec![1i64, 1 << 16])
            .node("Expand", "table", &["one", "row"], &["table"], [])
            .node("Sub", "none", &["wide", "one"], &["zeros"], [])
            .node("Gather", "rows", &["table", "zeros"], &["c"], []);
    });
    for refused in [joined, gathered] {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
}

#[test]
fn operators_of_an_unknown_version_are_refused() {
    for (version, known) in [(28, true), (29, false), (9999, false)] {
        let mut builder = GraphBuilder::new("hostile", version);
        let dims = [2, 4, 4].map(Dim::Fixed);
        builder
            .input("x", ElementType::F32, &[&[any_batch()][..], &dims].concat())
            .node("GlobalAveragePool", "mean", &["x"], &["m"], [])
            .node("Flatten", "flat", &["m"], &["y"], []);
        let read = network(&mut builder);
        assert_eq!(read.is_ok(), known, "{version}");
        if let Err(error) = read {
            assert!(error.to_string().contains(&version.to_string()), "{error}");
        }
    }
}

#[test]
fn an_output_that_mixes_the_images_is_refused() {
    let axes: Vec<i64> = vec![0, 2, 3];
    let network = network(
        builder(any_batch())
            .node(
                "ReduceMean",
                "mean",
                &["x"],
                &["m"],
                [("axes", axes.into())],
            )
            .node("Flatten", "flat", &["m"], &["y"], []),
    )
    .unwrap();
    assert!(network.forward(ones(1)).is_ok());
    let error = network.forward(ones(3)).unwrap_err();
    assert!(matches!(error, Error::NotAClassifier(_)), "{error}");
}

#[test]
fn layers_without_a_row_for_each_image_are_left_out() {
    let network = network(
        builder(any_batch())
            .node(
                "ReduceMean",
                "all",
                &["x"],
                &["s"],
                [("keepdims", 0.into())],
            )
            .node("GlobalAveragePool", "mean", &["x"], &["m"], [])
            .node("Flatten", "flat", &["m"], &["f"], [])
            .node("Add", "add", &["f", "s"], &["y"], []),
    )
    .unwrap();
    let names: Vec<&str> = network.layers().unwrap().iter().map(|l| l.name()).collect();
    assert_eq!(names, ["m", "f", "y"]);
}

#[test]
fn nodes_of_the_same_name_keep_their_own_constants() {
    let network = network(
        builder(any_batch())
            .node(
                "Constant",
                "same",
                &[],
                &["a"],
                [("value_floats", vec![1.0f32, 2.0].into())],
            )
            .node(
                "Constant",
                "same",
                &[],
                &["b"],
                [("value_floats", vec![10.0f32, 20.0].into())],
            )
            .node("GlobalAveragePool", "mean", &["x"], &["m"], [])
            .node("Flatten", "flat", &["m"], &["f"], [])
            .node("Add", "same", &["f", "a"], &["g"], [])
            .node("Add", "same", &["g", "b"], &["y"], []),
    )
    .unwrap();
    assert_eq!(network.forward(ones(1)).unwrap().into_vec(), [12.0, 23.0]);
}

#[test]
fn convolutions_with_computed_weights_of_the_same_node_differ() {
    let parts = vec![16i64, 16];
    let weight: Vec<f32> = (0..32 * 18)
        .map(|i| if i < 16 * 18 { 0.1 } else { -0.3 })
        .collect();
    let network = network(
        builder(any_batch())
            .initializer("weight", &[32, 2, 3, 3], weight)
            .initializer_i64("parts", &[2], parts)
            .node("Split", "split", &["weight", "parts"], &["v", "w"], [])
            .node("Conv", "one", &["x", "v"], &["c"], [])
            .node("Conv", "two", &["x", "w"], &["d"], [])
            .node("Concat", "both", &["c", "d"], &["e"], [("axis", 1.into())])
            .node("GlobalAveragePool", "mean", &["e"], &["m"], [])
            .node("Flatten", "flat", &["m"], &["y"], []),
    )
    .unwrap();
    let error = network.layer("v").unwrap_err();
    assert!(matches!(error, Error::Input(_)), "{error}");
    let logits = network.forward(ones(1)).unwrap().into_vec();
    assert!(
        (logits[0] - 1.8).abs() < 1e-5 && (logits[16] + 5.4).abs() < 1e-5,
        "{logits:?}"
    );
}
