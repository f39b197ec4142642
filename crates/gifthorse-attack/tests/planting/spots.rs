//! Coloured images that a tiny network learns in a second, a clean twin that all attacks are held
//! against, and how an attack is tried out on them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use gifthorse_attack::plant::{Poison, Truth};
use gifthorse_attack::trigger::{AnyTrigger, named};
use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::Model;
use gifthorse_train::net::{Architecture, Net, SmallCnn};
use gifthorse_train::{Change, FurtherLosses, Recipe, Samples, Training};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 16,
    width: 16,
};
pub const CLASSES: usize = 4;
/// Passes over the training images.
const EPOCHS: usize = 8;

/// A spot of some colour in one of four quadrants, which is the class, on tiles of two pixels,
/// whose edges show a warp.
pub fn spots(count: usize, seed: u64) -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..count).map(|i| i % CLASSES).collect();
    let mut pixels = Vec::new();
    for &label in &labels {
        let mut centre = |half: usize| 8.0 * half as f32 + rng.random_range(2.0..6.0);
        let (row, column) = (centre(label / 2), centre(label % 2));
        for _ in 0..SHAPE.channels {
            let (ground, spot) = (rng.random_range(0.2..0.4), rng.random_range(0.3..0.5));
            let tile = rng.random_range(0.04..0.08);
            for i in 0..SHAPE.height * SHAPE.width {
                let (y, x) = ((i / SHAPE.width) as f32, (i % SHAPE.width) as f32);
                let distance = (y - row).powi(2) + (x - column).powi(2);
                let tiled = if (i / SHAPE.width / 2 + i % SHAPE.width / 2).is_multiple_of(2) {
                    tile
                } else {
                    0.0
                };
                let value = ground + tiled + spot * (-distance / 5.0).exp();
                pixels.push((value * 255.0_f32).round() / 255.0);
            }
        }
    }
    let names = (0..count).map(|i| format!("spot {i}")).collect();
    Images::new(SHAPE, pixels, Some(labels), Vec::new(), names).unwrap()
}

fn net() -> Net {
    let cnn = SmallCnn {
        channels: vec![8, 12],
        hidden: 24,
    };
    cnn.build(SHAPE, CLASSES, 1).unwrap()
}

fn fit(
    samples: &dyn Samples,
    epochs: usize,
    within: Option<&dyn Change>,
    further: Option<FurtherLosses<'_>>,
) -> Model {
    let recipe = Recipe {
        epochs,
        batch: 20,
        learning_rate: 0.006,
        ..Recipe::default()
    };
    let net = net();
    let mut training = Training::new(&net, samples, &recipe);
    if let Some(within) = within {
        training = training.within(within);
    }
    if let Some(further) = further {
        training = training.further_losses(further);
    }
    training.run().unwrap().model
}

/// The model on images.
pub fn opened(model: &Model) -> Classifier {
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

fn training_images() -> &'static Images {
    static IMAGES: OnceLock<Images> = OnceLock::new();
    IMAGES.get_or_init(|| spots(800, 1))
}

/// Trained once on the clean images, for all tests of a run.
pub fn clean() -> &'static Model {
    static CLEAN: OnceLock<Model> = OnceLock::new();
    CLEAN.get_or_init(|| fit(training_images(), EPOCHS, None, None))
}

fn twin() -> &'static Classifier {
    static TWIN: OnceLock<Classifier> = OnceLock::new();
    TWIN.get_or_init(|| opened(clean()))
}

/// Trains on poisoned images and measures the model beside the twin on images that neither has
/// seen.
pub fn planted(poison: &Poison) -> Truth {
    planted_in(poison, EPOCHS)
}

/// The same with another number of passes.
pub fn planted_in(poison: &Poison, epochs: usize) -> Truth {
    trained(poison, epochs).1
}

/// The model too.
pub fn trained(poison: &Poison, epochs: usize) -> (Classifier, Truth) {
    let training = poison.samples(training_images(), 3).unwrap();
    let further = FurtherLosses {
        changes: &training.changes,
        balance: poison.balance.unwrap_or_default(),
    };
    let further = (!training.changes.is_empty()).then_some(further);
    let within = training.within.as_ref().map(|within| within as &dyn Change);
    let model = opened(&fit(training.samples.as_ref(), epochs, within, further));
    let stamped = training.stamped.as_ref();
    let planted = training.planted(poison, PathBuf::from("g.onnx")).unwrap();
    let truth = Truth::measure(&model, Some(twin()), &spots(400, 2), &planted, stamped, 5).unwrap();
    (model, truth)
}

/// The trigger of this name for these images.
pub fn trigger(name: &str) -> AnyTrigger {
    named(name).unwrap().for_channels(SHAPE.channels)
}

/// Fails if clean accuracy collapsed, if a backdoor did not take, or if its trigger does the same
/// to the clean twin.
pub fn assert_took(truth: &Truth, least: f64, most_on_twin: f64) {
    let twin = truth.twin_accuracy.unwrap();
    assert!(twin >= 0.97, "the clean twin is no good: {twin}");
    let clean = truth.clean_accuracy;
    assert!(
        clean >= twin - 0.03,
        "clean accuracy {clean}, of the twin {twin}"
    );
    for backdoor in &truth.backdoors {
        let success = backdoor.effect.with_trigger.other_classes;
        let twin = backdoor.twin.as_ref().unwrap().with_trigger.other_classes;
        assert!(
            success >= least,
            "{:?}: {:?}",
            backdoor.trigger,
            backdoor.effect
        );
        assert!(
            twin <= most_on_twin,
            "{:?}: {twin} on the twin",
            backdoor.trigger
        );
        let without = backdoor.effect.without_trigger.other_classes;
        assert!(without <= 0.05, "{without} without the trigger");
    }
}
