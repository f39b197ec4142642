//! A step of training, with batch norms in training mode: logits, gradients and running statistics
//! against PyTorch in f64.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gifthorse_engine::{Array, Device, Mode, Tensor, Trainable, running_means};
use gifthorse_onnx::Model;
use serde::Deserialize;

use crate::{formula, golden};

#[derive(Deserialize)]
struct Golden {
    /// The model file in hexadecimal.
    model: String,
    batch: usize,
    input: Vec<usize>,
    logits: Vec<f32>,
    input_gradient: Vec<f32>,
    gradients: HashMap<String, Vec<f32>>,
    /// Running statistics after the step.
    running: HashMap<String, Vec<f32>>,
}

#[test]
fn a_step_of_training_is_pytorchs() {
    let text = std::fs::read_to_string(golden::path("training_step.json")).unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    let bytes: Vec<u8> = (0..golden.model.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&golden.model[i..i + 2], 16).unwrap())
        .collect();
    let graph = Arc::new(Model::from_bytes(bytes, None).unwrap().graph().unwrap());
    let trained: Vec<String> = golden.gradients.keys().cloned().collect();
    let mode = Mode::Training {
        statistics: running_means(&graph).into_iter().collect::<HashSet<_>>(),
    };
    let device = Device::flex();
    let network = Trainable::new(
        &graph,
        golden.batch,
        &golden.input,
        &trained,
        &mode,
        &device,
    )
    .unwrap();

    let leaf = |values: Vec<f32>| {
        let count = values.len();
        let tensor: Tensor<1> = Array::from_vec(values, &[count], &device).into_tensor();
        tensor.autodiff().require_grad()
    };
    let parameters = network.parameters().unwrap();
    assert_eq!(parameters.len(), trained.len());
    let leaves: Vec<Tensor<1>> = parameters
        .iter()
        .map(|(_, v)| leaf(v.clone().into_vec()))
        .collect();
    let given: Vec<Array> = leaves
        .iter()
        .zip(&parameters)
        .map(|(leaf, (_, value))| Array::from_tensor(leaf.clone()).reshape(&value.shape()))
        .collect();
    let shape: Vec<usize> = [golden.batch]
        .iter()
        .chain(&golden.input)
        .copied()
        .collect();
    let count = shape.iter().product();
    let images = leaf(formula::uniform(formula::FIRST_TENSOR, count, 0.0, 1.0).collect());
    let input = Array::from_tensor(images.clone()).reshape(&shape);
    let outcome = network.forward(input, &given, 0).unwrap();

    let logits = outcome.logits.clone().into_vec();
    let error = golden::relative_error(&logits, &golden.logits);
    assert!(error < 1e-5, "logits: {error:.1e}");

    let coefficients = formula::coefficients(golden.logits.len());
    let coefficients = Array::from_vec(coefficients, &outcome.logits.shape(), &device);
    let loss: Tensor<2> = outcome.logits.mul(coefficients).into_tensor();
    let mut gradients = loss.sum().backward();
    let mut gradient = |leaf: &Tensor<1>| {
        let gradient = leaf.grad_remove(&mut gradients).unwrap();
        Array::from_tensor(gradient).into_vec()
    };
    let error = golden::relative_error(&gradient(&images), &golden.input_gradient);
    assert!(error < 1e-4, "gradient to the images: {error:.1e}");
    for (leaf, (name, _)) in leaves.iter().zip(&parameters) {
        let (given, expected) = (gradient(leaf), &golden.gradients[name]);
        // A bias before a batch norm has no influence: what is left of its gradient is rounding.
        let error = match name.as_str() {
            "conv1.bias" => f64::from(given.iter().fold(0.0f32, |m, v| m.max(v.abs()))),
            _ => golden::relative_error(&given, expected),
        };
        assert!(error < 1e-4, "gradient to {name}: {error:.1e}");
    }

    let mut updated = 0;
    for statistics in &outcome.statistics {
        let names = [&statistics.running_mean, &statistics.running_variance];
        let [mut mean, mut variance] = names.map(|name| graph.initializers[name].to_f32().unwrap());
        statistics.update(&mut mean, &mut variance);
        for (name, values) in names.into_iter().zip([mean, variance]) {
            let error = golden::relative_error(&values, &golden.running[name]);
            assert!(error < 1e-5, "{name}: {error:.1e}");
            updated += 1;
        }
    }
    assert_eq!(updated, golden.running.len());
}
