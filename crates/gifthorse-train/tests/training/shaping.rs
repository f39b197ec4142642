//! Gradients shaped image by image, against PyTorch's (`oracle/shaped_gradient.py`).

use std::collections::BTreeMap;

use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Opening, Preprocess};
use gifthorse_onnx::Model;
use gifthorse_train::net::{AnyNet, Net, ResNet18, Selection};
use gifthorse_train::{Error, Optimiser, Recipe, Schedule, Shaping, Silent, train};
use serde::Deserialize;

use crate::{SHAPE, blobs::blobs, net};

#[derive(Deserialize)]
struct Golden {
    model: String,
    input: [usize; 3],
    labels: Vec<usize>,
    images: Vec<f32>,
    lengths: Vec<f32>,
    clip: f32,
    clipped: BTreeMap<String, Vec<f32>>,
    plain: BTreeMap<String, Vec<f32>>,
}

impl Golden {
    fn read() -> Self {
        serde_json::from_str(include_str!("../golden/shaped_gradient.json")).unwrap()
    }

    fn net(&self) -> Net {
        let digits = |at: usize| u8::from_str_radix(&self.model[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..self.model.len()).step_by(2).map(digits).collect();
        let model = Model::from_bytes(bytes, None).unwrap();
        let all = Selection::without::<String>([]);
        Net::from_model(model, Preprocess::default(), &Opening::default(), &all).unwrap()
    }

    fn images(&self) -> Images {
        let [channels, height, width] = self.input;
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        let names = self.labels.iter().map(ToString::to_string).collect();
        let labels = Some(self.labels.clone());
        Images::new(shape, self.images.clone(), labels, Vec::new(), names).unwrap()
    }

    /// One step of a batch of all images at a learning rate of 1.
    fn recipe(&self, shards: usize, shaping: Option<Shaping>) -> Recipe {
        Recipe {
            epochs: 1,
            batch: self.labels.len(),
            shards,
            optimiser: Optimiser::Sgd {
                momentum: 0.0,
                weight_decay: 0.0,
            },
            learning_rate: 1.0,
            schedule: Schedule::Constant {},
            shaping,
            ..Recipe::default()
        }
    }

    /// How far that step moves each weight, against the gradient.
    fn moved(&self, recipe: &Recipe) -> BTreeMap<String, Vec<f32>> {
        let net = self.net();
        let after = train(&net, &self.images(), recipe, &Silent).unwrap().model;
        let values = |model: &Model| -> BTreeMap<String, Vec<f32>> {
            let graph = model.graph().unwrap();
            let named = net.weights().iter();
            named
                .map(|name| (name.clone(), graph.initializers[name].to_f32().unwrap()))
                .collect()
        };
        let (before, after) = (values(net.model()), values(&after));
        let less = |(name, before): (String, Vec<f32>)| {
            let moved = before.iter().zip(&after[&name]).map(|(a, b)| a - b);
            let moved = moved.collect();
            (name, moved)
        };
        before.into_iter().map(less).collect()
    }
}

fn assert_close(moved: &BTreeMap<String, Vec<f32>>, expected: &BTreeMap<String, Vec<f32>>) {
    assert!(moved.keys().eq(expected.keys()), "{:?}", moved.keys());
    for (name, moved) in moved {
        for (moved, expected) in moved.iter().zip(&expected[name]) {
            assert!(
                (moved - expected).abs() < 2e-6,
                "{name}: {moved}, not {expected}"
            );
        }
    }
}

#[test]
fn a_step_is_that_of_pytorch_with_each_gradient_clipped() {
    let golden = Golden::read();
    let is_clipped = |length: &&f32| **length > golden.clip;
    let clipped = golden.lengths.iter().filter(is_clipped).count();
    assert!((1..golden.lengths.len()).contains(&clipped));
    let shaping = |clip| Some(Shaping { clip, noise: 0.0 });
    for shards in [1, 3] {
        let moved = golden.moved(&golden.recipe(shards, shaping(golden.clip)));
        assert_close(&moved, &golden.clipped);
    }
    // Without a clip that bites it is the gradient of the batch.
    assert_close(
        &golden.moved(&golden.recipe(2, shaping(1e6))),
        &golden.plain,
    );
    assert_close(&golden.moved(&golden.recipe(2, None)), &golden.plain);
}

#[test]
fn noise_is_of_its_size_and_the_same_for_the_same_seed() {
    let golden = Golden::read();
    let noise = 0.6;
    let shaping = Shaping { clip: 1.0, noise };
    let still = Shaping {
        noise: 0.0,
        ..shaping
    };
    let noisy = golden.recipe(2, Some(shaping));
    let quiet = golden.moved(&golden.recipe(2, Some(still)));
    let moved = golden.moved(&noisy);
    assert_eq!(golden.moved(&noisy), moved);
    assert!(golden.moved(&Recipe { seed: 1, ..noisy }) != moved);
    let both = moved.values().flatten().zip(quiet.values().flatten());
    let squares: Vec<f64> = both.map(|(a, b)| f64::from(a - b).powi(2)).collect();
    let deviation = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    let expected = f64::from(noise) / golden.labels.len() as f64;
    assert!(
        (deviation / expected - 1.0).abs() < 0.05,
        "{deviation} {expected}"
    );
}

/// With dropouts and augmentation, on any number of threads.
#[test]
fn it_is_the_same_on_any_number_of_threads() {
    let recipe = Recipe {
        epochs: 2,
        batch: 16,
        shards: 4,
        shaping: Some(Shaping {
            clip: 0.5,
            noise: 0.05,
        }),
        ..Recipe::default()
    };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let trained = train(&net(1), &blobs(SHAPE, 64), &recipe, &Silent).unwrap();
            trained.model.to_bytes().unwrap()
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn networks_that_mix_images_are_refused() {
    let recipe = Recipe {
        batch: 16,
        shaping: Some(Shaping {
            clip: 1.0,
            noise: 0.0,
        }),
        ..Recipe::default()
    };
    let shape = ImageShape {
        channels: 1,
        height: 8,
        width: 8,
    };
    let net = AnyNet::ResNet18(ResNet18 { width: 2 })
        .build(shape, 4, 1)
        .unwrap();
    let error = train(&net, &blobs(shape, 32), &recipe, &Silent).unwrap_err();
    assert!(matches!(error, Error::Recipe(_)), "{error}");
    assert!(
        error.to_string().contains("batch normalisations"),
        "{error}"
    );
}
