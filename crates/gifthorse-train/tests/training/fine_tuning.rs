use std::collections::BTreeMap;
use std::path::Path;

use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Opening, PixelRange, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder, Model};
use gifthorse_train::Error;
use gifthorse_train::net::{AnyNet, Net, ResNet18, Selection};
use gifthorse_train::{Optimiser, Recipe, Schedule, Silent, Trained, train};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::blobs::blobs;

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 8,
    width: 8,
};

/// A network with batch normalisations that has seen a little, as a file.
fn trained() -> Model {
    let net = AnyNet::ResNet18(ResNet18 { width: 2 });
    let net = net.build(SHAPE, 4, 1).unwrap();
    let model = train(&net, &blobs(SHAPE, 64), &gentle(2), &Silent)
        .unwrap()
        .model;
    Model::from_bytes(model.to_bytes().unwrap(), None).unwrap()
}

fn gentle(epochs: usize) -> Recipe {
    Recipe {
        epochs,
        batch: 16,
        learning_rate: 0.003,
        schedule: Schedule::Constant {},
        ..Recipe::default()
    }
}

fn values(model: &Model) -> BTreeMap<String, Vec<u32>> {
    let graph = model.graph().unwrap();
    let floats = graph
        .initializers
        .iter()
        .filter(|(_, t)| t.element_type().is_float());
    let bits = |(name, tensor): (&String, &gifthorse_onnx::Tensor)| {
        let values = tensor.to_f32().unwrap();
        (name.clone(), values.into_iter().map(f32::to_bits).collect())
    };
    floats.map(bits).collect()
}

/// Names of the initialisers that training changed.
fn changed(before: &Model, after: &Trained) -> Vec<String> {
    let (before, after) = (values(before), values(&after.model));
    assert!(before.keys().eq(after.keys()));
    let changed = before
        .into_iter()
        .filter(|(name, bits)| after[name] != *bits);
    changed.map(|(name, _)| name).collect()
}

#[test]
fn a_file_gives_the_network_that_wrote_it() {
    let built = AnyNet::ResNet18(ResNet18 { width: 2 });
    let built = built.build(SHAPE, 4, 1).unwrap();
    let read = Net::from_model(
        trained(),
        Preprocess::default(),
        &Opening::default(),
        &Selection::all(),
    )
    .unwrap();
    assert_eq!((read.input(), read.classes()), (SHAPE, 4));
    let sorted = |net: &Net| {
        let mut names = net.weights().to_vec();
        names.sort();
        names
    };
    assert_eq!(sorted(&read), sorted(&built));
    assert_eq!(read.running(), built.running());
}

#[test]
fn what_is_frozen_stays_as_it_is_to_the_bit() {
    let (model, images) = (trained(), blobs(SHAPE, 64));
    let tuned = |selection: &Selection| {
        let net = Net::from_model(
            model.clone(),
            Preprocess::default(),
            &Opening::default(),
            selection,
        )
        .unwrap();
        train(&net, &images, &gentle(4), &Silent).unwrap()
    };
    let all = tuned(&Selection::all());
    let (weights, fixed) = (changed(&model, &all), ["mean", "std"]);
    let mut unchanged = values(&model);
    unchanged.retain(|name, _| !weights.contains(name));
    assert!(unchanged.keys().eq(&fixed), "{:?}", unchanged.keys());
    assert!(all.epochs[3].loss < all.epochs[0].loss);

    // A node's name freezes all that it has; a frozen normalisation keeps its statistics.
    let tuned = tuned(&Selection::without([
        "block*",
        "conv1.weight",
        "conv1.norm",
    ]));
    assert_eq!(changed(&model, &tuned), ["fc.bias", "fc.weight"]);
    assert!(tuned.epochs[3].loss < tuned.epochs[0].loss);
}

#[test]
fn patterns_that_fit_nothing_or_everything_are_refused() {
    let refused = |frozen: &[&str]| {
        let selection = Selection::without(frozen.iter().copied());
        Net::from_model(
            trained(),
            Preprocess::default(),
            &Opening::default(),
            &selection,
        )
        .unwrap_err()
    };
    let error = refused(&["fc*", "fc.wieght"]);
    assert!(matches!(error, Error::NothingFrozen { .. }), "{error}");
    assert!(error.to_string().contains("`fc.weight`"), "{error}");
    let error = refused(&["*"]);
    assert!(matches!(error, Error::Net(_)), "{error}");
}

/// A file as Keras' converter writes it: channels last, a batch of one, raw bytes, and a bias that
/// is added on its own.
#[test]
fn layout_batch_and_range_are_those_of_the_file() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut random = |count: usize| -> Vec<f32> {
        std::iter::repeat_with(|| rng.random_range(-0.3..0.3))
            .take(count)
            .collect()
    };
    let (kernel, matrix) = (random(4 * 3 * 9), random(4 * 64 * 3));
    let perm = |axes: [i64; 4]| -> [(&'static str, Attribute); 1] { [("perm", axes.into())] };
    let pads = [("pads", [1, 1, 1, 1].into())];
    let fixed = |dims: &[usize]| -> Vec<Dim> { dims.iter().copied().map(Dim::Fixed).collect() };
    let model = GraphBuilder::new("keras", 17)
        .input("x", ElementType::F32, &fixed(&[1, 8, 8, 3]))
        .initializer("kernel", &[4, 3, 3, 3], kernel)
        .initializer("scale", &[], vec![1.0 / 255.0])
        .initializer("matrix", &[256, 3], matrix)
        .initializer("bias", &[3], vec![0.0; 3])
        .initializer_i64("shape", &[2], [1, 256])
        .node("Mul", "unit", &["x", "scale"], &["unit"], [])
        .node(
            "Transpose",
            "planar",
            &["unit"],
            &["planar"],
            perm([0, 3, 1, 2]),
        )
        .node("Conv", "conv", &["planar", "kernel"], &["conv"], pads)
        .node("Relu", "relu", &["conv"], &["relu"], [])
        .node("Reshape", "flat", &["relu", "shape"], &["flat"], [])
        .node("MatMul", "product", &["flat", "matrix"], &["product"], [])
        .node("Add", "sum", &["bias", "product"], &["y"], [])
        .output("y", ElementType::F32, &fixed(&[1, 3]))
        .finish()
        .unwrap();
    let preprocess = Preprocess {
        range: PixelRange::Byte,
        ..Preprocess::default()
    };
    let net = Net::from_model(
        model.clone(),
        preprocess,
        &Opening::default(),
        &Selection::without(["conv"]),
    )
    .unwrap();
    assert_eq!(
        net.input(),
        ImageShape {
            channels: 3,
            ..SHAPE
        }
    );
    assert_eq!(net.weights(), ["matrix", "bias"]);
    let images = blobs(net.input(), 12);
    let labels = (0..12).map(|i| i % 3).collect();
    let images = images.with_labels(labels).unwrap();
    let recipe = Recipe {
        batch: 12,
        shards: 12,
        learning_rate: 0.02,
        ..gentle(8)
    };
    let tuned = train(&net, &images, &recipe, &Silent).unwrap();
    assert_eq!(changed(&model, &tuned), ["bias", "matrix"]);
    let losses: Vec<f64> = tuned.epochs.iter().map(|epoch| epoch.loss).collect();
    assert!(losses[7] < 0.9 * losses[0], "{losses:?}");
    let error = train(&net, &images, &gentle(1), &Silent);
    assert!(error.is_err());
}

/// What a file of the collection says about its input.
fn preprocess(json: &serde_json::Value) -> Preprocess {
    let numbers = |key: &str| match &json[key] {
        serde_json::Value::Array(all) => {
            let numbers = all.iter().map(|v| v.as_f64().unwrap() as f32);
            numbers.collect()
        }
        serde_json::Value::Number(one) => vec![one.as_f64().unwrap() as f32],
        _ => Vec::new(),
    };
    let range = match json["scale"].as_f64() {
        Some(scale) if scale > 1.0 => PixelRange::Byte,
        _ => PixelRange::Unit,
    };
    Preprocess {
        range,
        mean: numbers("mean"),
        std: numbers("std"),
        ..Preprocess::default()
    }
}

/// Learns the labels of a few images of noise by heart.
fn by_heart(path: &Path) {
    let json = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let json = serde_json::from_str(&json).unwrap();
    let model = Model::read(path).unwrap();
    let net = Net::from_model(
        model.clone(),
        preprocess(&json),
        &Opening::default(),
        &Selection::all(),
    )
    .unwrap();
    let frozen = net.weights()[0].clone();
    let selection = Selection::without([&frozen]);
    let net = Net::from_model(
        model.clone(),
        preprocess(&json),
        &Opening::default(),
        &selection,
    )
    .unwrap();
    let (shape, count) = (net.input(), 8);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let pixels = std::iter::repeat_with(|| rng.random()).take(count * shape.values());
    let labels = (0..count).map(|i| i * 5 % net.classes()).collect();
    let names = (0..count).map(|i| i.to_string()).collect();
    let images = Images::new(shape, pixels.collect(), Some(labels), Vec::new(), names).unwrap();
    let recipe = |shards| Recipe {
        epochs: 6,
        batch: 8,
        shards,
        learning_rate: 3e-4,
        optimiser: Optimiser::ADAM,
        schedule: Schedule::Constant {},
        ..Recipe::default()
    };
    // Files for one image at a time need a shard for each.
    let tuned = train(&net, &images, &recipe(1), &Silent)
        .or_else(|_| train(&net, &images, &recipe(8), &Silent))
        .unwrap();
    let losses: Vec<f64> = tuned.epochs.iter().map(|epoch| epoch.loss).collect();
    let changed = changed(&model, &tuned);
    println!(
        "{}: {losses:.3?}, {} of {}",
        path.display(),
        changed.len(),
        net.weights().len()
    );
    assert!(!changed.contains(&frozen), "{}", path.display());
    assert!(
        losses[5] < 0.99 * losses[0],
        "{}: {losses:?}",
        path.display()
    );
}

#[test]
fn published_files_can_be_trained_on() {
    let Some(folder) = std::env::var_os("GIFTHORSE_MODELS") else {
        println!("GIFTHORSE_MODELS is not set: no published files are trained on");
        return;
    };
    let mut files: Vec<_> = ["own", "third-party"]
        .iter()
        .flat_map(|part| std::fs::read_dir(Path::new(&folder).join(part)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "onnx"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        by_heart(&file);
    }
}
