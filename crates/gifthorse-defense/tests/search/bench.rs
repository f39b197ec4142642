//! A model that is linear in its pixels, images that it can tell apart, and a keeper in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::detect::Observer;
use gifthorse_defense::detect::neural_cleanse::{
    ClassFinding, Config, Keeper, KeeperError, Kept, Preset, Snapshot, Stage, Task,
};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Blocks in a row of a picture with a block for each class; an image of class k has a bright block at place k.
fn grid(classes: usize) -> usize {
    (1..).find(|side| side * side >= classes).unwrap()
}

/// Height and width: blocks of two by two pixels, and a margin that is black in every image.
pub fn side(classes: usize) -> usize {
    2 * grid(classes) + 2
}

/// Model, images and settings of a small task.
pub struct Bench {
    classifier: Classifier,
    search: Images,
    holdout: Images,
    pub config: Config,
    pub seed: u64,
}

impl Bench {
    /// `classes` classes, of which `target` is also reached by a bright corner.
    pub fn new(classes: usize, target: Option<usize>) -> Self {
        Self::of(classifier(classes, target), classes)
    }

    /// A task for a model of images such as [`pictures`] draws.
    pub fn of(classifier: Classifier, classes: usize) -> Self {
        Self {
            classifier,
            search: pictures(classes, 6, 1),
            holdout: pictures(classes, 5, 2),
            config: Config {
                batch: 8,
                steps: 60,
                ..Config::preset(Preset::Standard)
            },
            seed: 3,
        }
    }

    pub fn task(&self) -> Task<'_> {
        Task {
            classifier: &self.classifier,
            search: &self.search,
            holdout: &self.holdout,
            config: &self.config,
            seed: self.seed,
        }
    }
}

/// Weights, `[pixels, classes]`, with which each block votes for its class.
pub fn blocks(classes: usize) -> Vec<f32> {
    let (grid, side) = (grid(classes), side(classes));
    let mut weight = vec![0.0; side * side * classes];
    let mut random = ChaCha8Rng::seed_from_u64(9);
    for class in 0..classes {
        // Some classes answer more readily than others.
        let strength = random.random_range(4.0..8.0);
        let (top, left) = (2 * (class / grid), 2 * (class % grid));
        for (y, x) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            weight[((top + y) * side + left + x) * classes + class] = strength;
        }
    }
    weight
}

fn classifier(classes: usize, target: Option<usize>) -> Classifier {
    let side = side(classes);
    let pixels = side * side;
    let mut weight = blocks(classes);
    if let Some(target) = target {
        weight[(pixels - 1) * classes + target] = 60.0;
    }
    let batch = || Dim::Named("batch".to_owned());
    let model = GraphBuilder::new("blocks", 17)
        .input(
            "image",
            ElementType::F32,
            &[batch(), Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)],
        )
        .initializer("weight", &[pixels, classes], weight)
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "score", &["pixels", "weight"], &["logits"], [])
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(classes)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

fn pictures(classes: usize, per_class: usize, seed: u64) -> Images {
    let (grid, side) = (grid(classes), side(classes));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = Vec::new();
    let labels: Vec<usize> = (0..classes * per_class).map(|i| i % classes).collect();
    for &label in &labels {
        for y in 0..side {
            for x in 0..side {
                let margin = y >= 2 * grid || x >= 2 * grid;
                let lit = !margin && y / 2 * grid + x / 2 == label;
                let noise: f32 = if margin {
                    0.0
                } else {
                    random.random_range(0.0..0.3)
                };
                pixels.push(noise + if lit { 0.7 } else { 0.0 });
            }
        }
    }
    let shape = ImageShape {
        channels: 1,
        height: side,
        width: side,
    };
    let names = (0..labels.len()).map(|i| i.to_string()).collect();
    Images::new(shape, pixels, Some(labels), Vec::new(), names).unwrap()
}

/// Keeps everything as JSON in memory, at every step.
#[derive(Default)]
pub struct Memory {
    kept: Mutex<HashMap<(Stage, usize), String>>,
    found: Mutex<HashMap<(Stage, usize), String>>,
}

impl Memory {
    pub fn finished_classes(&self) -> usize {
        self.found.lock().unwrap().len()
    }
}

impl Keeper for Memory {
    fn load(&self, stage: Stage, class: usize) -> Result<Option<Kept>, KeeperError> {
        if let Some(text) = self.found.lock().unwrap().get(&(stage, class)) {
            return Ok(Some(Kept::Finding(Box::new(serde_json::from_str(text)?))));
        }
        let kept = self.kept.lock().unwrap();
        let snapshot = kept
            .get(&(stage, class))
            .map(|text| serde_json::from_str(text));
        Ok(snapshot
            .transpose()?
            .map(|snapshot| Kept::Search(Box::new(snapshot))))
    }

    fn keep(&self, stage: Stage, snapshot: &Snapshot) -> Result<(), KeeperError> {
        let text = serde_json::to_string(snapshot)?;
        self.kept
            .lock()
            .unwrap()
            .insert((stage, snapshot.class()), text);
        Ok(())
    }

    fn finished(&self, stage: Stage, finding: &ClassFinding) -> Result<(), KeeperError> {
        let text = serde_json::to_string(finding)?;
        self.found
            .lock()
            .unwrap()
            .insert((stage, finding.class), text);
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::ZERO
    }
}

/// Counts steps, and says stop after so many.
pub struct Counter {
    pub steps: AtomicUsize,
    most: usize,
}

impl Counter {
    pub fn new(most: usize) -> Self {
        Self {
            steps: AtomicUsize::new(0),
            most,
        }
    }

    pub fn count(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }
}

impl Observer for Counter {
    fn started(&self, _: usize) {}
    fn progressed(&self, _: usize, _: usize, _: usize) {
        self.steps.fetch_add(1, Ordering::SeqCst);
    }
    fn finished(&self, _: &ClassFinding) {}
    fn stop(&self) -> bool {
        self.count() >= self.most
    }
}

/// Findings without times.
pub fn timeless(findings: Vec<ClassFinding>) -> Vec<ClassFinding> {
    let no_time = |finding| ClassFinding {
        seconds: 0.0,
        ..finding
    };
    findings.into_iter().map(no_time).collect()
}
