//! A model built in code. `tests/golden/built.onnx` is what the builder wrote
//! when ONNX's own checker and onnxruntime last accepted it
//! (`oracle/onnx_files.py`); set `GIFTHORSE_WRITE_GOLDEN` to write it anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, path::Path};

use gifthorse_onnx::{Attribute, Dim, ElementType, Error, GraphBuilder, Model, Tensor};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/built.onnx");

fn weights(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i % 7) as f32 / 8.0 - 0.375).collect()
}

fn classifier() -> Model {
    let batch = || Dim::Named("batch".to_owned());
    let dims = |sides: [usize; 3]| [&[batch()][..], &sides.map(Dim::Fixed)].concat();
    let mut graph = GraphBuilder::new("classifier", 17);
    graph.input("image", ElementType::F32, &dims([3, 8, 8]));
    graph.initializer("mean", &[1, 3, 1, 1], [0.5, 0.4, 0.3]);
    graph.initializer("std", &[1, 3, 1, 1], [0.2, 0.25, 0.3]);
    graph.node("Sub", "centre", &["image", "mean"], &["centred"], []);
    graph.node("Div", "scale", &["centred", "std"], &["scaled"], []);
    graph.initializer("conv.weight", &[5, 3, 3, 3], weights(135));
    graph.initializer("conv.bias", &[5], weights(5));
    graph.node(
        "Conv",
        "conv",
        &["scaled", "conv.weight", "conv.bias"],
        &["convolved"],
        [
            ("kernel_shape", [3, 3].into()),
            ("pads", [1, 1, 1, 1].into()),
            ("auto_pad", "NOTSET".into()),
        ],
    );
    graph.node(
        "LeakyRelu",
        "relu",
        &["convolved"],
        &["active"],
        [("alpha", 0.1.into())],
    );
    let pool = [("kernel_shape", [2, 2].into()), ("strides", [2, 2].into())];
    graph.node("MaxPool", "pool", &["active"], &["pooled"], pool);
    // Resize leaves an input out, and takes a string.
    graph.initializer("factors", &[4], [1.0, 1.0, 0.5, 0.5]);
    let nearest = [("mode", "nearest".into())];
    graph.node(
        "Resize",
        "shrink",
        &["pooled", "", "factors"],
        &["small"],
        nearest,
    );
    graph.initializer_i64("flat", &[2], [0, -1]);
    graph.node("Reshape", "flatten", &["small", "flat"], &["features"], []);
    graph.initializer("fc.weight", &[4, 20], weights(80));
    graph.initializer("fc.bias", &[4], weights(4));
    let inputs = ["features", "fc.weight", "fc.bias"];
    graph.node("Gemm", "fc", &inputs, &["scores"], [("transB", 1.into())]);
    let gain = Tensor::from_f32("", &[1], &[2.0]).unwrap();
    graph.node("Constant", "gain", &[], &["two"], [("value", gain.into())]);
    graph.node("Mul", "sharpen", &["scores", "two"], &["logits"], []);
    graph.output("logits", ElementType::F32, &[batch(), Dim::Fixed(4)]);
    graph.metadata("classes", "a,b,c,d");
    graph.finish().unwrap()
}

#[test]
fn the_builder_writes_what_onnx_accepted() {
    let built = classifier();
    if env::var_os("GIFTHORSE_WRITE_GOLDEN").is_some() {
        built.write(GOLDEN).unwrap();
    }
    let golden = Model::read(GOLDEN).unwrap();
    assert_eq!(built.graph().unwrap(), golden.graph().unwrap());
    assert!(built.metadata().eq(golden.metadata()));
    assert_eq!(built.ir_version(), golden.ir_version());
}

#[test]
fn what_was_built_is_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    classifier().write(&path).unwrap();
    let model = Model::read(&path).unwrap();
    assert_eq!(model.producer().0, "gifthorse");
    assert_eq!(
        model.metadata().collect::<Vec<_>>(),
        [("classes", "a,b,c,d")]
    );

    let graph = model.graph().unwrap();
    assert_eq!(graph.name, "classifier");
    assert_eq!(graph.opset(""), Some(17));
    assert_eq!(graph.opset("ai.onnx"), Some(17));
    assert_eq!(graph.opset("ai.onnx.ml"), None);
    assert_eq!(graph.inputs.len(), 1);
    let shape = graph.inputs[0].shape.as_ref().unwrap();
    assert_eq!(shape[0], Dim::Named("batch".to_owned()));
    assert_eq!(shape[1].fixed(), Some(3));
    assert_eq!(graph.inputs[0].element_type, Some(ElementType::F32));
    assert_eq!(graph.initializers["conv.weight"].shape(), [5, 3, 3, 3]);
    assert_eq!(
        graph.initializers["fc.weight"].to_f32().unwrap(),
        weights(80)
    );
    assert_eq!(graph.initializers["flat"].to_i64().unwrap(), [0, -1]);

    let node = |name: &str| graph.nodes.iter().find(|n| n.name == name).unwrap();
    assert_eq!(node("conv").ints("pads").unwrap(), [1, 1, 1, 1]);
    assert_eq!(node("conv").string("auto_pad").unwrap(), "NOTSET");
    assert_eq!(node("relu").float("alpha").unwrap(), 0.1);
    assert_eq!(node("shrink").inputs[1], None);
    assert_eq!(node("shrink").input(2), Some("factors"));
    assert_eq!(
        node("gain").tensor("value").unwrap().to_f32().unwrap(),
        [2.0]
    );
}

#[test]
fn mistakes_are_said_at_the_end() {
    let mut graph = GraphBuilder::new("g", 17);
    graph.initializer("w", &[2, 2], [1.0]);
    graph.node("Identity", "id", &["w"], &["y"], []);
    graph.output("y", ElementType::F32, &[]);
    let error = graph.finish().unwrap_err();
    assert!(
        matches!(&error, Error::Build(m) if m.contains("`w`")),
        "{error}"
    );

    let mut graph = GraphBuilder::new("g", 17);
    graph.node("Relu", "r", &["nowhere"], &["y"], []);
    graph.output("y", ElementType::F32, &[]);
    let error = graph.finish().unwrap_err();
    assert!(
        matches!(&error, Error::MissingValue { value, .. } if value == "nowhere"),
        "{error}"
    );

    let error = GraphBuilder::new("g", 17).finish().unwrap_err();
    assert!(error.to_string().contains("no output"));

    let mut graph = GraphBuilder::new("g", 17);
    graph.initializer("w", &[1], [1.0]);
    graph.node(
        "Identity",
        "id",
        &["w"],
        &["y"],
        [("x", Attribute::Other("a type"))],
    );
    graph.output("y", ElementType::F32, &[]);
    assert!(matches!(graph.finish().unwrap_err(), Error::Build(_)));
}

#[test]
fn a_repaired_file_differs_only_where_it_was_repaired() {
    let mut model = classifier();
    let before = model.graph().unwrap();
    let halved: Vec<f32> = weights(80).iter().map(|w| w / 2.0).collect();
    model
        .set_initializer(
            "fc.weight",
            &Tensor::from_f32("ignored", &[4, 20], &halved).unwrap(),
        )
        .unwrap();
    model
        .set_initializer("two", &Tensor::from_f32("", &[1], &[3.0]).unwrap())
        .unwrap();

    let mut after = Model::from_bytes(model.to_bytes().unwrap(), None)
        .unwrap()
        .graph()
        .unwrap();
    assert_eq!(after.initializers["fc.weight"].to_f32().unwrap(), halved);
    let gain = after.nodes.iter_mut().find(|n| n.name == "gain").unwrap();
    assert_eq!(gain.tensor("value").unwrap().to_f32().unwrap(), [3.0]);

    let old = Tensor::from_f32("", &[1], &[2.0]).unwrap();
    gain.attributes.insert("value".to_owned(), old.into());
    after.initializers["fc.weight"] = before.initializers["fc.weight"].clone();
    assert_eq!(after, before);
}

#[test]
fn a_replacement_must_fit() {
    let mut model = classifier();
    let unchanged = model.to_bytes().unwrap();
    let long = Tensor::from_f32("", &[5], &[0.0; 5]).unwrap();
    let whole = Tensor::from_i64("", &[4], &[0; 4]).unwrap();
    for (name, tensor) in [("fc.bias", &long), ("fc.bias", &whole), ("absent", &long)] {
        let error = model.set_initializer(name, tensor).unwrap_err();
        assert!(matches!(error, Error::Tensor { .. }), "{error}");
        assert!(error.to_string().contains(name));
    }
    assert_eq!(model.to_bytes().unwrap(), unchanged);
}

#[test]
fn a_model_that_cannot_be_written_says_where() {
    let path = Path::new("/nowhere/at/all/model.onnx");
    let error = classifier().write(path).unwrap_err();
    assert!(matches!(&error, Error::Write { .. }), "{error}");
    assert!(error.to_string().contains("model.onnx"));
}
