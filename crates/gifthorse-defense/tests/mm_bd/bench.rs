//! Two-layer nets made by hand: each class looks at a block of pixels of its own.

use std::sync::Arc;

use gifthorse_defense::detect::Detector;
use gifthorse_defense::detect::mm_bd::{Config, MmBd, Preset};
use gifthorse_defense::finding::Finding;
use gifthorse_defense::search::{KeepNothing, Silent, search};
use gifthorse_defense::subject::{Facts, Subject};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

/// Height and width of the images.
pub const SIDE: usize = 8;
pub const CLASSES: usize = 8;

/// What comes after the logits.
#[derive(Clone, Copy, PartialEq)]
pub enum End {
    /// Nothing: they are the output.
    Logits,
    /// Probabilities, not at the very end, where they would be left off.
    Probabilities,
    /// `tanh`, which caps them softly.
    Tanh,
    /// A cut at 6, above what random pixels reach.
    Clip,
    /// Their sign, which has no gradient.
    Sign,
    /// Their exponential twice over, which is infinite in f32.
    Explosion,
}

/// A net whose classes answer to eight pixels each; those of `targets` are driven further by a
/// hidden unit each that two more pixels of theirs switch on.
pub fn net(targets: &[usize], end: End) -> Classifier {
    let pixels = SIDE * SIDE;
    let hidden = CLASSES + targets.len();
    let mut first = vec![0.0; pixels * hidden];
    let mut second = vec![0.0; hidden * CLASSES];
    for class in 0..CLASSES {
        // Some classes answer more readily than others.
        let strength = 1.0 + 0.05 * (class as f32 * 3.0 % 8.0);
        for pixel in class * 7..class * 7 + 7 {
            first[pixel * hidden + class] = strength;
        }
        second[class * CLASSES + class] = 1.0;
    }
    for (at, &target) in targets.iter().enumerate() {
        let unit = CLASSES + at;
        first[(pixels - 1 - at) * hidden + unit] = 2.0;
        second[unit * CLASSES + target] = 6.0;
    }
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(1), Dim::Fixed(SIDE), Dim::Fixed(SIDE)];
    let mut builder = GraphBuilder::new("by-hand", 17);
    builder
        .input("image", ElementType::F32, &image)
        .initializer("first", &[pixels, hidden], first)
        .initializer("second", &[hidden, CLASSES], second)
        .initializer("one", &[1], vec![1.0])
        .initializer("steep", &[1], vec![8.0])
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "in", &["pixels", "first"], &["sums"], [])
        .node("Relu", "relu", &["sums"], &["units"], [])
        .node("MatMul", "out", &["units", "second"], &["score"], []);
    match end {
        End::Logits => builder.node("Identity", "end", &["score"], &["logits"], []),
        End::Probabilities => builder
            .node("Mul", "scale", &["score", "steep"], &["scaled"], [])
            .node(
                "Softmax",
                "softmax",
                &["scaled"],
                &["probabilities"],
                [("axis", Attribute::Int(1))],
            )
            .node("Add", "end", &["probabilities", "one"], &["logits"], []),
        End::Tanh => builder.node("Tanh", "end", &["score"], &["logits"], []),
        End::Clip => builder
            .initializer("low", &[], vec![0.0])
            .initializer("high", &[], vec![6.0])
            .node("Clip", "end", &["score", "low", "high"], &["logits"], []),
        End::Sign => builder.node("Sign", "end", &["score"], &["logits"], []),
        End::Explosion => builder.node("Exp", "exp", &["score"], &["large"], []).node(
            "Exp",
            "end",
            &["large"],
            &["logits"],
            [],
        ),
    };
    let model = builder
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(CLASSES)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// All classes, searched under a preset.
pub fn searched(classifier: &Classifier, preset: Preset, seed: u64) -> Vec<Finding> {
    let detector = MmBd::new(Config::preset(preset));
    let subject = Subject {
        classifier,
        images: None,
        seed,
        facts: &Facts::default(),
    };
    let units = detector.units(classifier.classes());
    search(&detector, &subject, &units, &Silent, &KeepNothing)
        .unwrap()
        .units
}

/// A number that is told beside the margin.
pub fn measure(finding: &Finding, name: &str) -> f64 {
    let mut measures = finding.measures.iter();
    measures.find(|measure| measure.name == name).unwrap().value
}

/// Findings without times.
pub fn timeless(findings: Vec<Finding>) -> Vec<Finding> {
    let no_time = |finding| Finding {
        seconds: 0.0,
        ..finding
    };
    findings.into_iter().map(no_time).collect()
}
