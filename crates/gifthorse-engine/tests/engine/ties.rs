//! Which of several equal entries is taken, and where the gradient goes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_engine::{Array, Device, Network, Tensor};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

#[test]
fn a_maximum_over_both_axes_goes_to_the_first_of_the_leftmost_column() {
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(2), Dim::Fixed(2), Dim::Fixed(2)];
    let mut graph = GraphBuilder::new("largest", 17);
    let axes = Attribute::Ints(vec![2, 3]);
    let flat = Attribute::Int(0);
    graph.input("image", ElementType::F32, &image).node(
        "ReduceMax",
        "largest",
        &["image"],
        &["logits"],
        [("axes", axes), ("keepdims", flat)],
    );
    graph.output("logits", ElementType::F32, &[batch(), Dim::Fixed(2)]);
    let graph = graph.finish().unwrap().graph().unwrap();
    let network = Network::new(Arc::new(graph), None, Device::flex()).unwrap();
    let values = vec![0.0, 1.0, 1.0, 0.0, 3.0, 0.0, 0.0, 3.0];
    let images: Tensor<4> = Array::from_vec(values, &[1, 2, 2, 2], &Device::flex()).into_tensor();
    let images = images.autodiff().require_grad();
    let logits = network.forward(Array::from_tensor(images.clone())).unwrap();
    let mut gradients = logits.into_tensor::<2>().sum().backward();
    let gradient = Array::from_tensor(images.grad_remove(&mut gradients).unwrap()).into_vec();
    assert_eq!(gradient, [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn of_equal_entries_the_first_come_first_and_what_is_no_number_comes_last() {
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(1), Dim::Fixed(1), Dim::Fixed(6)];
    for (largest, wanted) in [(1, [1.0, 3.0, 4.0]), (0, [0.0, 2.0, 1.0])] {
        let mut graph = GraphBuilder::new("ranked", 17);
        graph
            .input("image", ElementType::F32, &image)
            .initializer_i64("count", &[1], [3])
            .node(
                "TopK",
                "rank",
                &["image", "count"],
                &["", "places"],
                [("largest", Attribute::Int(largest))],
            )
            .node("Flatten", "flat", &["places"], &["y"], [])
            .output("y", ElementType::F32, &[batch(), Dim::Fixed(3)]);
        let graph = graph.finish().unwrap().graph().unwrap();
        let network = Network::new(Arc::new(graph), None, Device::flex()).unwrap();
        let values = vec![1.0, 2.0, 1.0, 2.0, 2.0, f32::NAN];
        let images = Array::from_vec(values, &[1, 1, 1, 6], &Device::flex());
        assert_eq!(network.forward(images).unwrap().into_vec(), wanted);
    }
}
