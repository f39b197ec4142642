//! Layers of models of unusual form: a fixed batch that mixes images, values of several names,
//! results that jump.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_engine::{
    Array, Batching, Classifier, Device, Intervention, Layer, Preprocess, Taps, Tensor,
};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

const UNITS: usize = 4;
const CLASSES: usize = 3;

fn numbers(count: usize, step: f32) -> Vec<f32> {
    (0..count).map(|n| (n as f32 * step).sin()).collect()
}

/// Images of 1x2x2 through a matrix into the units `h`, then what `middle` makes of them as `m`,
/// then a matrix into logits.
fn classifier(batch: Dim, middle: impl FnOnce(&mut GraphBuilder)) -> Classifier {
    let mut builder = GraphBuilder::new("layers", 17);
    let image = [batch, Dim::Fixed(1), Dim::Fixed(2), Dim::Fixed(2)];
    builder
        .input("x", ElementType::F32, &image)
        .initializer("in", &[4, UNITS], numbers(4 * UNITS, 0.7))
        .initializer("out", &[UNITS, CLASSES], numbers(UNITS * CLASSES, 1.3))
        .node("Flatten", "flat", &["x"], &["f"], [])
        .node("MatMul", "into", &["f", "in"], &["h"], []);
    middle(&mut builder);
    builder
        .node("MatMul", "vote", &["m", "out"], &["y"], [])
        .output("y", ElementType::F32, &[]);
    let graph = Arc::new(builder.finish().unwrap().graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

fn any_batch() -> Dim {
    Dim::Named("batch".to_owned())
}

fn images(count: usize) -> Tensor<4> {
    let values: Vec<f32> = (0..count * 4).map(|n| n as f32 * 0.37 % 1.0).collect();
    Array::from_vec(values, &[count, 1, 2, 2], &Device::flex()).into_tensor()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    Array::from_tensor(tensor).into_vec()
}

fn layer(classifier: &Classifier, name: &str) -> Layer {
    classifier.layer(name).unwrap().clone()
}

#[test]
fn a_model_that_mixes_the_images_of_a_fixed_batch_is_looked_into_part_by_part() {
    // The mean of two images is taken off each.
    let classifier = classifier(Dim::Fixed(2), |builder| {
        let axes = [("axes", Attribute::Ints(vec![0]))];
        builder
            .node("ReduceMean", "mean", &["h"], &["a"], axes)
            .node("Sub", "apart", &["h", "a"], &["m"], []);
    });
    assert_eq!(classifier.network().batching(), Batching::Parts(2));
    let h = layer(&classifier, "h");
    let logits = values(classifier.logits(images(3)).unwrap());
    let (head, tail) = classifier.split_at(&h).unwrap();
    let features = head.features(images(3)).unwrap();
    assert_eq!(features.shape(), [3, UNITS]);
    let of = |features: Array| values(tail.logits(features).unwrap());
    assert_eq!(of(features.clone()), logits);

    let taps = Taps::with_gradients(&[h.clone(), h]);
    let tapped = classifier.run(images(3), &taps).unwrap();
    assert_eq!(values(tapped.logits.clone()), logits);
    let weights = numbers(3 * CLASSES, 1.7);
    let scalar =
        |logits: Vec<f32>| -> f32 { logits.iter().zip(&weights).map(|(l, w)| l * w).sum() };
    let given = Array::from_vec(weights.clone(), &[3, CLASSES], &Device::flex());
    let gradients = (tapped.logits * given.into_tensor()).sum().backward();
    let base = features.into_vec();
    for feature in &tapped.features {
        assert_eq!(feature.value().clone().into_vec(), base);
        let gradient = feature.gradient(&gradients).unwrap().into_vec();
        // The tail is linear, so that any step gives its slope.
        for (at, slope) in gradient.iter().enumerate() {
            let mut moved = base.clone();
            moved[at] += 1.0;
            let moved = Array::from_vec(moved, &[3, UNITS], &Device::flex());
            let wanted = scalar(of(moved)) - scalar(logits.clone());
            assert!((slope - wanted).abs() < 1e-5, "{at}: {slope} {wanted}");
        }
        assert!(gradient.iter().any(|slope| slope.abs() > 0.1));
    }
}

#[test]
fn a_value_of_several_names_is_one_layer() {
    // The identity is read by one summand, the value behind it by the other.
    let classifier = classifier(any_batch(), |builder| {
        builder
            .node("Identity", "same", &["h"], &["i"], [])
            .node("Relu", "relu", &["i"], &["r"], [])
            .node("Add", "both", &["h", "r"], &["m"], []);
    });
    let names: Vec<&str> = classifier
        .layers()
        .unwrap()
        .iter()
        .map(Layer::name)
        .collect();
    assert_eq!(names, ["f", "h", "r", "m", "y"]);
    assert_eq!(layer(&classifier, "i"), layer(&classifier, "h"));
    assert!(classifier.layer("x").is_err() && classifier.layer("in").is_err());
    // All of it comes from `h`, so that nothing is left of the logits without its units.
    let all: Vec<usize> = (0..UNITS).collect();
    let mask = Intervention::mask(&layer(&classifier, "i"), &all, &Device::flex()).unwrap();
    let off = classifier.with([mask]).unwrap();
    assert!(
        values(off.logits(images(2)).unwrap())
            .iter()
            .all(|l| *l == 0.0)
    );
}

#[test]
fn a_model_that_jumps_behind_a_layer_gives_the_same_bits_in_two_pieces() {
    // Sums that are zero but for rounding, whose sign decides.
    let classifier = classifier(any_batch(), |builder| {
        builder
            .initializer("most", &[UNITS], numbers(UNITS, 0.9))
            .node("Mul", "scaled", &["h", "most"], &["s"], [])
            .node("Div", "back", &["s", "most"], &["b"], [])
            .node("Sub", "nothing", &["b", "h"], &["d"], [])
            .node("Sign", "sign", &["d"], &["m"], []);
    });
    let logits = values(classifier.logits(images(5)).unwrap());
    let layers = classifier.layers().unwrap();
    let tapped = classifier
        .run(images(5), &Taps::with_gradients(layers))
        .unwrap();
    assert_eq!(values(tapped.logits), logits);
    for name in ["h", "d", "m", "y"] {
        let (head, tail) = classifier
            .split_at(&layer(&classifier, name))
            .unwrap_or_else(|error| {
                panic!("{name}: {error}");
            });
        let features = head.features(images(5)).unwrap();
        assert_eq!(values(tail.logits(features).unwrap()), logits, "{name}");
    }
}

#[test]
fn interventions_are_made_one_after_the_other_and_factors_have_gradients() {
    let device = Device::flex();
    let classifier = classifier(any_batch(), |builder| {
        builder.node("Relu", "relu", &["h"], &["m"], []);
    });
    let m = layer(&classifier, "m");
    let before = classifier
        .run(images(2), &Taps::values(std::slice::from_ref(&m)))
        .unwrap();
    let before = before.features[0].value().clone().into_vec();
    let factors = Tensor::<1>::from_floats([3.0, 0.5, 2.0, 1.0], &device.clone().autodiff());
    let factors = factors.require_grad();
    let scale = Intervention::scale(&m, factors.clone()).unwrap();
    let bound = Intervention::bound(&m, Tensor::from_floats([0.4; UNITS], &device)).unwrap();
    let both = classifier.with([scale]).unwrap().with([bound]).unwrap();
    assert_eq!(both.interventions().len(), 2);
    let tapped = both.run(images(2), &Taps::values(&[m])).unwrap();
    let after = tapped.features[0].value().clone().into_vec();
    let wanted: Vec<f32> = before
        .iter()
        .zip([3.0, 0.5, 2.0, 1.0].iter().cycle())
        .map(|(value, factor)| (value * factor).min(0.4))
        .collect();
    assert_eq!(after, wanted);
    assert!(after.contains(&0.4) && after.iter().any(|v| *v > 0.0 && *v < 0.4));
    // Where the bound holds, the factor has no say.
    let sum: Tensor<2> = tapped.features[0].value().clone().into_tensor();
    let gradient = values(factors.grad(&sum.sum().backward()).unwrap());
    for (unit, slope) in gradient.into_iter().enumerate() {
        let rows = (0..2).map(|row| row * UNITS + unit);
        let free = rows.filter(|&at| after[at] < 0.4).map(|at| before[at]);
        assert!((slope - free.sum::<f32>()).abs() < 1e-6, "unit {unit}");
    }
    // Predictions take the same numbers untracked.
    let pixels = values(images(2));
    assert_eq!(both.evaluate(&pixels).unwrap(), values(tapped.logits));
}

#[test]
fn hinges_are_where_a_layer_is_a_flat_function_of_another() {
    let classifier = classifier(any_batch(), |builder| {
        builder
            .initializer("low", &[], [-0.5])
            .initializer("high", &[], [0.25])
            .initializer("bounds", &[UNITS], [0.1, 0.4, 0.2, 0.3])
            .node("Relu", "relu", &["h"], &["r"], [])
            .node("Clip", "clip", &["h", "low", "high"], &["c"], [])
            .node("Max", "max", &["bounds", "r"], &["b"], [])
            .node("Greater", "over", &["c", "bounds"], &["o"], [])
            .node("Cast", "cast", &["o"], &["t"], [("to", 1.into())])
            .node("Tanh", "tanh", &["c"], &["s"], [])
            .node("Abs", "abs", &["s"], &["a"], [])
            .node("Sum", "sum", &["b", "t", "a"], &["m"], []);
    });
    let found: Vec<(&str, &str, &str, f32, f32)> = classifier
        .network()
        .hinges()
        .unwrap()
        .iter()
        .map(|hinge| {
            let (from, to) = (hinge.before.name(), hinge.after.name());
            (
                &hinge.node[..],
                from,
                to,
                hinge.flat_below,
                hinge.flat_above,
            )
        })
        .collect();
    let never = f32::INFINITY;
    assert_eq!(
        found,
        [
            ("relu", "h", "r", 0.0, never),
            ("clip", "h", "c", -0.5, 0.25),
            ("max", "r", "b", 0.1, never),
            ("over", "c", "o", 0.1, 0.4),
            ("tanh", "c", "s", -6.0, 6.0),
        ]
    );
}

#[test]
fn a_head_ends_at_a_layer_that_others_pass_by() {
    let classifier = classifier(any_batch(), |builder| {
        builder.node("Relu", "relu", &["h"], &["r"], []).node(
            "Add",
            "both",
            &["h", "r"],
            &["m"],
            [],
        );
    });
    let relu = layer(&classifier, "r");
    assert!(classifier.split_at(&relu).is_err());
    let tapped = classifier
        .run(images(3), &Taps::values(std::slice::from_ref(&relu)))
        .unwrap();
    let wanted = tapped.features[0].value().clone().into_vec();
    let of = |classifier: &Classifier| {
        let head = classifier.head(&relu).unwrap();
        head.features(images(3)).unwrap().into_vec()
    };
    assert_eq!(of(&classifier), wanted);
    // Interventions count before the layer and at it, and those behind it are left off.
    let floor = |name: &str, least: f32| {
        let bounds = Tensor::from_floats([least; UNITS], &Device::flex());
        Intervention::floor(&layer(&classifier, name), bounds).unwrap()
    };
    let changed = classifier.with([floor("h", 0.3), floor("m", 9.0)]).unwrap();
    let raised: Vec<f32> = wanted.iter().map(|value| value.max(0.3)).collect();
    assert_eq!(of(&changed), raised);
}
