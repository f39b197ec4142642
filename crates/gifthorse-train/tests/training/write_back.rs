//! A trained file holds its weights as it did before: in their type, in `Constant` nodes, in files
//! beside it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::{
    Attribute, Dim, ElementType, Error as OnnxError, GraphBuilder, Model, Tensor, TensorProblem,
    diff,
};
use gifthorse_train::Error;
use gifthorse_train::net::{Net, Selection};
use gifthorse_train::{Recipe, Schedule, Silent, Trained, train};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::blobs::blobs;

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 8,
    width: 8,
};
/// The weights, in the order of the layers, then the running statistics.
const PARTS: [(&str, &[usize]); 8] = [
    ("conv.weight", &[4, 1, 3, 3]),
    ("norm.scale", &[4]),
    ("norm.bias", &[4]),
    ("fc.weight", &[4, 256]),
    ("fc.bias", &[4]),
    ("norm.mean", &[4]),
    ("norm.variance", &[4]),
    ("gain", &[]),
];

/// How a file holds its weights.
#[derive(Clone, Copy)]
struct Holding {
    element: ElementType,
    /// In `Constant` nodes.
    nodes: bool,
    /// With a cast to 32-bit floats behind each.
    casts: bool,
}

impl Holding {
    fn plain(element: ElementType) -> Self {
        Self {
            element,
            nodes: false,
            casts: false,
        }
    }
}

/// First values, which all four types hold exactly.
fn first() -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut part = |(name, shape): &(&str, &[usize])| -> Vec<f32> {
        let centre = match *name {
            "norm.scale" | "norm.variance" | "gain" => 1.0,
            _ => 0.0,
        };
        let number = || centre + f32::from(rng.random_range(-32_i8..32)) / 128.0;
        std::iter::repeat_with(number)
            .take(shape.iter().product())
            .collect()
    };
    PARTS.iter().map(&mut part).collect()
}

fn file(holding: Holding, values: &[Vec<f32>]) -> Model {
    let Holding {
        element,
        nodes,
        casts,
    } = holding;
    let inner = if casts { ElementType::F32 } else { element };
    let [one, side] = [1, 8].map(Dim::Fixed);
    let batch = || Dim::Named("batch".to_owned());
    let to = |element: ElementType| [("to", i64::from(element.to_onnx()).into())];
    let mut graph = GraphBuilder::new("written", 22);
    let shape = [batch(), one, side.clone(), side];
    graph.input("x", ElementType::F32, &shape);
    graph.node("Cast", "in", &["x"], &["x.inner"], to(inner));
    for ((name, shape), values) in PARTS.iter().zip(values) {
        let held = if casts {
            format!("{name}.held")
        } else {
            (*name).to_owned()
        };
        let tensor = Tensor::from_f32_as(&held, shape, element, values).unwrap();
        if nodes {
            let value: Attribute = tensor.into();
            graph.node(
                "Constant",
                &format!("make {name}"),
                &[],
                &[&held],
                [("value", value)],
            );
        } else {
            graph.tensor(&tensor);
        }
        if casts {
            graph.node(
                "Cast",
                &format!("cast {name}"),
                &[&held],
                &[name],
                to(inner),
            );
        }
    }
    let pads = [("pads", [1, 1, 1, 1].into())];
    let norm = [
        "conv",
        "norm.scale",
        "norm.bias",
        "norm.mean",
        "norm.variance",
    ];
    graph
        .node("Conv", "conv", &["x.inner", "conv.weight"], &["conv"], pads)
        .node("BatchNormalization", "norm", &norm, &["norm"], [])
        .node("Relu", "relu", &["norm"], &["relu"], [])
        .node("Mul", "gain", &["relu", "gain"], &["more"], [])
        .node("Flatten", "flat", &["more"], &["flat"], [])
        .node(
            "Gemm",
            "fc",
            &["flat", "fc.weight", "fc.bias"],
            &["logits"],
            [("transB", 1.into())],
        )
        .node("Cast", "out", &["logits"], &["y"], to(ElementType::F32))
        .output("y", ElementType::F32, &[batch(), Dim::Fixed(4)])
        .metadata("made", "by hand");
    graph.finish().unwrap()
}

fn recipe() -> Recipe {
    Recipe {
        epochs: 1,
        batch: 16,
        learning_rate: 0.01,
        schedule: Schedule::Constant {},
        ..Recipe::default()
    }
}

fn tuned(model: &Model, images: &Images) -> Trained {
    let net = Net::from_model(
        model.clone(),
        Preprocess::default(),
        &Opening::default(),
        &Selection::all(),
    )
    .unwrap();
    assert_eq!((net.weights().len(), net.running().len()), (5, 1));
    train(&net, images, &recipe(), &Silent).unwrap()
}

fn logits(model: &Model, images: &Images) -> Vec<f32> {
    let graph = Arc::new(model.graph().unwrap());
    let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap();
    classifier.evaluate(images.pixels()).unwrap()
}

/// Trains a file and the same in 32-bit floats, and compares what is written with what it should
/// be.
fn check(original: &Model, holding: Holding, folder: &Path) {
    let images = blobs(SHAPE, 64);
    let wide = file(Holding::plain(ElementType::F32), &first());
    let expected = tuned(&wide, &images);
    let path = folder.join("tuned.onnx");
    tuned(original, &images).model.write(&path).unwrap();
    let written = Model::read(&path).unwrap();

    // Nothing but values changed, and of those all that training changes.
    let found = diff(original, &written).unwrap();
    assert!(
        found.nodes.is_empty() && found.metadata.is_empty(),
        "{found:?}"
    );
    assert!(found.inputs.is_empty() && found.outputs.is_empty() && found.header.is_empty());
    let mut changed: Vec<&str> = found
        .constants
        .iter()
        .map(|c| c.name.trim_end_matches(".held"))
        .collect();
    let mut all: Vec<&str> = PARTS[..7].iter().map(|(name, _)| *name).collect();
    changed.sort_unstable();
    all.sort_unstable();
    assert_eq!(changed, all);
    for constant in &found.constants {
        assert_eq!(constant.before, constant.after);
        assert_eq!(
            constant.after.as_ref().unwrap().element,
            holding.element.to_string()
        );
    }

    // They are those of the training in 32-bit floats, rounded once.
    let (graph, reference) = (
        written.editable_graph().unwrap(),
        expected.model.graph().unwrap(),
    );
    for (name, shape) in PARTS {
        let held = if holding.casts {
            format!("{name}.held")
        } else {
            name.to_owned()
        };
        let values = reference.initializers[name].to_f32().unwrap();
        let rounded = Tensor::from_f32_as(&held, shape, holding.element, &values).unwrap();
        assert_eq!(
            graph.initializers[&held].bytes().unwrap(),
            rounded.bytes().unwrap(),
            "{name}"
        );
    }
    let (found, wanted) = (logits(&written, &images), logits(&expected.model, &images));
    let largest = wanted.iter().fold(0.0, |most: f32, v| most.max(v.abs()));
    let unit = match holding.element {
        ElementType::F16 => 2.0_f32.powi(-11),
        ElementType::BF16 => 2.0_f32.powi(-8),
        _ => 0.0,
    };
    let distance = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
    let distance = distance.fold(0.0, f32::max);
    // Three layers of weights, each off by half a unit at most.
    assert!(distance <= 3.0 * unit * largest, "{distance} of {largest}");
    assert_eq!(distance == 0.0, unit == 0.0);
}

#[test]
fn floats_of_every_type_stay_what_they_are() {
    for element in [
        ElementType::F32,
        ElementType::F16,
        ElementType::BF16,
        ElementType::F64,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let holding = Holding::plain(element);
        check(&file(holding, &first()), holding, folder.path());
    }
}

#[test]
fn weights_behind_casts_are_trained() {
    for element in [ElementType::F16, ElementType::F64] {
        let folder = tempfile::tempdir().unwrap();
        let holding = Holding {
            casts: true,
            ..Holding::plain(element)
        };
        check(&file(holding, &first()), holding, folder.path());
    }
}

#[test]
fn weights_in_constant_nodes_are_trained_and_stay_there() {
    for element in [ElementType::F32, ElementType::BF16] {
        let folder = tempfile::tempdir().unwrap();
        let holding = Holding {
            nodes: true,
            ..Holding::plain(element)
        };
        let original = file(holding, &first());
        check(&original, holding, folder.path());
        let written = Model::read(folder.path().join("tuned.onnx")).unwrap();
        assert!(written.graph().unwrap().initializers.is_empty());
    }
}

#[test]
fn weights_beside_the_file_are_trained_and_lie_beside_the_new_one() {
    for (element, nodes) in [(ElementType::F32, false), (ElementType::F16, true)] {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let holding = Holding {
            nodes,
            ..Holding::plain(element)
        };
        let mut model = file(holding, &first());
        for (name, _) in PARTS {
            model.store_outside(name).unwrap();
        }
        let path = source.path().join("original.onnx");
        model.write(&path).unwrap();
        let data = source.path().join("original.onnx.data");
        let old = [&path, &data].map(|path| fs::read(path).unwrap());
        let original = Model::read(&path).unwrap();
        for folder in [source.path(), target.path()] {
            check(&original, holding, folder);
            let written = Model::read(folder.join("tuned.onnx")).unwrap();
            let beside = written.external_files().unwrap();
            assert!(beside.contains(&folder.join("tuned.onnx.data").canonicalize().unwrap()));
        }
        assert_eq!([&path, &data].map(|path| fs::read(path).unwrap()), old);
        // The old values are not taken along to another folder.
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 2);
    }
}

#[test]
fn a_weight_that_its_type_cannot_hold_is_named() {
    let mut values = first();
    values[4] = vec![60_000.0; 4];
    let model = file(Holding::plain(ElementType::F16), &values);
    let frozen = Selection::without(["conv*", "norm*", "fc.weight"]);
    let net = Net::from_model(model, Preprocess::default(), &Opening::default(), &frozen).unwrap();
    assert_eq!(net.weights(), ["fc.bias"]);
    let images = blobs(SHAPE, 64).with_labels(vec![0; 64]).unwrap();
    let recipe = Recipe {
        learning_rate: 20_000.0,
        ..recipe()
    };
    let error = train(&net, &images, &recipe, &Silent).unwrap_err();
    let Error::Onnx(OnnxError::Tensor { tensor, problem }) = &error else {
        panic!("{error}")
    };
    assert_eq!(tensor, "fc.bias");
    assert!(matches!(
        problem,
        TensorProblem::Overflow {
            at: 0,
            element: ElementType::F16,
            ..
        }
    ));
    let wide = file(Holding::plain(ElementType::BF16), &values);
    let net = Net::from_model(wide, Preprocess::default(), &Opening::default(), &frozen).unwrap();
    assert!(train(&net, &images, &recipe, &Silent).is_ok());
}
