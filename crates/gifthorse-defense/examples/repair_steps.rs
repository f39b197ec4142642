//! Seconds that updates of a repair take, one a line, on images of noise with the model's own
//! answers for labels: `repair_steps MODEL.onnx METHOD IMAGES UPDATES`. Half of
//! `bench/repair_peers.py`.

// What was measured is printed.
#![allow(clippy::print_stdout)]

use std::env::args;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::repair::{Patient, RepairObserver, named};
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::Model;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Prints the time since the last step, and ends the process after so many.
struct Clock {
    updates: usize,
    last: Mutex<(Instant, usize)>,
}

impl RepairObserver for Clock {
    fn step(&self, _: &str, _: usize, _: usize) {
        let Ok(mut last) = self.last.lock() else {
            return;
        };
        println!("{}", last.0.elapsed().as_secs_f64());
        *last = (Instant::now(), last.1 + 1);
        // The first holds what comes before it as well.
        if last.1 > self.updates {
            std::process::exit(0);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = args().skip(1).collect();
    let [model, method, images, updates] = &words[..] else {
        return Err("repair_steps MODEL.onnx METHOD IMAGES UPDATES".into());
    };
    let (count, updates) = (images.parse::<usize>()?, updates.parse()?);
    let model = Model::read(model)?;
    let (opening, preprocess) = (Opening::default(), Preprocess::default());
    let graph = Arc::new(model.graph()?);
    let classifier = Classifier::new(graph, preprocess.clone(), None, &Device::flex())?;
    let [channels, height, width] = classifier.shape();
    let shape = ImageShape {
        channels,
        height,
        width,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut noise = |count: usize| -> Result<Images, Box<dyn Error>> {
        let pixels: Vec<f32> = (0..count * shape.values()).map(|_| rng.random()).collect();
        let labels = classifier.predict(&pixels)?;
        let names = (0..count).map(|place| place.to_string()).collect();
        Ok(Images::new(shape, pixels, Some(labels), Vec::new(), names)?)
    };
    let (fit, check) = (noise(count)?, noise(8)?);
    let patient = Patient {
        model: &model,
        opening: &opening,
        preprocess: &preprocess,
        size: [height, width],
        fit: &fit,
        check: &check,
        triggers: &[],
        budget: 1.0,
        seed: 0,
        work: None,
    };
    let last = Mutex::new((Instant::now(), 0));
    named(method)?.repair(&patient, &Clock { updates, last })?;
    Ok(())
}
