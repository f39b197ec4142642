//! A network for the tests of gradients: smooth, and small enough to be nudged pixel by pixel.

use gifthorse_engine::{Opening, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Host;

/// Numbers about 0.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-0.5..0.5)).collect()
}

/// Images of 3x6x6, a convolution of four channels, eight units, five classes, and sigmoids between
/// them.
pub fn host() -> Host {
    let mut graph = GraphBuilder::new("smooth", 17);
    let image = [
        Dim::Named("batch".to_owned()),
        Dim::Fixed(3),
        Dim::Fixed(6),
        Dim::Fixed(6),
    ];
    let logits = [Dim::Named("batch".to_owned()), Dim::Fixed(5)];
    graph
        .input("x", ElementType::F32, &image)
        .initializer("w1", &[4, 3, 3, 3], numbers(108, 1))
        .node("Conv", "conv", &["x", "w1"], &["c"], [])
        .node("Sigmoid", "s1", &["c"], &["s"], [])
        .node("Flatten", "flat", &["s"], &["f"], [])
        .initializer("w2", &[64, 8], numbers(512, 2))
        .node("MatMul", "hidden", &["f", "w2"], &["h"], [])
        .node("Sigmoid", "s2", &["h"], &["u"], [])
        .initializer("w3", &[8, 5], numbers(40, 3))
        .node("MatMul", "last", &["u", "w3"], &["y"], [])
        .output("y", ElementType::F32, &logits);
    let model = graph.finish().unwrap();
    Host::open(model, Preprocess::default(), &Opening::default()).unwrap()
}
