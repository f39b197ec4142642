//! Models made by hand, and what repairs do to their files.

use std::sync::Arc;

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::Error;
use gifthorse_defense::repair::{Patient, Silent, named};
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder, Model, Tensor};

/// Two pixels in, each class with a logit of its pixel times a factor.
pub fn brighter_half(factor: f32) -> Classifier {
    let dims = |dims: &[usize]| dims.iter().map(|&n| Dim::Fixed(n)).collect::<Vec<_>>();
    let weight = Tensor::from_f32("w", &[2, 2], &[factor, 0.0, 0.0, factor]).unwrap();
    let model = GraphBuilder::new("g", 17)
        .input("x", ElementType::F32, &dims(&[1, 1, 1, 2]))
        .tensor(&weight)
        .node("Flatten", "flat", &["x"], &["f"], [])
        .node("MatMul", "fc", &["f", "w"], &["y"], [])
        .output("y", ElementType::F32, &dims(&[1, 2]))
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

const CHANNELS: usize = 16;

/// A 1x1 convolution of sixteen channels, the last of which may be far stronger, then the mean over
/// all places and a matrix product, in 16-bit floats or 32.
fn with_a_strong_channel(strength: f32, element: ElementType) -> Model {
    let dims = |dims: &[usize]| dims.iter().map(|&n| Dim::Fixed(n)).collect::<Vec<_>>();
    let tensor = |name: &str, shape: &[usize], values: &[f32]| {
        Tensor::from_f32_as(name, shape, element, values).unwrap()
    };
    let mut kernel = vec![0.5; CHANNELS];
    kernel[CHANNELS - 1] = strength;
    let product: Vec<f32> = (0..CHANNELS * 2).map(|i| (i % 3) as f32 * 0.1).collect();
    GraphBuilder::new("g", 17)
        .input("x", element, &dims(&[1, 1, 2, 2]))
        .tensor(&tensor("k", &[CHANNELS, 1, 1, 1], &kernel))
        .tensor(&tensor("b", &[CHANNELS], &[0.25; CHANNELS]))
        .tensor(&tensor("w", &[CHANNELS, 2], &product))
        .node("Conv", "conv", &["x", "k", "b"], &["c"], [])
        .node("Relu", "relu", &["c"], &["r"], [])
        .node("GlobalAveragePool", "pool", &["r"], &["p"], [])
        .node("Flatten", "flat", &["p"], &["f"], [])
        .node("MatMul", "fc", &["f", "w"], &["y"], [])
        .output("y", element, &dims(&[1, 2]))
        .finish()
        .unwrap()
}

fn repaired(model: &Model, name: &str) -> Result<Model, Error> {
    let shape = ImageShape {
        channels: 1,
        height: 2,
        width: 2,
    };
    let pixels: Vec<f32> = (0..80).map(|i| (i * 37 % 80) as f32 / 80.0).collect();
    let names = (0..20).map(|place| place.to_string()).collect();
    let (opening, preprocess) = (Opening::default(), Preprocess::default());
    let images = Images::new(shape, pixels, None, Vec::new(), names).unwrap();
    let graph = Arc::new(model.graph().unwrap());
    let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap();
    let labels = classifier.predict(images.pixels()).unwrap();
    let images = images.with_labels(labels).unwrap();
    let patient = Patient {
        model,
        opening: &opening,
        preprocess: &preprocess,
        size: [2, 2],
        fit: &images,
        check: &images,
        triggers: &[],
        budget: 0.01,
        seed: 0,
        work: None,
    };
    Ok(named(name)?.repair(&patient, &Silent)?.model)
}

#[test]
fn clp_silences_the_channel_that_is_far_stronger_and_no_other() {
    let model = with_a_strong_channel(20.0, ElementType::F32);
    let silenced = repaired(&model, "clp").unwrap().graph().unwrap();
    let values = |name: &str| silenced.initializers[name].to_f32().unwrap();
    let mut kernel = vec![0.5; CHANNELS];
    kernel[CHANNELS - 1] = 0.0;
    assert_eq!(values("k"), kernel);
    let mut bias = vec![0.25; CHANNELS];
    bias[CHANNELS - 1] = 0.0;
    assert_eq!(values("b"), bias);
}

#[test]
fn clp_says_so_where_no_channel_stands_out() {
    let model = with_a_strong_channel(0.5, ElementType::F32);
    let refused = repaired(&model, "clp").unwrap_err();
    assert!(matches!(refused, Error::CannotRepair(_)), "{refused}");
}

#[test]
fn nodes_that_are_put_in_have_the_type_of_the_file() {
    for element in [ElementType::F16, ElementType::F32, ElementType::F64] {
        let model = with_a_strong_channel(2.0, element);
        let bounded = repaired(&model, "bounded_activations").unwrap();
        let graph = bounded.graph().unwrap();
        let node = graph.nodes.iter().find(|node| node.op_type == "Min");
        let bounds = &graph.initializers[node.unwrap().input(1).unwrap()];
        assert_eq!(bounds.element_type(), element);
        assert_eq!(bounds.shape(), [1, CHANNELS, 1, 1]);
    }
}

#[test]
fn an_unknown_repair_is_refused_with_those_that_there_are() {
    let refused = named("magic").unwrap_err().to_string();
    assert!(
        refused.contains("magic") && refused.contains("ft_sam"),
        "{refused}"
    );
}
