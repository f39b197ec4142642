//! Training mode.

use std::collections::HashSet;

use super::*;
use crate::running_means;

/// The weights of `normalised` that only shift what comes into a batch norm, which takes that away.
const IDLE: [usize; 3] = [1, 11, 13];

/// Convolutions with batch norms in all places: before a sum, after one, after a fully connected
/// layer; with dropouts of maps and vectors.
fn normalised() -> (Arc<Graph>, Vec<String>) {
    let mut net = Net::new();
    net.conv([4, 20], 1, 1, true);
    norm(&mut net, 20);
    let start = net.node("Relu", &[], []);
    net.conv([20, 20], 1, 1, false);
    let other = norm(&mut net, 20);
    net.last = start;
    net.conv([20, 20], 20, 1, false);
    norm(&mut net, 20);
    net.node("Add", &[&other], []);
    net.node("Relu", &[], []);
    dropout(&mut net, 0.25);
    norm(&mut net, 20);
    let attributes = [("kernel_shape", [2, 2].into()), ("strides", [2, 2].into())];
    net.node("MaxPool", &[], attributes);
    net.node("Flatten", &[], []);
    let (weight, bias) = (net.weight(&[7, 240], 0.1), net.weight(&[7], 0.5));
    net.node("Gemm", &[&weight, &bias], [("transB", 1.into())]);
    norm(&mut net, 7);
    dropout(&mut net, 0.5);
    let weight = net.weight(&[7, 3], 0.5);
    net.node("MatMul", &[&weight], []);
    net.graph(3)
}

fn norm(net: &mut Net, channels: usize) -> String {
    let (scale, bias) = (net.weight(&[channels], 1.0), net.weight(&[channels], 0.5));
    let running = ["mean", "variance"].map(|part| {
        let name = format!("{part}{}", net.nodes);
        let values = numbers(channels, net.nodes)
            .iter()
            .map(|v| 1.5 + v)
            .collect::<Vec<_>>();
        net.graph.initializer(&name, &[channels], values);
        name
    });
    let [mean, variance] = running.each_ref().map(String::as_str);
    net.node("BatchNormalization", &[&scale, &bias, mean, variance], [])
}

fn dropout(net: &mut Net, ratio: f32) -> String {
    let name = format!("ratio{}", net.nodes);
    net.graph.initializer(&name, &[], vec![ratio]);
    net.node("Dropout", &[&name], [])
}

fn training(graph: &Graph) -> Mode {
    Mode::Training {
        statistics: running_means(graph).into_iter().collect(),
    }
}

fn in_training(graph: &Graph, trained: &[String]) -> Program {
    lowered_for(graph, trained, BATCH, &INPUT, &training(graph))
}

fn assert_close(wanted: &[f32], given: &[f32], tolerance: f32, what: &str) {
    assert_eq!(wanted.len(), given.len(), "{what}");
    let size = wanted.iter().fold(0.0f32, |max, v| max.max(v.abs()));
    assert!(size > 1e-3, "{what} says nothing");
    let apart = wanted.iter().zip(given).map(|(a, b)| (a - b).abs());
    let apart = apart.fold(
        0.0,
        |max: f32, v| if v > max || v.is_nan() { v } else { max },
    );
    assert!(apart < tolerance * size, "{what}: {apart} of {size}");
}

#[test]
fn segments_train_as_the_reference_does() {
    let (graph, weights) = normalised();
    let idle = IDLE.map(|at| weights[at].clone());
    for share in [1, 2, 3] {
        let chosen = weights
            .iter()
            .step_by(share)
            .filter(|name| !idle.contains(name));
        let trained: Vec<String> = chosen.cloned().collect();
        let program = in_training(&graph, &trained);
        let compiled = Compiled::new(program.clone()).unwrap();
        let segments = compiled.describe();
        let segments = segments
            .iter()
            .filter(|p| matches!(p, PlanPart::Segment(_)));
        assert_eq!(segments.count(), 1, "all layers are in one segment");
        let (wanted, given) = (run(&Compiled::by_steps(program)), run(&compiled));
        assert_eq!(wanted.len(), given.len());
        for (at, (wanted, given)) in wanted.iter().zip(&given).enumerate() {
            let what = format!("result {at} of {trained:?}");
            assert_close(wanted, given, 1e-4, &what);
        }
    }
}

/// Logits and statistics of a batch, untracked.
fn outcome(graph: &Arc<Graph>, mode: &Mode, seed: u64) -> Outcome {
    let device = Device::flex();
    let network = Trainable::new(graph, BATCH, &INPUT, &[], mode, &device).unwrap();
    let shape = [BATCH, INPUT[0], INPUT[1], INPUT[2]];
    let images = Array::from_vec(numbers(shape.iter().product(), 50), &shape, &device);
    network.forward(images, &[], seed).unwrap()
}

#[test]
fn statistics_are_those_of_the_reference_and_of_listed_norms_alone() {
    let (graph, _) = normalised();
    let given = outcome(&graph, &training(&graph), 5).statistics;
    let program = in_training(&graph, &[]);
    let shape = program.input_shape.clone();
    let images = Array::from_vec(numbers(shape.iter().product(), 50), &shape, &Device::flex());
    let reference = Compiled::by_steps(program);
    let (.., wanted) = reference
        .run_seeded(images, &[], &[], &Edits::new(), 5)
        .unwrap();
    assert_eq!((given.len(), wanted.len()), (5, 5));
    for (given, wanted) in given.iter().zip(&wanted) {
        assert_eq!(given.running_mean, wanted.running_mean);
        assert_eq!(given.running_variance, wanted.running_variance);
        assert_eq!(given.count, wanted.count);
        assert!((given.rate - 0.1).abs() < 1e-6);
        assert_close(&wanted.mean, &given.mean, 1e-5, &given.running_mean);
        assert_close(
            &wanted.variance,
            &given.variance,
            1e-5,
            &given.running_variance,
        );
    }

    let some = running_means(&graph).split_off(3);
    let mode = Mode::Training {
        statistics: some.iter().cloned().collect(),
    };
    let listed = outcome(&graph, &mode, 5).statistics;
    let names: Vec<&String> = listed.iter().map(|s| &s.running_mean).collect();
    assert_eq!(names, some.iter().collect::<Vec<_>>());
}

#[test]
fn frozen_norms_without_dropout_are_inference() {
    let (graph, _) = convolutional();
    let mode = Mode::Training {
        statistics: HashSet::new(),
    };
    let (frozen, inference) = (
        outcome(&graph, &mode, 1),
        outcome(&graph, &Mode::Inference, 2),
    );
    assert_eq!(frozen.logits.into_vec(), inference.logits.into_vec());
    assert!(frozen.statistics.is_empty() && inference.statistics.is_empty());
    let trained = outcome(&graph, &training(&graph), 1);
    assert_eq!(trained.statistics.len(), 1);
}

#[test]
fn the_seed_decides_and_threads_do_not() {
    let (graph, weights) = normalised();
    let compiled = Compiled::new(in_training(&graph, &weights)).unwrap();
    let on = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    let wanted = on(1).install(|| run(&compiled));
    assert_eq!(on(3).install(|| run(&compiled)), wanted);
    assert_eq!(crate::alone(|| run(&compiled)), wanted);
    let logits = |seed| outcome(&graph, &training(&graph), seed).logits.into_vec();
    assert_eq!(logits(1), logits(1));
    assert_ne!(logits(1), logits(2));
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let (graph, weights) = normalised();
    let compiled = Compiled::new(in_training(&graph, &weights)).unwrap();
    let values: Vec<Vec<f32>> = compiled
        .trained()
        .map(|p| p.value.get().unwrap().into_vec())
        .collect();
    let gradients = run_at(&compiled, &values).split_off(2);
    let loss = |values: &[Vec<f32>]| {
        let logits = run_at(&compiled, values).swap_remove(0);
        let coefficients = numbers(logits.len(), 60);
        let terms = logits
            .iter()
            .zip(coefficients)
            .map(|(a, b)| f64::from(a * b));
        terms.sum::<f64>()
    };
    for (at, gradient) in gradients.iter().enumerate() {
        let square: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
        if IDLE.contains(&at) {
            assert!(square < 1e-9, "{}: {square}", weights[at]);
            continue;
        }
        let length = 5e-4 / square.sqrt() as f32;
        let moved = |factor: f32| {
            let mut moved = values.clone();
            for (value, g) in moved[at].iter_mut().zip(gradient) {
                *value += factor * length * g;
            }
            loss(&moved)
        };
        let slope = (moved(1.0) - moved(-1.0)) / (2.0 * f64::from(length));
        let apart = (slope / square - 1.0).abs();
        assert!(apart < 0.03, "{}: {slope}, not {square}", weights[at]);
    }
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let mut net = Net::new();
    net.conv([4, 5], 1, 1, true);
    net.node("GlobalAveragePool", &[], []);
    norm(&mut net, 5);
    net.node("Flatten", &[], []);
    let (graph, _) = net.graph(5);
    let refused = |graph: &Arc<Graph>, batch| {
        let mode = training(graph);
        let network = Trainable::new(graph, batch, &INPUT, &[], &mode, &Device::flex());
        network.unwrap_err().to_string()
    };
    let error = refused(&graph, 1);
    assert!(
        error.contains("BatchNormalization") && error.contains("no variance"),
        "{error}"
    );
    assert!(Trainable::new(&graph, 2, &INPUT, &[], &training(&graph), &Device::flex()).is_ok());

    // A running variance that is computed, and momenta that are no shares.
    for (variance, momentum, wanted) in [
        ("computed", 0.9, "initializer"),
        ("variance", 1.5, "momentum"),
        ("variance", -0.1, "momentum"),
        ("variance", f32::NAN, "momentum"),
    ] {
        let mut net = Net::new();
        for part in ["scale", "bias", "mean", "variance"] {
            net.graph.initializer(part, &[4], vec![1.0; 4]);
        }
        net.graph
            .node("Exp", "exp", &["variance"], &["computed"], []);
        let parts = ["scale", "bias", "mean", variance];
        let attributes = [("momentum", momentum.into())];
        net.node("BatchNormalization", &parts, attributes);
        net.node("GlobalAveragePool", &[], []);
        net.node("Flatten", &[], []);
        let (graph, _) = net.graph(4);
        let error = refused(&graph, 2);
        assert!(error.contains(wanted), "{error}");
    }

    for ratio in [1.0, -0.5, f32::NAN] {
        let mut net = Net::new();
        net.conv([4, 3], 1, 1, true);
        dropout(&mut net, ratio);
        net.node("GlobalAveragePool", &[], []);
        net.node("Flatten", &[], []);
        let (graph, _) = net.graph(3);
        let error = refused(&graph, 2);
        assert!(
            error.contains("Dropout") && error.contains("ratio"),
            "{error}"
        );
    }
}
