//! How long a step of training takes, beside the reference.

use std::time::Instant;

use super::*;

/// Stages of convolutions with ReLU and a max pool, then two fully connected layers.
fn staged(stages: &[&[usize]], hidden: usize, classes: usize) -> (Arc<Graph>, Vec<String>) {
    let mut net = Net::new();
    net.graph = GraphBuilder::new("small", 17);
    net.graph.input("x", ElementType::F32, &dims(&[3, 32, 32]));
    let (mut from, mut now) = (3, 32);
    for &channels in stages {
        for &to in channels {
            net.conv([from, to], 1, 1, true);
            net.node("Relu", &[], []);
            from = to;
        }
        let attributes = [("kernel_shape", [2, 2].into()), ("strides", [2, 2].into())];
        net.node("MaxPool", &[], attributes);
        now /= 2;
    }
    net.node("Flatten", &[], []);
    let depth = from * now * now;
    let (weight, bias) = (
        net.weight(&[hidden, depth], 0.05),
        net.weight(&[hidden], 0.1),
    );
    net.node("Gemm", &[&weight, &bias], [("transB", 1.into())]);
    net.node("Relu", &[], []);
    let (weight, bias) = (
        net.weight(&[classes, hidden], 0.05),
        net.weight(&[classes], 0.1),
    );
    net.node("Gemm", &[&weight, &bias], [("transB", 1.into())]);
    net.graph(classes)
}

/// `cargo test --release -p gifthorse-engine speed_of_training -- --ignored --nocapture`
#[test]
#[ignore = "measures speed"]
#[allow(clippy::print_stdout, reason = "it prints a table on request")]
fn speed_of_training() {
    let small = staged(&[&[16], &[32], &[64]], 128, 12);
    let signs = staged(&[&[32, 32], &[64, 64], &[128, 128]], 512, 43);
    for (what, (graph, weights)) in [("three convolutions", small), ("six convolutions", signs)] {
        let program = lowered_for(&graph, &weights, 64, &[3, 32, 32], &Mode::Inference);
        let segments = Compiled::new(program.clone()).unwrap();
        let reference = Compiled::by_steps(program);
        let mut best = [f64::INFINITY; 2];
        for _ in 0..5 {
            for (best, compiled) in best.iter_mut().zip([&segments, &reference]) {
                let start = Instant::now();
                run(compiled);
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        let [segments, reference] = best.map(|seconds| seconds * 1e3);
        println!(
            "{what}: {segments:.1} ms a step of 64 images, {reference:.1} ms by the reference, {:.1} times",
            reference / segments
        );
    }
}
