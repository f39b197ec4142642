//! How the early phase of a search goes, class by class: is the backdoor's class ahead of the
//! others, and how soon?
//!
//! `cargo run --release -p gifthorse-defense --example early_course -- MODEL IMAGES byte|unit COST
//! RATE UPDATES [CLASS ...]` searches all classes, or those named, for so many updates with the
//! weight COST of the norm from the first update on and Adam steps of RATE, and prints one line for
//! each class and update: class, update, loss, norm, share of images that go to the class. COST 0
//! stands for the full search of the preset `standard`.

#![allow(clippy::print_stdout, reason = "the table is the point")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use gifthorse_data::{ImageShape, LoadOptions, load};
use gifthorse_defense::detect::neural_cleanse::{Aim, ClassSearch, Config, Preset, Task};
use gifthorse_defense::search::Search;
use gifthorse_engine::{Classifier, Device, PixelRange, Preprocess};
use gifthorse_onnx::Model;
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, range, cost, rate, updates, classes @ ..] = words.as_slice() else {
        return Err("MODEL IMAGES byte|unit COST RATE UPDATES [CLASS ...]".into());
    };
    let preprocess = Preprocess {
        range: if range == "byte" {
            PixelRange::Byte
        } else {
            PixelRange::Unit
        },
        ..Preprocess::default()
    };
    let graph = Arc::new(Model::read(model)?.graph()?);
    let classifier = Classifier::new(graph, preprocess, None, &Device::flex())?;
    let [channels, height, width] = classifier.shape();
    let loaded = load(
        Path::new(images),
        &LoadOptions {
            target: Some(ImageShape {
                channels,
                height,
                width,
            }),
            max_images: Some(1000),
            ..LoadOptions::default()
        },
    )?;
    let predicted = classifier.predict(loaded.images.pixels())?;
    let images = loaded
        .images
        .with_class_names(Vec::new())?
        .with_labels(predicted)?;
    let standard = Config::preset(Preset::Standard);
    let cost: f32 = cost.parse()?;
    let config = if cost == 0.0 {
        standard
    } else {
        Config {
            batches_per_step: 1,
            initial_cost: cost,
            learning_rate: rate.parse()?,
            begin_at_zero: false,
            patience: usize::MAX,
            ..standard
        }
    };
    let task = Task {
        classifier: &classifier,
        search: &images,
        holdout: &images,
        config: &config,
        seed: 0,
        early: None,
    };
    let classes: Vec<usize> = match classes {
        [] => (0..classifier.classes()).collect(),
        some => some
            .iter()
            .map(|word| word.parse())
            .collect::<Result<_, _>>()?,
    };
    let steps = updates.parse::<usize>()? / config.batches_per_step;
    let courses = classes
        .into_par_iter()
        .with_max_len(1)
        .map(|class| {
            let mut search = ClassSearch::new(task, Aim::To(class))?;
            search.advance(steps)?;
            Ok((class, search))
        })
        .collect::<Result<Vec<_>, gifthorse_defense::Error>>()?;
    for (class, search) in courses {
        for (step, at) in search.trace().iter().enumerate() {
            let update = (step + 1) * config.batches_per_step;
            println!(
                "{class} {update} {:.5} {:.3} {:.4}",
                at.loss, at.norm, at.success
            );
        }
    }
    Ok(())
}
