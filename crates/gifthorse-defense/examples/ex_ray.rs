//! Does the overlap of features tell the target of a backdoor from a class that is easy by nature?
//!
//! `cargo run --release -p gifthorse-defense --example ex_ray -- MODEL IMAGES [CLASS ...]` searches
//! a trigger to each class, or to those named, with Neural Cleanse, and prints for each class its
//! norm, the share of held-out images that it leads to the class, and its similarity to the class
//! at the last three activations, the last one in front (`-` without an opinion).

#![allow(clippy::print_stdout, reason = "the table is the point")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use gifthorse_data::{ImageShape, Images, LoadOptions, load};
use gifthorse_defense::detect::Choice;
use gifthorse_defense::ex_ray::{layers, opinion_at};
use gifthorse_defense::finding::{State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};
use gifthorse_defense::subject::{CleanImages, Facts, Subject};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, classes @ ..] = words.as_slice() else {
        return Err("MODEL IMAGES [CLASS ...]".into());
    };
    let graph = Arc::new(Model::read(model)?.graph()?);
    let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex())?;
    let [channels, height, width] = classifier.shape();
    let options = LoadOptions {
        target: Some(ImageShape {
            channels,
            height,
            width,
        }),
        max_images: Some(1000),
        ..LoadOptions::default()
    };
    let images = load(Path::new(images), &options)?.images;
    let predicted = classifier.predict(images.pixels())?;
    let images = images
        .with_class_names(Vec::new())?
        .with_labels(predicted)?;
    let part = |rest: usize| -> Images {
        let places: Vec<usize> = (0..images.len()).filter(|i| i % 2 == rest).collect();
        images.subset(&places)
    };
    let (one, other) = (part(0), part(1));
    let facts = Facts::default();
    let subject = Subject {
        classifier: &classifier,
        images: Some(CleanImages {
            search: &one,
            holdout: &other,
        }),
        seed: 1,
        facts: &facts,
    };
    let classes: Vec<usize> = match classes {
        [] => (0..classifier.classes()).collect(),
        some => some.iter().map(|it| it.parse()).collect::<Result<_, _>>()?,
    };
    let units: Vec<Unit> = classes.iter().map(|&class| Unit::Class(class)).collect();
    let detector = Choice::of("neural_cleanse")?.detector()?;
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing)?;
    let layers = layers(&classifier)?;
    for finding in found.units {
        let (Unit::Class(target), Some(trigger)) = (finding.unit, &finding.trigger) else {
            continue;
        };
        if finding.state != State::Reached {
            continue;
        }
        let rate = finding.confirmation.map_or(0.0, |it| it.success_rate());
        print!("{target} {:.2} {rate:.3}", finding.statistic);
        for layer in layers.iter().take(3) {
            let opinion = opinion_at(&subject, layer, trigger, target)?;
            let said = opinion.map(|it| format!("{:.2}", it.similarity));
            print!(" {}", said.as_deref().unwrap_or("-"));
        }
        println!();
    }
    Ok(())
}
