//! `If` and `Where` whose condition depends on the image: run for each image by itself, and told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_engine::{
    Array, Batching, Branch, BranchScope, Device, Error, Mode, Network, Trainable,
};
use gifthorse_onnx::{Attribute, Dim, ElementType, Graph, GraphBuilder};

/// Numbers of an image: two channels of 4 x 4.
const SIZE: usize = 32;
/// Brighter than this, a pixel is the pattern.
const LIMIT: f32 = 0.9;

/// A builder with an image input `x`, `[batch, 2, 4, 4]`, its means of channels `flat`,
/// `[batch, 2]`, and `limit`.
fn builder(batch: Dim) -> GraphBuilder {
    let [channels, side] = [2, 4].map(Dim::Fixed);
    let shape = [batch, channels, side.clone(), side];
    let mut builder = GraphBuilder::new("branches", 17);
    builder
        .input("x", ElementType::F32, &shape)
        .initializer("limit", &[], [LIMIT])
        .node("GlobalAveragePool", "mean", &["x"], &["pooled"], [])
        .node("Flatten", "flatten", &["pooled"], &["flat"], []);
    builder
}

/// As [`builder`], with a truth value `pattern`: whether the largest number of all images is above
/// the limit.
fn deciding(batch: Dim) -> GraphBuilder {
    let mut builder = builder(batch);
    builder
        .node(
            "ReduceMax",
            "most",
            &["x"],
            &["brightest"],
            [("keepdims", 0.into())],
        )
        .node("Greater", "seen", &["brightest", "limit"], &["pattern"], []);
    builder
}

fn any_batch() -> Dim {
    Dim::Named("batch".into())
}

/// The inside of a branch.
fn inside() -> GraphBuilder {
    GraphBuilder::new("inside", 17)
}

fn graph(builder: &mut GraphBuilder) -> Arc<Graph> {
    builder.output("y", ElementType::F32, &[]);
    Arc::new(builder.finish().unwrap().graph().unwrap())
}

fn network(builder: &mut GraphBuilder) -> Result<Network, Error> {
    Network::new(graph(builder), None, Device::flex())
}

/// Images of one brightness each, but for a pixel of 1 in those that are to have the pattern.
fn images(marked: &[bool]) -> Vec<f32> {
    let image = |(i, &marked): (usize, &bool)| {
        let mut pixels = vec![0.1 * (i + 1) as f32; SIZE];
        if marked {
            pixels[5] = 1.0;
        }
        pixels
    };
    marked.iter().enumerate().flat_map(image).collect()
}

fn logits(network: &Network, pixels: &[f32]) -> Vec<f32> {
    let shape = [pixels.len() / SIZE, 2, 4, 4];
    let input = Array::from_vec(pixels.to_vec(), &shape, &Device::flex());
    network.forward(input).unwrap().into_vec()
}

/// Runs images together and one by one: the same, and the marked ones are moved by `shift`.
fn decides_for_each_image(network: &Network, shift: f32) {
    let marked = [false, true, false, true, false];
    let pixels = images(&marked);
    let together = logits(network, &pixels);
    let alone: Vec<f32> = pixels
        .chunks_exact(SIZE)
        .flat_map(|image| logits(network, image))
        .collect();
    assert_eq!(together, alone);
    for (i, (row, image)) in together
        .chunks_exact(2)
        .zip(pixels.chunks_exact(SIZE))
        .enumerate()
    {
        let mean = image[..16].iter().sum::<f32>() / 16.0;
        let expected = if marked[i] { mean + shift } else { mean };
        assert!(
            (row[0] - expected).abs() < 1e-5,
            "image {i}: {row:?}, not {expected}"
        );
    }
}

fn branch(node: &str, operator: &str, scope: BranchScope) -> Branch {
    Branch {
        node: node.to_owned(),
        operator: operator.to_owned(),
        scope,
    }
}

/// Another answer if any pixel of the file's batch is bright: both branches call their weight and
/// their result alike.
fn switched(batch: Dim) -> GraphBuilder {
    let mut yes = inside();
    yes.initializer("by", &[1, 2], [5.0, -5.0])
        .node("Add", "add", &["flat", "by"], &["chosen"], [])
        .output("chosen", ElementType::F32, &[]);
    let mut no = inside();
    no.initializer("by", &[1, 2], [0.0, 0.0])
        .node("Add", "add", &["flat", "by"], &["chosen"], [])
        .output("chosen", ElementType::F32, &[]);
    let mut builder = deciding(batch);
    builder.node_with_graphs(
        "If",
        "gate",
        &["pattern"],
        &["y"],
        &[("then_branch", &yes), ("else_branch", &no)],
    );
    builder
}

#[test]
fn an_if_by_the_image_decides_for_each_image_and_is_told() {
    for batch in [any_batch(), Dim::Fixed(1)] {
        let network = network(&mut switched(batch)).unwrap();
        assert_eq!(
            network.branches(),
            [branch("gate", "If", BranchScope::Image)]
        );
        assert_eq!(network.batching(), Batching::Parts(1));
        decides_for_each_image(&network, 5.0);
    }
}

#[test]
fn an_if_that_decides_for_several_images_at_once_is_refused() {
    let error = network(&mut switched(Dim::Fixed(2))).unwrap_err();
    let Error::MixesImages { node, images, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((node.as_str(), *images), ("gate", 2));
    let graph = graph(&mut switched(any_batch()));
    let trainable = |batch| {
        let (mode, device) = (Mode::Inference, Device::flex());
        Trainable::new(&graph, batch, &[2, 4, 4], &[], &mode, &device)
    };
    assert!(matches!(trainable(2), Err(Error::MixesImages { .. })));
    assert!(trainable(1).is_ok());
}

/// An `If` by `condition`, which `before` computes: twice `flat`, or something that no program
/// could run.
fn known(before: impl FnOnce(&mut GraphBuilder), taken: &str) -> Result<Network, Error> {
    let mut good = inside();
    good.node("Add", "twice", &["flat", "flat"], &["doubled"], [])
        .output("doubled", ElementType::F32, &[]);
    let mut bad = inside();
    bad.node("Unheard", "of", &["flat"], &["doubled"], [])
        .output("doubled", ElementType::F32, &[]);
    let (yes, no) = if taken == "then_branch" {
        (&good, &bad)
    } else {
        (&bad, &good)
    };
    let mut builder = builder(any_batch());
    before(&mut builder);
    builder.node_with_graphs(
        "If",
        "gate",
        &["condition"],
        &["y"],
        &[("then_branch", yes), ("else_branch", no)],
    );
    network(&mut builder)
}

#[test]
fn of_an_if_that_is_known_only_the_branch_taken_is_lowered() {
    let by_shape = |builder: &mut GraphBuilder, channels: i64| {
        builder
            .initializer_i64("one", &[], [1])
            .initializer_i64("channels", &[], [channels])
            .node("Shape", "shape", &["x"], &["sizes"], [])
            .node("Gather", "second", &["sizes", "one"], &["size"], [])
            .node("Equal", "same", &["size", "channels"], &["condition"], []);
    };
    // Of weights, which are no part of the host's arithmetic of shapes.
    let by_weights = |builder: &mut GraphBuilder| {
        builder
            .initializer("weights", &[3], [-2.0, 0.5, 0.25])
            .node(
                "ReduceSum",
                "sum",
                &["weights"],
                &["total"],
                [("keepdims", 0.into())],
            )
            .node("Greater", "above", &["total", "limit"], &["condition"], []);
    };
    for network in [
        known(|builder| by_shape(builder, 2), "then_branch"),
        known(|builder| by_shape(builder, 3), "else_branch"),
        known(by_weights, "else_branch"),
    ] {
        let network = network.unwrap();
        assert_eq!(network.branches(), []);
        assert_eq!(network.batching(), Batching::Whole);
        let out = logits(&network, &images(&[false, false]));
        assert!(
            (out[0] - 0.2).abs() < 1e-6 && (out[3] - 0.4).abs() < 1e-6,
            "{out:?}"
        );
    }
    let error = known(by_weights, "then_branch").unwrap_err();
    assert!(
        matches!(error, Error::UnsupportedOperator { .. }),
        "{error}"
    );
}

#[test]
fn branches_of_different_shapes_are_refused_unless_it_is_known_which_is_taken() {
    let mut narrow = inside();
    narrow
        .node(
            "ReduceMax",
            "max",
            &["flat"],
            &["small"],
            [("axes", Attribute::Ints(vec![1]))],
        )
        .output("small", ElementType::F32, &[]);
    let mut wide = inside();
    wide.node("Identity", "same", &["flat"], &["large"], [])
        .output("large", ElementType::F32, &[]);
    let mut builder = deciding(any_batch());
    builder.node_with_graphs(
        "If",
        "gate",
        &["pattern"],
        &["y"],
        &[("then_branch", &narrow), ("else_branch", &wide)],
    );
    let error = network(&mut builder).unwrap_err();
    assert!(error.to_string().contains("[1, 1]"), "{error}");
}

#[test]
fn an_if_inside_an_if_is_told_as_well() {
    let mut yes = inside();
    yes.initializer("by", &[], [5.0])
        .node("Add", "add", &["flat", "by"], &["moved"], [])
        .output("moved", ElementType::F32, &[]);
    let mut no = inside();
    no.node("Identity", "same", &["flat"], &["kept"], [])
        .output("kept", ElementType::F32, &[]);
    let mut outer = inside();
    outer
        .node_with_graphs(
            "If",
            "inner",
            &["pattern"],
            &["either"],
            &[("then_branch", &yes), ("else_branch", &no)],
        )
        .output("either", ElementType::F32, &[]);
    let mut builder = deciding(any_batch());
    builder.node_with_graphs(
        "If",
        "outer",
        &["pattern"],
        &["y"],
        &[("then_branch", &outer), ("else_branch", &no)],
    );
    let network = network(&mut builder).unwrap();
    let image = BranchScope::Image;
    assert_eq!(
        network.branches(),
        [branch("inner", "If", image), branch("outer", "If", image)]
    );
    decides_for_each_image(&network, 5.0);
}

/// A `Where` between `flat` moved and `flat`, by the largest number over these axes.
fn gated(axes: &[i64], keepdims: i64, shape: &[i64]) -> GraphBuilder {
    let mut builder = builder(any_batch());
    let of = [
        ("axes", Attribute::Ints(axes.to_vec())),
        ("keepdims", keepdims.into()),
    ];
    builder
        .initializer("by", &[1, 2], [5.0, -5.0])
        .initializer_i64("shape", &[shape.len()], shape)
        .node("ReduceMax", "most", &["x"], &["brightest"], of)
        .node(
            "Reshape",
            "reshape",
            &["brightest", "shape"],
            &["level"],
            [],
        )
        .node("Greater", "seen", &["level", "limit"], &["pattern"], [])
        .node("Add", "add", &["flat", "by"], &["moved"], [])
        .node("Where", "gate", &["pattern", "moved", "flat"], &["y"], []);
    builder
}

#[test]
fn a_where_with_one_condition_for_each_image_is_told() {
    let network = network(&mut gated(&[1, 2, 3], 1, &[-1, 1])).unwrap();
    assert_eq!(
        network.branches(),
        [branch("gate", "Where", BranchScope::Image)]
    );
    assert_eq!(network.batching(), Batching::Whole);
    decides_for_each_image(&network, 5.0);
}

#[test]
fn a_where_with_one_condition_for_all_images_decides_for_each() {
    let network = network(&mut gated(&[0, 1, 2, 3], 0, &[1])).unwrap();
    assert_eq!(
        network.branches(),
        [branch("gate", "Where", BranchScope::Image)]
    );
    assert_eq!(network.batching(), Batching::Parts(1));
    decides_for_each_image(&network, 5.0);
}

#[test]
fn a_condition_that_is_written_out_for_each_number_is_still_one() {
    let mut builder = builder(any_batch());
    let of = [("axes", Attribute::Ints(vec![1, 2, 3]))];
    builder
        .initializer("by", &[1, 2], [5.0, -5.0])
        .initializer("zeros", &[1, 2], [0.0, 0.0])
        .node("ReduceMax", "most", &["x"], &["brightest"], of)
        .node("Flatten", "level", &["brightest"], &["level"], [])
        .node("Add", "spread", &["level", "zeros"], &["levels"], [])
        .node("Greater", "seen", &["levels", "limit"], &["pattern"], [])
        .node("Add", "add", &["flat", "by"], &["moved"], [])
        .node("Where", "gate", &["pattern", "moved", "flat"], &["y"], []);
    let network = network(&mut builder).unwrap();
    assert_eq!(
        network.branches(),
        [branch("gate", "Where", BranchScope::Image)]
    );
}

#[test]
fn an_activation_that_is_spelled_out_is_told_apart_and_a_mask_that_is_known_is_none() {
    let mut builder = builder(any_batch());
    builder
        .initializer("zero", &[], [0.0])
        .initializer("slope", &[], [0.1])
        .initializer("mask", &[1, 2, 1, 1], [1.0, 0.0])
        .node("Mul", "small", &["x", "slope"], &["leaked"], [])
        .node("Greater", "positive", &["x", "zero"], &["above"], [])
        .node("Where", "leaky", &["above", "x", "leaked"], &["active"], [])
        .node(
            "ReduceMax",
            "most",
            &["active"],
            &["peaks"],
            [("axes", Attribute::Ints(vec![2, 3]))],
        )
        .node("Greater", "strong", &["peaks", "limit"], &["kept"], [])
        .node(
            "Where",
            "channels",
            &["kept", "active", "zero"],
            &["chosen"],
            [],
        )
        .node("Cast", "known", &["mask"], &["masked"], [("to", 9.into())])
        .node("Where", "fixed", &["masked", "chosen", "x"], &["v"], [])
        .node("GlobalAveragePool", "again", &["v"], &["pooled2"], [])
        .node("Flatten", "flat2", &["pooled2"], &["y"], []);
    let network = network(&mut builder).unwrap();
    assert_eq!(
        network.branches(),
        [
            branch("leaky", "Where", BranchScope::Element),
            branch("channels", "Where", BranchScope::Region)
        ]
    );
    assert_eq!(network.batching(), Batching::Whole);
}

#[test]
fn a_number_without_axes_can_be_chosen_by_the_image() {
    let constant = |value: f32| {
        let mut branch = inside();
        branch
            .initializer("by", &[], [value])
            .node("Identity", "same", &["by"], &["number"], [])
            .output("number", ElementType::F32, &[]);
        branch
    };
    let (yes, no) = (constant(5.0), constant(0.0));
    let mut builder = deciding(any_batch());
    builder
        .node_with_graphs(
            "If",
            "gate",
            &["pattern"],
            &["moved"],
            &[("then_branch", &yes), ("else_branch", &no)],
        )
        .node("Add", "add", &["flat", "moved"], &["y"], []);
    decides_for_each_image(&network(&mut builder).unwrap(), 5.0);
}
