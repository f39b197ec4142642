//! The last affine part of a model, whatever it is made of.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_engine::{AffineEnd, Classifier, Device, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

const CLASSES: usize = 3;
const CHANNELS: usize = 2;

/// Weights `[channels, classes]`.
const OUT: [f32; CHANNELS * CLASSES] = [1.0, -2.0, 4.0, 0.5, 3.0, -1.0];

/// Images of 1x4x4 through a convolution and a ReLU into `h`, `[2, 4, 4]`, and what `end` makes of
/// that as `y`.
fn classifier(end: impl FnOnce(&mut GraphBuilder)) -> Classifier {
    let mut builder = GraphBuilder::new("affine", 17);
    let image = [
        Dim::Named("batch".to_owned()),
        Dim::Fixed(1),
        Dim::Fixed(4),
        Dim::Fixed(4),
    ];
    builder
        .input("x", ElementType::F32, &image)
        .initializer("kernel", &[CHANNELS, 1, 1, 1], vec![1.0, -1.0])
        .initializer("shift", &[CHANNELS], vec![-0.3, 0.6])
        .initializer("out", &[CHANNELS, CLASSES], OUT)
        .initializer("bias", &[CLASSES], vec![1.0, 2.0, 6.0])
        .node("Conv", "conv", &["x", "kernel", "shift"], &["c"], [])
        .node("Relu", "relu", &["c"], &["h"], []);
    end(&mut builder);
    builder.output("y", ElementType::F32, &[]);
    let graph = Arc::new(builder.finish().unwrap().graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

fn pooled(builder: &mut GraphBuilder) {
    builder
        .node("GlobalAveragePool", "pool", &["h"], &["p"], [])
        .node("Flatten", "flat", &["p"], &["f"], []);
}

fn end_of(classifier: &Classifier) -> Option<&AffineEnd> {
    classifier.network().affine_end().unwrap()
}

/// The weights that each position of a channel has where the mean over 16 goes into `OUT`, less the
/// mean over the classes.
fn expected() -> Vec<f32> {
    let weight = |class: usize, channel: usize| {
        let of_channel = &OUT[channel * CLASSES..(channel + 1) * CLASSES];
        let mean = of_channel.iter().sum::<f32>() / CLASSES as f32;
        (of_channel[class] - mean) / 16.0
    };
    let classes = (0..CLASSES).flat_map(|class| (0..CHANNELS).map(move |it| (class, it)));
    classes
        .flat_map(|(class, channel)| [weight(class, channel); 16])
        .collect()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

#[test]
fn a_product_and_a_sum_behind_a_pool_are_taken_together() {
    let classifier = classifier(|builder| {
        pooled(builder);
        builder
            .node("MatMul", "vote", &["f", "out"], &["v"], [])
            .node("Add", "sum", &["v", "bias"], &["y"], []);
    });
    let end = end_of(&classifier).unwrap();
    assert_eq!((end.layer.name(), end.units()), ("h", CHANNELS * 16));
    assert_close(&end.weights, &expected());
    assert_close(&end.bias, &[-2.0, -1.0, 3.0]);
}

#[test]
fn a_convolution_of_one_pixel_before_the_pool_is_the_same() {
    let transposed: Vec<f32> = (0..CLASSES)
        .flat_map(|class| (0..CHANNELS).map(move |channel| OUT[channel * CLASSES + class]))
        .collect();
    let classifier = classifier(|builder| {
        builder
            .initializer("filters", &[CLASSES, CHANNELS, 1, 1], transposed)
            .node("Conv", "vote", &["h", "filters", "bias"], &["v"], [])
            .node("GlobalAveragePool", "pool", &["v"], &["p"], [])
            .node("Flatten", "flat", &["p"], &["y"], []);
    });
    let end = end_of(&classifier).unwrap();
    assert_eq!(end.layer.name(), "h");
    assert_close(&end.weights, &expected());
}

#[test]
fn the_logarithm_of_probabilities_is_looked_through() {
    let axis = [("axis", Attribute::Int(1))];
    let classifier = classifier(|builder| {
        pooled(builder);
        builder
            .node("MatMul", "vote", &["f", "out"], &["v"], [])
            .node("LogSoftmax", "log", &["v"], &["y"], axis);
    });
    assert_close(&end_of(&classifier).unwrap().weights, &expected());
}

#[test]
fn logits_that_are_bent_have_no_affine_end() {
    let classifier = classifier(|builder| {
        pooled(builder);
        builder
            .node("MatMul", "vote", &["f", "out"], &["v"], [])
            .node("Elu", "bend", &["v"], &["y"], []);
    });
    assert_eq!(end_of(&classifier), None);
}

#[test]
fn logits_that_are_clipped_far_away_are_no_affine_function() {
    let classifier = classifier(|builder| {
        pooled(builder);
        builder
            .initializer("least", &[], vec![-20.0])
            .initializer("most", &[], vec![20.0])
            .node("MatMul", "vote", &["f", "out"], &["v"], [])
            .node("Clip", "clip", &["v", "least", "most"], &["y"], []);
    });
    assert_eq!(end_of(&classifier), None);
}
