use std::sync::Arc;

use gifthorse_engine::{Array, Classifier, Device, Mode, Preprocess, Trainable};
use gifthorse_onnx::{Dim, Model};
use gifthorse_train::net::{Architecture, SmallCnn};
use gifthorse_train::{Silent, train};

use crate::blobs::{CLASSES, blobs, net, recipe};

fn classifier(model: &Model) -> Classifier {
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

#[test]
fn the_file_gives_the_logits_of_the_network_that_was_trained() {
    let images = blobs(100, 1);
    let trained = train(&net(1), &images, &recipe(2), &Silent).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    trained.model.write(&path).unwrap();
    let read = Model::read(&path).unwrap();

    let from_file = classifier(&read).evaluate(images.pixels()).unwrap();
    assert_eq!(
        from_file,
        classifier(&trained.model)
            .evaluate(images.pixels())
            .unwrap()
    );
    let untrained = classifier(net(1).model())
        .evaluate(images.pixels())
        .unwrap();
    assert!(
        from_file
            .iter()
            .zip(&untrained)
            .any(|(a, b)| (a - b).abs() > 0.1)
    );

    // The path that training takes.
    let device = Device::flex();
    let graph = Arc::new(read.graph().unwrap());
    let input = [1, 16, 16];
    let network = Trainable::new(
        &graph,
        100,
        &input,
        net(1).weights(),
        &Mode::Inference,
        &device,
    )
    .unwrap();
    assert_eq!(network.parameters().unwrap().len(), net(1).weights().len());
    let weights: Vec<Array> = network
        .parameters()
        .unwrap()
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    let pixels = Array::from_vec(images.pixels().to_vec(), &[100, 1, 16, 16], &device);
    let logits = network
        .forward(pixels, &weights, 0)
        .unwrap()
        .logits
        .into_vec();
    let apart = logits
        .iter()
        .zip(&from_file)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(apart < 1e-4, "{apart}");
}

#[test]
fn training_changes_the_weights_and_nothing_else() {
    let untrained = net(1);
    let trained = train(&untrained, &blobs(100, 1), &recipe(1), &Silent).unwrap();
    let (before, after) = (
        untrained.model().graph().unwrap(),
        trained.model.graph().unwrap(),
    );
    assert_eq!(before.nodes, after.nodes);
    assert_eq!(before.inputs, after.inputs);
    for (name, tensor) in &before.initializers {
        let is_weight = untrained.weights().contains(name);
        assert_eq!(tensor != &after.initializers[name], is_weight, "{name}");
    }
    assert_eq!(untrained.weights().len(), 8);
    assert!(trained.model.metadata().eq(untrained.model().metadata()));
}

#[test]
fn the_network_is_what_it_says() {
    let net = net(1);
    let graph = net.model().graph().unwrap();
    assert_eq!(graph.opset(""), Some(17));
    let input = graph.inputs[0].shape.as_ref().unwrap();
    assert!(matches!(&input[0], Dim::Named(name) if name == "batch"));
    assert_eq!(input[1..], [1, 16, 16].map(Dim::Fixed));
    let classifier = classifier(net.model());
    assert_eq!(
        (classifier.shape(), classifier.classes()),
        ([1, 16, 16], CLASSES)
    );
    let architecture = (
        "gifthorse.architecture",
        "small-cnn 4-8 fc16 on 1x16x16 to 4",
    );
    assert!(net.model().metadata().any(|entry| entry == architecture));
    assert!(!classifier.network().ends().logits.is_empty());
}

/// He et al.: the variance of a layer's weights is 2 over the number of its inputs.
#[test]
fn first_weights_have_the_variance_that_rectifiers_need() {
    let shape = gifthorse_data::ImageShape {
        channels: 3,
        height: 32,
        width: 32,
    };
    let net = SmallCnn::default().build(shape, 12, 7).unwrap();
    let graph = net.model().graph().unwrap();
    for (name, inputs) in [
        ("conv2.weight", 16 * 9),
        ("conv3.weight", 32 * 9),
        ("hidden.weight", 1024),
    ] {
        let values = graph.initializers[name].to_f32().unwrap();
        let square: f32 = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        let expected = 2.0 / inputs as f32;
        assert!(
            (square / expected - 1.0).abs() < 0.1,
            "{name}: {square}, not {expected}"
        );
    }
    assert!(
        graph.initializers["conv2.bias"]
            .to_f32()
            .unwrap()
            .iter()
            .all(|&b| b == 0.0)
    );
}
