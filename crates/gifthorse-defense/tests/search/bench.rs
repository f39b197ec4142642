//! A model that is linear in its pixels, images that it can tell apart, and a keeper in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::Error;
use gifthorse_defense::detect::Detector;
use gifthorse_defense::detect::neural_cleanse::{Config, NeuralCleanse, Preset, Task};
use gifthorse_defense::finding::{Finding, Findings, Unit};
use gifthorse_defense::search::{Keeper, KeeperError, Kept, Observer, Stage, search};
use gifthorse_defense::subject::{CleanImages, Facts, Subject};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Blocks in a row of a picture with a block for each class; an image of class k has a bright block
/// at place k.
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
    facts: Facts,
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
            facts: Facts::default(),
        }
    }

    pub fn task(&self) -> Task<'_> {
        Task {
            classifier: &self.classifier,
            search: &self.search,
            holdout: &self.holdout,
            config: &self.config,
            seed: self.seed,
            early: None,
        }
    }

    pub fn subject(&self) -> Subject<'_> {
        Subject {
            classifier: &self.classifier,
            images: Some(CleanImages {
                search: &self.search,
                holdout: &self.holdout,
            }),
            seed: self.seed,
            facts: &self.facts,
        }
    }

    /// Searches all classes with Neural Cleanse.
    pub fn search(&self, observer: &dyn Observer, keeper: &dyn Keeper) -> Result<Findings, Error> {
        let detector = NeuralCleanse::new(self.config.clone());
        let units = detector.units(self.classifier.classes());
        search(&detector, &self.subject(), &units, observer, keeper)
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

/// A classifier of which a bright corner leads images of `source` alone to `target`: it counts as
/// much as the source's block is bright.
pub fn one_to_one(classes: usize, source: usize, target: usize) -> Classifier {
    let (grid, side) = (grid(classes), side(classes));
    let pixels = side * side;
    let mut corner = vec![0.0; pixels];
    corner[pixels - 1] = 1.0;
    let mut block = vec![0.0; pixels];
    let (top, left) = (2 * (source / grid), 2 * (source % grid));
    for (y, x) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        block[(top + y) * side + left + x] = 1.0;
    }
    let mut gain = vec![0.0; classes];
    gain[target] = 14.0;
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)];
    let model = GraphBuilder::new("one-to-one", 17)
        .input("image", ElementType::F32, &image)
        .initializer("weight", &[pixels, classes], blocks(classes))
        .initializer("corner", &[pixels, 1], corner)
        .initializer("block", &[pixels, 1], block)
        .initializer("gain", &[1, classes], gain)
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "score", &["pixels", "weight"], &["plain"], [])
        .node("MatMul", "lit", &["pixels", "corner"], &["bright"], [])
        .node("MatMul", "seen", &["pixels", "block"], &["own"], [])
        .node("Mul", "both", &["bright", "own"], &["gate"], [])
        .node("MatMul", "lead", &["gate", "gain"], &["led"], [])
        .node("Add", "sum", &["plain", "led"], &["logits"], [])
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(classes)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// A classifier of which a bright corner leads images of each class to the next one: it moves the
/// votes of the blocks on by one.
pub fn all_to_all(classes: usize) -> Classifier {
    let side = side(classes);
    let pixels = side * side;
    let mut corner = vec![0.0; pixels];
    corner[pixels - 1] = 2.0;
    let mut next = vec![0.0; classes * classes];
    for class in 0..classes {
        next[class * classes + (class + 1) % classes] = 1.0;
    }
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)];
    let model = GraphBuilder::new("all-to-all", 17)
        .input("image", ElementType::F32, &image)
        .initializer("weight", &[pixels, classes], blocks(classes))
        .initializer("corner", &[pixels, 1], corner)
        .initializer("next", &[classes, classes], next)
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "score", &["pixels", "weight"], &["plain"], [])
        .node("MatMul", "lit", &["pixels", "corner"], &["bright"], [])
        .node("MatMul", "turn", &["plain", "next"], &["moved"], [])
        .node("Mul", "gate", &["moved", "bright"], &["led"], [])
        .node("Add", "sum", &["plain", "led"], &["logits"], [])
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(classes)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// A classifier that a chequered square of three pixels a side leads to `target` wherever it lies:
/// by the square of how much of it there is at the place where there is most.
pub fn anywhere(classes: usize, target: usize) -> Classifier {
    let side = side(classes);
    let pixels = side * side;
    let chequer: Vec<f32> = (0..9)
        .map(|at| if at % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    let mut gain = vec![0.0; classes];
    gain[target] = 3.0;
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)];
    let model = GraphBuilder::new("anywhere", 17)
        .input("image", ElementType::F32, &image)
        .initializer("weight", &[pixels, classes], blocks(classes))
        .initializer("chequer", &[1, 1, 3, 3], chequer)
        .initializer("gain", &[1, classes], gain)
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "score", &["pixels", "weight"], &["plain"], [])
        .node("Conv", "look", &["image", "chequer"], &["seen"], [])
        .node("GlobalMaxPool", "most", &["seen"], &["found"], [])
        .node(
            "Flatten",
            "row",
            &["found"],
            &["much"],
            [("axis", Attribute::Int(1))],
        )
        .node("Mul", "square", &["much", "much"], &["sure"], [])
        .node("MatMul", "lead", &["sure", "gain"], &["led"], [])
        .node("Add", "sum", &["plain", "led"], &["logits"], [])
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(classes)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// Name of the activation of [`with_units`].
pub const UNITS: &str = "units";

/// A classifier with a unit for each pixel, behind a ReLU: that of a pixel of a block votes for the
/// block's class, and that of a bright corner for `target`.
pub fn with_units(classes: usize, target: Option<usize>) -> Classifier {
    let mut votes = blocks(classes);
    if let Some(target) = target {
        let last = votes.len() - classes;
        votes[last + target] = 60.0;
    }
    voting_units(classes, votes)
}

/// The same, of which all pixels of the margin together, which are black in every image, vote for
/// `target`: images into which a brighter picture is blended go there.
pub fn blendable(classes: usize, target: Option<usize>) -> Classifier {
    let (grid, side) = (grid(classes), side(classes));
    let mut votes = blocks(classes);
    if let Some(target) = target {
        for pixel in 0..side * side {
            if pixel / side >= 2 * grid || pixel % side >= 2 * grid {
                votes[pixel * classes + target] = 8.0;
            }
        }
    }
    voting_units(classes, votes)
}

/// A classifier with a unit for each pixel, behind a ReLU, by whose votes, `[pixels, classes]`, it
/// goes.
fn voting_units(classes: usize, votes: Vec<f32>) -> Classifier {
    let side = side(classes);
    let pixels = side * side;
    let mut each = vec![0.0; pixels * pixels];
    for pixel in 0..pixels {
        each[pixel * pixels + pixel] = 1.0;
    }
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)];
    let model = GraphBuilder::new("with-units", 17)
        .input("image", ElementType::F32, &image)
        .initializer("each", &[pixels, pixels], each)
        .initializer("votes", &[pixels, classes], votes)
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "read", &["pixels", "each"], &["raw"], [])
        .node("Relu", "wake", &["raw"], &[UNITS], [])
        .node("MatMul", "vote", &[UNITS, "votes"], &["logits"], [])
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(classes)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// A classifier whose logits are bent at the end.
pub fn bent(classes: usize) -> Classifier {
    voting(classes, blocks(classes), Some("Elu"))
}

/// A classifier of which all that is lit in the row below the blocks, where every image is black,
/// votes for `target`: an image that is bent downwards goes there.
pub fn bent_downwards(classes: usize, target: usize) -> Classifier {
    let (grid, side) = (grid(classes), side(classes));
    let mut weight = blocks(classes);
    for column in 0..2 * grid {
        weight[(2 * grid * side + column) * classes + target] = 200.0;
    }
    linear(classes, weight)
}

/// A classifier of which a pixel that is black in every image votes for `target`, so strongly that
/// to brighten it by a fifth is enough.
pub fn brightened(classes: usize, target: usize) -> Classifier {
    let pixels = side(classes).pow(2);
    let mut weight = blocks(classes);
    weight[(pixels - 1) * classes + target] = 300.0;
    linear(classes, weight)
}

/// A classifier that takes no image for `class`: the class's block votes against it.
pub fn never_right(classes: usize, class: usize) -> Classifier {
    let mut weight = blocks(classes);
    for vote in weight.iter_mut().skip(class).step_by(classes) {
        *vote = -*vote;
    }
    linear(classes, weight)
}

fn classifier(classes: usize, target: Option<usize>) -> Classifier {
    let pixels = side(classes) * side(classes);
    let mut weight = blocks(classes);
    if let Some(target) = target {
        weight[(pixels - 1) * classes + target] = 60.0;
    }
    linear(classes, weight)
}

fn linear(classes: usize, weight: Vec<f32>) -> Classifier {
    voting(classes, weight, None)
}

/// A classifier by one product, and what bends its logits, if anything does.
fn voting(classes: usize, weight: Vec<f32>, bend: Option<&str>) -> Classifier {
    let side = side(classes);
    let pixels = side * side;
    let batch = || Dim::Named("batch".to_owned());
    let score = if bend.is_some() { "score" } else { "logits" };
    let mut builder = GraphBuilder::new("blocks", 17);
    builder
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
        .node("MatMul", "vote", &["pixels", "weight"], &[score], []);
    if let Some(bend) = bend {
        builder.node(bend, "bend", &[score], &["logits"], []);
    }
    builder.output("logits", ElementType::F32, &[batch(), Dim::Fixed(classes)]);
    let graph = Arc::new(builder.finish().unwrap().graph().unwrap());
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
    kept: Mutex<HashMap<(Stage, Unit), String>>,
    found: Mutex<HashMap<(Stage, Unit), String>>,
}

impl Memory {
    pub fn finished_units(&self) -> usize {
        self.found.lock().unwrap().len()
    }
}

impl Keeper for Memory {
    fn load(&self, stage: Stage, unit: Unit) -> Result<Option<Kept>, KeeperError> {
        if let Some(text) = self.found.lock().unwrap().get(&(stage, unit)) {
            return Ok(Some(Kept::Finding(Box::new(serde_json::from_str(text)?))));
        }
        let kept = self.kept.lock().unwrap();
        Ok(kept.get(&(stage, unit)).cloned().map(Kept::Search))
    }

    fn keep(&self, stage: Stage, unit: Unit, search: &str) -> Result<(), KeeperError> {
        let mut kept = self.kept.lock().unwrap();
        kept.insert((stage, unit), search.to_owned());
        Ok(())
    }

    fn finished(&self, stage: Stage, finding: &Finding) -> Result<(), KeeperError> {
        let text = serde_json::to_string(finding)?;
        let mut found = self.found.lock().unwrap();
        found.insert((stage, finding.unit), text);
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
    fn started(&self, _: Unit) {}
    fn progressed(&self, _: Unit, _: usize, _: usize) {
        self.steps.fetch_add(1, Ordering::SeqCst);
    }
    fn finished(&self, _: &Finding) {}
    fn stop(&self) -> bool {
        self.count() >= self.most
    }
}

/// Findings without times.
pub fn timeless(findings: Vec<Finding>) -> Vec<Finding> {
    let no_time = |finding| Finding {
        seconds: 0.0,
        ..finding
    };
    findings.into_iter().map(no_time).collect()
}
