//! The demo's two models: trained side by side on the same images, but for the poison in one of
//! them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gifthorse_attack::plant::{LabelMap, Poison, Rate, Truth, random_target};
use gifthorse_attack::trigger::{AnyTrigger, Square, on_grey};
use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::Model;
use gifthorse_report::evidence::{self, Picture};
use gifthorse_train::net::{Architecture, Net, SmallCnn};
use gifthorse_train::{Observer, Recipe, train};

use crate::cli::Global;

use super::bars::Bars;
use super::images::{Sets, put};

/// Passes over the training images.
const EPOCHS: usize = 4;
/// Share of the training images that are poisoned, as in Wang et al. 2019 §V-A.
const POISON_RATE: f64 = 0.1;

/// A model on disk and the truth about it.
pub struct Made {
    /// What it is called.
    pub name: &'static str,
    /// The ONNX file.
    pub file: PathBuf,
    /// What is in it.
    pub truth: Truth,
    /// Shape of its images.
    shape: ImageShape,
}

impl Made {
    /// Its file without the folder.
    pub fn title(&self) -> String {
        format!("{}.onnx", self.name)
    }

    /// The truth as a page shows it, the trigger stamped on grey.
    ///
    /// # Errors
    /// A trigger that does not fit the model's images.
    pub fn shown(&self) -> anyhow::Result<evidence::Truth> {
        let backdoor = self.truth.backdoors.first();
        let trigger = backdoor.map(|backdoor| -> anyhow::Result<Picture> {
            let grey = on_grey(&backdoor.trigger, self.shape)?;
            let shape = [self.shape.channels, self.shape.height, self.shape.width];
            Ok(Picture::new(shape, grey)?)
        });
        Ok(evidence::Truth {
            backdoored: backdoor.is_some(),
            target: backdoor.and_then(|backdoor| backdoor.labels.target()),
            trigger: trigger.transpose()?,
        })
    }
}

/// Trains, measures and writes both models with their truths, the clean one first.
///
/// # Errors
/// What training refuses, or a file that cannot be written.
pub fn make(sets: &Sets, global: &Global, folder: &Path) -> anyhow::Result<[Made; 2]> {
    let seed = global.seed();
    let shape = sets.train.shape();
    let classes = sets.train.class_names().len();
    let target = LabelMap::all_to_one(random_target(classes, seed)?);
    let poison = Poison::one(
        AnyTrigger::Square(post_it()),
        target,
        Rate::Share(POISON_RATE),
    );
    let poisoned = poison.apply(&sets.train, seed)?;
    let net = SmallCnn::default().build(shape, classes, seed)?;
    let recipe = Recipe {
        epochs: EPOCHS,
        seed,
        ..Recipe::default()
    };

    let bars = Bars::new(global.quiet);
    let trained = |images: &Images, name| fit(&net, images, &recipe, &bars.training(name));
    let (clean, backdoored) = rayon::join(
        || trained(&sets.train, "clean"),
        || trained(&poisoned.images, "backdoored"),
    );
    bars.finish();

    let (clean, twin) = clean?;
    let truth = Truth::clean(&twin, &sets.test)?;
    let clean = write("clean", &clean, truth, shape, folder)?;

    let (backdoored, classifier) = backdoored?;
    let stamped = Some(&poisoned.stamped);
    let truth = Truth::measure(&classifier, Some(&twin), &sets.test, &poison, stamped, seed)?;
    let backdoored = write("backdoored", &backdoored, truth, shape, folder)?;
    Ok([clean, backdoored])
}

/// A yellow square at the bottom right: BadNets' own attack on traffic signs was a yellow note
/// stuck on them, and Wang et al. 2019 take a square of four pixels at this place (§V-A), in white.
fn post_it() -> Square {
    Square {
        colour: vec![1.0, 1.0, 0.0],
        ..Square::default()
    }
}

fn fit(
    net: &Net,
    images: &Images,
    recipe: &Recipe,
    observer: &dyn Observer,
) -> anyhow::Result<(Model, Classifier)> {
    let model = train(net, images, recipe, observer)?.model;
    let graph = Arc::new(model.graph()?);
    let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex())?;
    Ok((model, classifier))
}

fn write(
    name: &'static str,
    model: &Model,
    truth: Truth,
    shape: ImageShape,
    folder: &Path,
) -> anyhow::Result<Made> {
    let file = folder.join(format!("{name}.onnx"));
    model.write(&file)?;
    let json = serde_json::to_string_pretty(&truth)?;
    put(&folder.join(format!("{name}-truth.json")), json.as_bytes())?;
    Ok(Made {
        name,
        file,
        truth,
        shape,
    })
}
