//! From which layer on do margins name the target of a backdoor?
//!
//! `cargo run --release -p gifthorse-defense --example mm_bd_inner -- PLACES IMAGES MODEL ...` searches
//! the largest margins of all classes at each of these places, such as `pixels,0.25,0.75`: from the
//! pixels on (MM-BD), or from the activation on that lies so far into the model. It prints for each
//! the class of the largest, how far its logarithm lies above the median of the others' in units of
//! 1.4826 median absolute deviations of these (`z`), the ratio to the second, all classes in order,
//! the largest margin and the time.

#![allow(clippy::print_stdout, reason = "the table is the point")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gifthorse_data::{ImageShape, LoadOptions, load};
use gifthorse_defense::detect::mm_bd_inner::{Config, MmBdInner};
use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::search::{KeepNothing, Silent, search};
use gifthorse_defense::subject::{CleanImages, Facts, Subject};
use gifthorse_defense::verdict::median;
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [places, images, models @ ..] = words.as_slice() else {
        return Err("PLACES IMAGES MODEL ...".into());
    };
    for model in models {
        let graph = Arc::new(Model::read(model)?.graph()?);
        let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex())?;
        let [channels, height, width] = classifier.shape();
        let options = LoadOptions {
            target: Some(ImageShape {
                channels,
                height,
                width,
            }),
            max_images: Some(300),
            ..LoadOptions::default()
        };
        let images = load(Path::new(images), &options)?.images;
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
        println!("{model}");
        for place in places.split(',') {
            let detector: Box<dyn Detector> = match place {
                "pixels" => Choice::of("mm_bd")?.detector()?,
                depth => Box::new(MmBdInner::new(Config {
                    depth: depth.parse()?,
                    ..Config::default()
                })),
            };
            told(place, detector.as_ref(), &subject)?;
        }
    }
    Ok(())
}

fn told(name: &str, detector: &dyn Detector, subject: &Subject<'_>) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let units = detector.units(subject.classifier.classes());
    let found = search(detector, subject, &units, &Silent, &KeepNothing)?;
    let mut margins: Vec<(f64, usize)> = found
        .units
        .iter()
        .enumerate()
        .map(|(class, finding)| (finding.statistic.max(1e-6).ln(), class))
        .collect();
    margins.sort_by(|a, b| b.0.total_cmp(&a.0));
    let others: Vec<f64> = margins.iter().skip(1).map(|it| it.0).collect();
    let centre = median(others.clone()).unwrap_or(f64::NAN);
    let spread = median(others.iter().map(|it| (it - centre).abs()).collect());
    let z = (margins[0].0 - centre) / (1.4826 * spread.unwrap_or(f64::NAN));
    let order: Vec<usize> = margins.iter().map(|it| it.1).collect();
    println!(
        "  {name}: {} z {z:.1} ratio {:.2} order {order:?} margin {:.1} {:.1} s",
        order[0],
        (margins[0].0 - margins[1].0).exp(),
        margins[0].0.exp(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
