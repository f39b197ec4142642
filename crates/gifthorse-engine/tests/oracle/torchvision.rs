//! torchvision's networks as PyTorch exports them at opsets 11 and 17, with weights made by
//! formula: logits and gradients against PyTorch.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gifthorse_engine::{Device, Network};
use gifthorse_onnx::Model;
use serde::Deserialize;

use crate::accuracy::{self, Measured};
use crate::{formula, golden, run};

#[derive(Deserialize)]
struct Entry {
    name: String,
    images: usize,
    channels: usize,
    height: usize,
    width: usize,
    multiply: Vec<f32>,
    add: Vec<f32>,
    classes: usize,
    measured: Measured,
    tensors: Vec<Weights>,
}

/// The formula of one initialiser.
#[derive(Deserialize)]
struct Weights {
    stream: u64,
    count: usize,
    low: f32,
    width: f32,
}

/// Writes the skeleton, and the external data that it asks for beside it.
fn write(entry: &Entry, folder: &Path) {
    let skeleton: Vec<u8> = golden::array(&format!("torchvision/{}.npz", entry.name), "model");
    fs::write(folder.join("model.onnx"), skeleton).unwrap();
    let mut file = BufWriter::new(File::create(folder.join("weights.bin")).unwrap());
    for w in &entry.tensors {
        for value in formula::uniform(w.stream, w.count, w.low, w.width) {
            file.write_all(&value.to_le_bytes()).unwrap();
        }
    }
    file.flush().unwrap();
}

fn check(net: &str) {
    let entries = golden::index::<Entry>("torchvision.json");
    let entries: Vec<Entry> = entries
        .into_iter()
        .filter(|e| e.name.starts_with(&format!("{net}-opset")))
        .collect();
    assert_eq!(
        entries.len(),
        2,
        "{net}: one golden file for each of two opsets"
    );
    let mut failures = Vec::new();
    for entry in entries {
        let folder = tempfile::tempdir().unwrap();
        write(&entry, folder.path());
        let started = Instant::now();
        let model = Model::read(folder.path().join("model.onnx")).unwrap();
        let network = Network::new(Arc::new(model.graph().unwrap()), None, Device::flex()).unwrap();
        assert_eq!(network.classes(), entry.classes);
        let shape = [entry.images, entry.channels, entry.height, entry.width];
        let x = formula::raw_input(shape, &entry.multiply, &entry.add);
        let (logits, gradient) = run::logits_and_gradient(&network, &x, entry.images);
        let file = format!("torchvision/{}.npz", entry.name);
        let seconds = started.elapsed().as_secs_f32();
        println!("{:24} {seconds:.1} s", entry.name);
        for verdict in accuracy::judge(&logits, &gradient, &file, &entry.measured) {
            println!("{:24} {verdict}", entry.name);
            if !verdict.holds() {
                failures.push(format!("{}: {verdict}", entry.name));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn squeezenet() {
    check("squeezenet1_1");
}

#[test]
fn mobilenet() {
    check("mobilenet_v2");
}

#[test]
fn alexnet() {
    check("alexnet");
}

#[test]
fn resnet() {
    check("resnet18");
}

#[test]
fn densenet() {
    check("densenet121");
}

#[test]
fn vgg() {
    check("vgg16_bn");
}

#[test]
fn vision_transformer() {
    check("vit_b_16");
}
