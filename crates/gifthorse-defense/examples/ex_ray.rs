//! Does the overlap of features tell the target of a backdoor from a class that is easy by nature?
//!
//! `cargo run --release -p gifthorse-defense --example ex_ray -- MODEL IMAGES [CLASS ...]` searches
//! a trigger to each class, or to those named, with Neural Cleanse, and prints the second opinion
//! on each.

#![allow(clippy::print_stdout, reason = "the table is the point")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use gifthorse_data::{ImageShape, Images, LoadOptions, load};
use gifthorse_defense::detect::Choice;
use gifthorse_defense::ex_ray::{layers, opinion};
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
        for (place, layer) in layers.iter().take(3).enumerate() {
            for victim in (0..classifier.classes()).filter(|&victim| victim != target) {
                let Some(opinion) = opinion(&subject, layer, trigger, (victim, target))? else {
                    continue;
                };
                let [one, other] = &opinion.masks;
                let sum = |mask: &[f32]| mask.iter().sum::<f32>();
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                let least: Vec<f32> = one.iter().zip(other).map(|(a, b)| a.min(*b)).collect();
                let both = sum(&least);
                println!(
                    "{target} {:.2} {rate:.3} {place} {} {victim} {:.2} {:.2} {:.3} {:.3} {:.3} {:.2} {:.2} {:.2} {:.2}",
                    finding.statistic,
                    opinion.channels,
                    sum(one),
                    sum(other),
                    both / sum(one),
                    both / sum(other),
                    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt(),
                    opinion.transfer[0][0],
                    opinion.transfer[0][1],
                    opinion.transfer[1][0],
                    opinion.transfer[1][1],
                );
            }
        }
    }
    Ok(())
}
