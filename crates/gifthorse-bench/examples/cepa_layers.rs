//! What CEPA's figures 1 to 4 look like on a model of a zoo, and what its planted trigger does to the
//! same numbers.
//!
//! `cargo run --release -p gifthorse-bench --example cepa_layers -- standard|paper IMAGES MODEL ...`
//! prints, for each layer, the spread sigma / |mu|, the length |mu| and the mean length of the
//! perturbations for every putative target, where the spread was smallest and where the search
//! ended; with the true target's distance from the others in units of 1.4826 median absolute
//! deviations (`z`, upwards) and its place (1: the most suspicious by the paper). Where the model's
//! truth has a trigger, the same numbers are told for images with this trigger.

#![allow(clippy::print_stdout, reason = "the table is the point")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use gifthorse_attack::plant::Truth;
use gifthorse_attack::trigger::stamp;
use gifthorse_data::{ImageShape, Images, LoadOptions, load};
use gifthorse_defense::detect::cepa::{Config, Consensus, LayerSearch, Preset, layers};
use gifthorse_defense::subject::{CleanImages, Facts, Subject, spread_over_classes};
use gifthorse_defense::verdict::median;
use gifthorse_engine::{Classifier, Device, Layer, Preprocess, Taps};
use gifthorse_onnx::Model;
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [preset, images, models @ ..] = words.as_slice() else {
        return Err("standard|paper IMAGES MODEL ...".into());
    };
    let named = Preset::ALL.into_iter().find(|it| it.name() == preset);
    let config = Config::preset(named.ok_or("no such preset")?);
    for model in models {
        of_model(&config, Path::new(images), model)?;
    }
    Ok(())
}

fn of_model(config: &Config, images: &Path, model: &str) -> Result<(), Box<dyn Error>> {
    let graph = Arc::new(Model::read(model)?.graph()?);
    let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex())?;
    let [channels, height, width] = classifier.shape();
    let options = LoadOptions {
        target: Some(ImageShape {
            channels,
            height,
            width,
        }),
        ..LoadOptions::default()
    };
    let images = load(images, &options)?.images;
    let facts = Facts::default();
    let subject = Subject {
        classifier: &classifier,
        images: Some(CleanImages {
            search: &images,
            holdout: &images,
        }),
        seed: 1,
        facts: &facts,
    };
    let truth = std::fs::read_to_string(model.replace(".onnx", ".truth.json"))?;
    let truth: Truth = serde_json::from_str(&truth)?;
    let planted = truth.backdoors.first();
    let target = planted.and_then(|planted| planted.labels.target());
    println!("{model}, target {target:?}");
    for layer in layers(&classifier)? {
        let classes = (0..classifier.classes()).into_par_iter();
        let found: Result<Vec<[Consensus; 2]>, gifthorse_defense::Error> = classes
            .map(|class| searched(&subject, config, class, &layer))
            .collect();
        let found = found?;
        println!("  layer {} {:?}", layer.name(), layer.shape());
        for (at, when) in ["closest", "end"].into_iter().enumerate() {
            let of = |number: fn(&Consensus) -> f64| -> Vec<f64> {
                found.iter().map(|both| number(&both[at])).collect()
            };
            told(when, "spread", &of(|it| it.spread), target, -1.0);
            told(when, "length", &of(|it| it.length), target, 1.0);
            told(
                when,
                "perturbation",
                &of(|it| it.perturbation),
                target,
                -1.0,
            );
        }
        if let (Some(planted), Some(target)) = (planted, target) {
            let (spread, length, perturbation) =
                of_trigger(&classifier, &images, &layer, planted, target)?;
            println!(
                "    planted trigger: spread {spread:.2} length {length:.2} perturbation {perturbation:.2}"
            );
        }
    }
    Ok(())
}

/// Where the spread of a class was smallest, and where its search ended.
fn searched(
    subject: &Subject<'_>,
    config: &Config,
    class: usize,
    layer: &Layer,
) -> Result<[Consensus; 2], gifthorse_defense::Error> {
    let labels = subject
        .images()?
        .search
        .labels()
        .ok_or(gifthorse_defense::Error::NoLabels)?;
    let others = (0..labels.len()).filter(|&i| labels[i] != class);
    let images = spread_over_classes(labels, others, config.images);
    let mut search = LayerSearch::new(*subject, config, (class, layer.clone()), &images)?;
    while !search.has_ended() {
        search.step()?;
    }
    let last = search.last().clone();
    Ok([search.outcome(), last])
}

fn told(when: &str, what: &str, values: &[f64], target: Option<usize>, sign: f64) {
    let shown: Vec<String> = values.iter().map(|it| format!("{it:.2}")).collect();
    print!("    {when} {what}: {}", shown.join(" "));
    if let Some(target) = target {
        let own = values[target];
        let others: Vec<f64> = (values.iter().enumerate())
            .filter(|&(class, _)| class != target)
            .map(|it| *it.1)
            .collect();
        let place = 1 + others.iter().filter(|&&it| sign * it > sign * own).count();
        let centre = median(others.clone()).unwrap_or(f64::NAN);
        let spread = median(others.iter().map(|it| (it - centre).abs()).collect());
        let z = (own - centre) / (1.4826 * spread.unwrap_or(f64::NAN));
        print!("; target: place {place} z {z:.1}");
    }
    println!();
}

/// Spread and length of the moves that the planted trigger itself makes, and how much it changes an
/// image.
fn of_trigger(
    classifier: &Classifier,
    images: &Images,
    layer: &Layer,
    planted: &gifthorse_attack::plant::Planted,
    target: usize,
) -> Result<(f64, f64, f64), Box<dyn Error>> {
    let labels = images.labels().ok_or("no labels")?;
    let others = (0..labels.len()).filter(|&i| labels[i] != target);
    let clean = images.subset(&spread_over_classes(labels, others, 90));
    let stamped = stamp(&clean, &planted.trigger, 1)?;
    let features = |images: &Images| -> Result<Vec<f32>, Box<dyn Error>> {
        let [channels, height, width] = classifier.shape();
        let shape = [images.len(), channels, height, width];
        let pixels = images.pixels().to_vec();
        let batch = gifthorse_engine::Array::from_vec(pixels, &shape, classifier.device());
        let taps = Taps::values(std::slice::from_ref(layer));
        let made = classifier.run(batch.into_tensor(), &taps)?;
        Ok(made.features[0].value().clone().into_vec())
    };
    let moves = difference(&features(&stamped)?, &features(&clean)?);
    let numbers = moves.len() / clean.len();
    let mut mean = vec![0.0; numbers];
    for row in moves.chunks_exact(numbers) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(mean, it)| *mean += it / clean.len() as f64);
    }
    let squares = |row: &[f64]| row.iter().map(|it| it * it).sum::<f64>();
    let length = squares(&mean).sqrt();
    let apart = moves.chunks_exact(numbers).map(|row| {
        let each = row.iter().zip(&mean);
        each.map(|(it, mean)| (it - mean).powi(2)).sum::<f64>()
    });
    let deviation = (apart.sum::<f64>() / clean.len() as f64).sqrt();
    let changes = difference(stamped.pixels(), clean.pixels());
    let size = changes.len() / clean.len();
    let sizes = changes.chunks_exact(size).map(|it| squares(it).sqrt());
    Ok((
        deviation / length,
        length,
        sizes.sum::<f64>() / clean.len() as f64,
    ))
}

fn difference(after: &[f32], before: &[f32]) -> Vec<f64> {
    let pairs = after.iter().zip(before);
    pairs
        .map(|(after, before)| f64::from(*after) - f64::from(*before))
        .collect()
}
