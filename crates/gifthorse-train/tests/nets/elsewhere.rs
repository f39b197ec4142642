//! Whether onnxruntime makes the same of each network's file: `oracle/attack_nets.py` asked it.

use std::sync::Arc;

use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Model, Tensor};
use gifthorse_train::net::AnyNet;
use serde::Deserialize;

use crate::shape;

#[derive(Deserialize)]
struct Golden {
    input: [usize; 3],
    classes: usize,
    seed: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    net: AnyNet,
    logits: Vec<f32>,
}

/// The fractions of multiples of `step`, from `offset` on.
fn fraction(count: usize, step: f64, offset: f64) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| (offset + step * i as f64).fract())
}

/// The oracle's numbers for batch normalisations, which tell their four parameters apart.
fn fill_norms(model: &mut Model) {
    let graph = model.graph().unwrap();
    for node in &graph.nodes {
        if node.op_type != "BatchNormalization" {
            continue;
        }
        for (place, name) in node.inputs[1..5].iter().enumerate() {
            let name = name.as_ref().unwrap();
            let count = graph.initializers[name].len();
            let centre = if matches!(place, 0 | 3) { 0.5 } else { -0.5 };
            let values: Vec<f32> = fraction(count, 0.37, 0.21 * place as f64)
                .map(|value| (value + centre) as f32)
                .collect();
            let tensor = Tensor::from_f32(name, &[count], &values).unwrap();
            model.set_initializer(name, &tensor).unwrap();
        }
    }
}

#[test]
fn onnxruntime_gives_the_same_logits() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/nets.json")).unwrap();
    let [channels, height, width] = golden.input;
    let input = shape(channels, height, width);
    let images: Vec<f32> = fraction(2 * input.values(), 0.618_034, 0.0)
        .map(|value| value as f32)
        .collect();
    assert_eq!(golden.cases.len(), crate::learning::tiny().len());
    for case in golden.cases {
        let net = case.net.build(input, golden.classes, golden.seed).unwrap();
        let mut model = net.model().clone();
        fill_norms(&mut model);
        let graph = Arc::new(model.graph().unwrap());
        let model = Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap();
        let logits = model.evaluate(&images).unwrap();
        let largest = case.logits.iter().fold(0.0, |m: f32, v| m.max(v.abs()));
        let pairs = logits.iter().zip(&case.logits);
        let apart = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert_eq!(logits.len(), case.logits.len());
        assert!(
            apart < 1e-4 * largest,
            "{:?}: {apart} of {largest}",
            case.net
        );
    }
}
