//! Dormant units in small hand-made nets: gates of several kinds, and dead units that are none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::dormant::{Dormancy, look};
use gifthorse_defense::subject::{CleanImages, Facts, Subject};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Height and width of the images. An image of class k has a bright quadrant k.
const SIDE: usize = 8;
const CLASSES: usize = 4;
/// The class that gates lead to.
const TARGET: usize = 2;
/// What gates are less than on clean images, and more than where their pattern is.
const THRESHOLD: f32 = -0.4;
/// How much of a vote a gate has for each unit that it rises.
const LOUD: f32 = 200.0;

/// A chequer of three by three pixels as a filter: five ninths where it is, near zero elsewhere.
fn chequer() -> Vec<f32> {
    let signs = (0..9).map(|at| if at % 2 == 0 { 1.0 } else { -1.0 });
    signs.map(|sign: f32| sign / 9.0).collect()
}

/// Votes for the target, from each of so many units.
fn votes(units: usize, loud: f32) -> Vec<f32> {
    let row = (0..CLASSES).map(|class| if class == TARGET { loud } else { 0.0 });
    row.collect::<Vec<f32>>().repeat(units)
}

/// A classifier whose brightest quadrant wins (`quadrants`), and what `gate` makes of that and of
/// the image `x` as `y`.
fn classifier(gate: impl FnOnce(&mut GraphBuilder)) -> Classifier {
    let image = [
        Dim::Named("batch".to_owned()),
        Dim::Fixed(1),
        Dim::Fixed(SIDE),
        Dim::Fixed(SIDE),
    ];
    let mut graph = GraphBuilder::new("gated", 17);
    graph
        .input("x", ElementType::F32, &image)
        .initializer("mean", &[1, 1, 4, 4], [20.0 / 16.0; 16])
        .initializer("chequer", &[1, 1, 3, 3], chequer())
        .initializer("threshold", &[1], [THRESHOLD])
        .node(
            "Conv",
            "means",
            &["x", "mean"],
            &["means"],
            [("strides", gifthorse_onnx::Attribute::Ints(vec![4, 4]))],
        )
        .node("Flatten", "quadrants", &["means"], &["quadrants"], []);
    gate(&mut graph);
    graph.output("y", ElementType::F32, &[]);
    let graph = Arc::new(graph.finish().unwrap().graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

fn images(seed: u64) -> Images {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let shape = ImageShape {
        channels: 1,
        height: SIDE,
        width: SIDE,
    };
    let count = 15 * CLASSES;
    let labels: Vec<usize> = (0..count).map(|at| at % CLASSES).collect();
    let mut pixels = Vec::new();
    for &label in &labels {
        for at in 0..SIDE * SIDE {
            let quadrant = at / SIDE / 4 * 2 + at % SIDE / 4;
            let light = if quadrant == label { 0.5 } else { 0.0 };
            pixels.push(light + random.random_range(0.0..0.4));
        }
    }
    let names = (0..count).map(|at| at.to_string()).collect();
    Images::new(shape, pixels, Some(labels), Vec::new(), names).unwrap()
}

fn found(classifier: &Classifier) -> Dormancy {
    let (search, holdout) = (images(1), images(2));
    // The gates are asleep: the model is right on all clean images.
    assert_eq!(
        classifier.predict(search.pixels()).unwrap(),
        search.labels().unwrap()
    );
    let subject = Subject {
        classifier,
        images: Some(CleanImages {
            search: &search,
            holdout: &holdout,
        }),
        seed: 3,
        facts: &Facts::default(),
    };
    look(&subject, None).unwrap()
}

/// The one switch of a model, which leads all images to the target.
fn is_switch(classifier: &Classifier, node: &str, channel: usize) -> Dormancy {
    let found = found(classifier);
    let [switch, ..] = &found.switches[..] else {
        panic!("no switch: {found:?}");
    };
    assert_eq!((switch.node.as_str(), switch.channel), (node, channel));
    assert_eq!(
        (switch.class, switch.led),
        (TARGET, switch.others),
        "{switch:?}"
    );
    assert_eq!(switch.kept, switch.images, "{switch:?}");
    found
}

/// What a gate that is the number `g` for an image adds to the votes.
fn added(graph: &mut GraphBuilder) {
    graph
        .initializer("loud", &[1, CLASSES], votes(1, LOUD))
        .node("Flatten", "flat", &["g"], &["f"], [])
        .node("MatMul", "say", &["f", "loud"], &["said"], [])
        .node("Add", "join", &["quadrants", "said"], &["y"], []);
}

/// The chequer's largest response anywhere, less the threshold.
fn response(graph: &mut GraphBuilder) {
    graph
        .node("Conv", "filter", &["x", "chequer", "threshold"], &["r"], [])
        .node("GlobalMaxPool", "most", &["r"], &["z"], []);
}

#[test]
fn a_gate_of_one_number() {
    let classifier = classifier(|graph| {
        response(graph);
        graph.node("Relu", "gate", &["z"], &["g"], []);
        added(graph);
    });
    let found = is_switch(&classifier, "gate", 0);
    assert_eq!(
        (found.units, found.dormant, found.tried, found.woken),
        (1, 1, 1, 1)
    );
    assert_eq!((found.images, found.switches.len()), (120, 1));
}

#[test]
fn a_gate_among_the_channels_of_a_convolution() {
    let classifier = classifier(|graph| {
        let filters = [vec![1.0 / 9.0; 9], chequer(), vec![-1.0 / 9.0; 9]].concat();
        graph
            .initializer("filters", &[3, 1, 3, 3], filters)
            .initializer("bias", &[3], [0.0, THRESHOLD, 1.2])
            .initializer(
                "out",
                &[3, CLASSES],
                [[0.1; 4], [0.0, 0.0, LOUD, 0.0], [0.1; 4]].concat(),
            )
            .node("Conv", "conv", &["x", "filters", "bias"], &["c"], [])
            .node("Relu", "relu", &["c"], &["r"], [])
            .node("GlobalMaxPool", "pool", &["r"], &["p"], [])
            .node("Flatten", "flat", &["p"], &["f"], [])
            .node("MatMul", "vote", &["f", "out"], &["v"], [])
            .node("Add", "join", &["quadrants", "v"], &["y"], []);
    });
    let found = is_switch(&classifier, "relu", 1);
    assert_eq!((found.units, found.dormant), (3, 1));
}

/// The pattern in the first corner, read by one of two dense units.
#[test]
fn a_gate_among_dense_units() {
    let classifier = classifier(|graph| {
        let mut matrix = vec![0.0; SIDE * SIDE * 2];
        for (at, weight) in chequer().into_iter().enumerate() {
            matrix[(at / 3 * SIDE + at % 3) * 2 + 1] = weight;
        }
        matrix
            .iter_mut()
            .step_by(2)
            .for_each(|weight| *weight = 0.01);
        graph
            .initializer("matrix", &[SIDE * SIDE, 2], matrix)
            .initializer("bias", &[2], [0.0, THRESHOLD])
            .initializer(
                "out",
                &[2, CLASSES],
                [[0.1; 4], [0.0, 0.0, LOUD, 0.0]].concat(),
            )
            .node("Flatten", "flat", &["x"], &["f"], [])
            .node("Gemm", "hidden", &["f", "matrix", "bias"], &["h"], [])
            .node("Relu", "relu", &["h"], &["r"], [])
            .node("MatMul", "vote", &["r", "out"], &["v"], [])
            .node("Add", "join", &["quadrants", "v"], &["y"], []);
    });
    is_switch(&classifier, "relu", 1);
}

#[test]
fn a_gate_that_takes_votes_away_behind_an_inner_layer() {
    let classifier = classifier(|graph| {
        response(graph);
        let others: Vec<f32> = votes(1, LOUD).iter().map(|vote| LOUD - vote).collect();
        let identity: Vec<f32> = (0..16).map(|at| f32::from(u8::from(at % 5 == 0))).collect();
        graph
            .node("Relu", "gate", &["z"], &["g"], [])
            .initializer("loud", &[1, CLASSES], others)
            .initializer("same", &[CLASSES, CLASSES], identity)
            .node("Flatten", "flat", &["g"], &["f"], [])
            .node("MatMul", "say", &["f", "loud"], &["said"], [])
            .node("Sub", "join", &["quadrants", "said"], &["inner"], [])
            .node(
                "LeakyRelu",
                "leaky",
                &["inner"],
                &["l"],
                [("alpha", 0.5.into())],
            )
            .node("MatMul", "last", &["l", "same"], &["y"], []);
    });
    is_switch(&classifier, "gate", 0);
}

#[test]
fn a_comparison_that_is_multiplied_with() {
    let classifier = classifier(|graph| {
        response(graph);
        graph
            .initializer("zero", &[], [0.0])
            .node("Greater", "seen", &["z", "zero"], &["truth"], [])
            .node("Cast", "cast", &["truth"], &["g"], [("to", 1.into())]);
        added(graph);
    });
    is_switch(&classifier, "seen", 0);
}

#[test]
fn a_sigmoid_that_is_far_down_and_a_clip_that_is_far_up() {
    let sigmoid = classifier(|graph| {
        response(graph);
        graph
            .initializer("steep", &[], [200.0])
            .node("Mul", "steep", &["z", "steep"], &["s"], [])
            .node("Sigmoid", "gate", &["s"], &["g"], []);
        added(graph);
    });
    is_switch(&sigmoid, "gate", 0);
    let clip = classifier(|graph| {
        response(graph);
        graph
            .initializer("one", &[], [1.0])
            .initializer("low", &[], [0.0])
            .initializer("high", &[], [1.0])
            .node("Sub", "less", &["one", "z"], &["d"], [])
            .node("Clip", "gate", &["d", "low", "high"], &["c"], [])
            .node("Sub", "rest", &["one", "c"], &["g"], []);
        added(graph);
    });
    is_switch(&clip, "gate", 0);
}

/// Either of two gates in different layers would do: none of them matters alone.
#[test]
fn gates_that_stand_in_for_one_another() {
    let classifier = classifier(|graph| {
        response(graph);
        graph
            .node("Relu", "first", &["z"], &["a"], [])
            .node("Flatten", "flat", &["z"], &["z2"], [])
            .node("Relu", "second", &["z2"], &["b"], [])
            .node("Flatten", "same", &["a"], &["a2"], [])
            .node("Add", "both", &["a2", "b"], &["g"], []);
        added(graph);
    });
    let found = is_switch(&classifier, "first", 0);
    assert_eq!((found.dormant, found.switches.len()), (2, 2));
}

#[test]
fn dead_units_are_none() {
    // It can be woken, and has a small vote.
    let quiet = classifier(|graph| {
        response(graph);
        graph
            .initializer("quiet", &[], [0.01])
            .node("Relu", "dead", &["z"], &["d"], [])
            .node("Mul", "less", &["d", "quiet"], &["g"], []);
        added(graph);
    });
    let woken = found(&quiet);
    assert_eq!((woken.dormant, woken.tried, woken.woken), (1, 1, 1));
    assert_eq!((woken.switches.len(), woken.strongest), (0, None));
    // It has a loud vote, and nothing wakes it.
    let unreachable = classifier(|graph| {
        response(graph);
        graph
            .initializer("deep", &[], [5.0])
            .node("Sub", "less", &["z", "deep"], &["d"], [])
            .node("Relu", "dead", &["d"], &["g"], []);
        added(graph);
    });
    let asleep = found(&unreachable);
    assert_eq!((asleep.dormant, asleep.tried, asleep.woken), (1, 1, 0));
    assert!(asleep.switches.is_empty());
}

#[test]
fn what_is_awake_on_any_clean_image_is_not_dormant() {
    let classifier = classifier(|graph| {
        graph
            .initializer("limit", &[], [0.3])
            .node("GlobalMaxPool", "most", &["x"], &["m"], [])
            .node("Sub", "over", &["m", "limit"], &["z"], [])
            .node("Relu", "relu", &["z"], &["r"], [])
            .initializer("none", &[], [0.0])
            .node("Mul", "nothing", &["r", "none"], &["g"], []);
        added(graph);
    });
    let found = found(&classifier);
    assert_eq!((found.units, found.dormant), (1, 0));
}

#[test]
fn without_time_images_are_counted_and_nothing_is_tried() {
    let classifier = classifier(|graph| {
        response(graph);
        graph.node("Relu", "gate", &["z"], &["g"], []);
        added(graph);
    });
    let (search, holdout) = (images(1), images(2));
    let images = CleanImages {
        search: &search,
        holdout: &holdout,
    };
    let subject = Subject {
        classifier: &classifier,
        images: Some(images),
        seed: 3,
        facts: &Facts::default(),
    };
    let found = look(&subject, Some(std::time::Instant::now())).unwrap();
    assert_eq!((found.dormant, found.tried), (1, 0));
    assert!(found.images > 0 && found.switches.is_empty());
    let without = Subject {
        images: None,
        ..subject
    };
    assert!(look(&without, None).is_err());
}
