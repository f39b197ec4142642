//! Scratch: MODEL IMAGES BATCH BATCHES_PER_STEP UPDATES(short) FULL(0/1)
#![allow(clippy::print_stdout, reason = "the table is the point")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gifthorse_data::{ImageShape, LoadOptions, load};
use gifthorse_defense::detect::neural_cleanse::{Aim, ClassSearch, Config, Preset, Task};
use gifthorse_defense::search::Search;
use gifthorse_engine::{Classifier, Device, Preprocess, alone};
use gifthorse_onnx::Model;
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, batch, per_step, updates, full, repeats] = words.as_slice() else {
        return Err("args".into());
    };
    let graph = Arc::new(Model::read(model)?.graph()?);
    let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex())?;
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
    let batch: usize = batch.parse()?;
    let standard = Config {
        batch,
        batches_per_step: per_step.parse()?,
        restarts: 0,
        ..Config::preset(Preset::Standard)
    };
    let updates: usize = updates.parse()?;
    let short = Config {
        batches_per_step: 1,
        steps: updates,
        learning_rate: 0.3,
        begin_at_zero: false,
        initial_cost: 20.0 / (height * width) as f32,
        patience: usize::MAX,
        restarts: 0,
        ..standard.clone()
    };
    let full: bool = full == "1";
    let repeats: u64 = repeats.parse()?;
    let k = classifier.classes();
    let mut counts = vec![0; k];
    for &l in images.labels().unwrap() {
        counts[l] += 1;
    }
    eprintln!("{counts:?}");
    let pairs: Vec<(usize, usize)> = (0..k)
        .flat_map(|s| (0..k).map(move |t| (s, t)))
        .filter(|(s, t)| s != t)
        .collect();
    let started = Instant::now();
    let lines: Vec<String> = pairs
        .par_iter()
        .with_max_len(1)
        .map(|&(source, target)| {
            alone(|| {
                let task = Task {
                    classifier: &classifier,
                    search: &images,
                    holdout: &images,
                    config: &short,
                    seed: 0,
                    early: None,
                };
                let aim = Aim::Pair { source, target };
                let mut out = format!("{source} {target}");
                for seed in 0..repeats {
                    let mut search = ClassSearch::new(Task { seed, ..task }, aim)?;
                    search.advance(updates)?;
                    let standing = |n: usize| {
                        let made = &search.trace()[..n];
                        let lately = &made[n - n.div_ceil(4)..];
                        lately
                            .iter()
                            .map(|s| s.loss + f64::from(short.initial_cost) * s.norm)
                            .sum::<f64>()
                            / lately.len() as f64
                    };
                    for n in [8, 16, 24, 32, 48, 64] {
                        if n <= updates {
                            out += &format!(" {:.4}", standing(n));
                        }
                    }
                    let last = search.trace().last().unwrap();
                    out += &format!(" {:.3} {:.2}", last.loss, last.norm);
                }
                if full {
                    let mut search = ClassSearch::new(
                        Task {
                            config: &standard,
                            ..task
                        },
                        aim,
                    )?;
                    search.advance(10000)?;
                    let found = search.unfinished(gifthorse_defense::finding::State::Reached);
                    out += &format!(" | {:.3} {}", found.statistic, found.updates);
                }
                Ok(out)
            })
        })
        .collect::<Result<_, gifthorse_defense::Error>>()?;
    for line in lines {
        println!("{line}");
    }
    eprintln!("{:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}
