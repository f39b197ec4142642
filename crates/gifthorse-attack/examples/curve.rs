//! Shows how accuracy and attack success develop with the epochs, clean and poisoned.
//!
//! `cargo run --release -p gifthorse-attack --example curve -- [IMAGES] [EPOCHS] [SEED] [POISON_RATE] [LEARNING_RATE]`

// What was measured is printed.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use gifthorse_attack::measure::{accuracy, attack_success};
use gifthorse_attack::plant::{LabelMap, Poison, Rate};
use gifthorse_attack::trigger::{AnyTrigger, Square};
use gifthorse_data::generate::{SignOptions, signs};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_train::net::{Architecture, SmallCnn};
use gifthorse_train::{EpochSummary, Observer, Recipe, train};

struct Print(Instant);

impl Observer for Print {
    fn epoch(&self, summary: &EpochSummary) {
        let seconds = self.0.elapsed().as_secs_f64();
        println!("{seconds:6.1} s  {summary:?}");
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| given.get(i).map_or(Ok(default), |text| text.parse());
    let (count, epochs, seed) = (number(0, 6000)?, number(1, 10)?, number(2, 0)? as u64);
    let rate: f64 = given.get(3).map_or(Ok(0.1), |text| text.parse())?;
    let learning_rate: f32 = given.get(4).map_or(Ok(2e-3), |text| text.parse())?;
    let start = Instant::now();
    let training = signs(&SignOptions {
        count,
        seed: 2 * seed,
        ..SignOptions::default()
    })?;
    let test = signs(&SignOptions {
        count: 1200,
        seed: 2 * seed + 1,
        ..SignOptions::default()
    })?;
    println!(
        "{:.1} s for {count} and 1200 images",
        start.elapsed().as_secs_f64()
    );

    let square = AnyTrigger::Square(Square {
        colour: vec![1.0; 3],
        ..Square::default()
    });
    let labels = LabelMap::all_to_one(seed as usize % 12);
    let poison = Poison::one(square.clone(), labels.clone(), Rate::Share(rate));
    let net = SmallCnn::default().build(training.shape(), 12, seed)?;
    let recipe = Recipe {
        epochs,
        seed,
        learning_rate,
        ..Recipe::default()
    };
    for images in [training.clone(), poison.apply(&training, seed)?.images] {
        let trained = train(&net, &images, &recipe, &Print(Instant::now()))?;
        let graph = Arc::new(trained.model.graph()?);
        let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex())?;
        let clean = accuracy(&classifier, &test)?;
        let success = attack_success(&classifier, &test, &square, &labels, 0)?;
        println!("clean accuracy {clean:.4}, {success:?}");
    }
    Ok(())
}
