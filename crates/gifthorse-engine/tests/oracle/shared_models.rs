//! The model files of `$GIFTHORSE_MODELS`: logits and gradients against PyTorch, gradients also
//! against finite differences.

use std::path::PathBuf;
use std::sync::Arc;

use gifthorse_engine::{Device, Network};
use gifthorse_onnx::Model;
use serde::Deserialize;

use crate::accuracy::{self, Measured};
use crate::{formula, golden, run};

#[derive(Deserialize)]
struct Entry {
    name: String,
    file: String,
    images: usize,
    channels: usize,
    height: usize,
    width: usize,
    nhwc: bool,
    multiply: Vec<f32>,
    add: Vec<f32>,
    classes: usize,
    measured: Measured,
}

impl Entry {
    fn network(&self, folder: &std::path::Path) -> Network {
        let model = Model::read(folder.join(&self.file)).unwrap();
        Network::new(Arc::new(model.graph().unwrap()), None, Device::flex()).unwrap()
    }

    fn input(&self) -> Vec<f32> {
        let shape = [self.images, self.channels, self.height, self.width];
        let x = formula::raw_input(shape, &self.multiply, &self.add);
        if !self.nhwc {
            return x;
        }
        let plane = self.height * self.width;
        let image = plane * self.channels;
        (0..x.len())
            .map(|i| {
                let (n, at, c) = (i / image, i % image / self.channels, i % self.channels);
                x[n * image + c * plane + at]
            })
            .collect()
    }
}

/// The folder of models, or a line that says that the test is skipped.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("GIFTHORSE_MODELS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: GIFTHORSE_MODELS does not name a folder of models");
    }
    folder
}

#[test]
fn models_are_as_near_to_f64_as_pytorch() {
    let Some(folder) = folder() else { return };
    let mut failures = Vec::new();
    for entry in golden::index::<Entry>("shared_models.json") {
        let network = entry.network(&folder);
        assert_eq!(network.classes(), entry.classes, "{}", entry.name);
        let (logits, gradient) = run::logits_and_gradient(&network, &entry.input(), entry.images);
        let file = format!("shared_models/{}.npz", entry.name);
        for verdict in accuracy::judge(&logits, &gradient, &file, &entry.measured) {
            println!("{:32} {verdict}", entry.name);
            if !verdict.holds() {
                failures.push(format!("{}: {verdict}", entry.name));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn gradients_agree_with_finite_differences() {
    let Some(folder) = folder() else { return };
    let some = [
        "mnist-clean",
        "gtsrb-badnets-t33",
        "ibau-cifar10-badnets-t8",
        "vnncomp-cifar10-vitibp",
    ];
    for entry in golden::index::<Entry>("shared_models.json") {
        if !some.contains(&&entry.name[..]) {
            continue;
        }
        let network = entry.network(&folder);
        let x = entry.input();
        let (_, gradient) = run::logits_and_gradient(&network, &x, entry.images);
        let norm = gradient
            .iter()
            .map(|g| f64::from(g * g))
            .sum::<f64>()
            .sqrt();
        // Along the gradient the scalar moves most, so that f32 rounding counts least.
        let step = 1e-3;
        let moved = |sign: f64| {
            let along =
                |(x, g): (&f32, &f32)| (f64::from(*x) + sign * step * f64::from(*g) / norm) as f32;
            let x: Vec<f32> = x.iter().zip(&gradient).map(along).collect();
            run::scalar(&network, &x, entry.images)
        };
        let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
        println!(
            "{:32} slope {slope:.5}, length of the gradient {norm:.5}",
            entry.name
        );
        assert!(
            (slope - norm).abs() <= 1e-2 * norm,
            "{}: slope {slope}, gradient {norm}",
            entry.name
        );
    }
}
