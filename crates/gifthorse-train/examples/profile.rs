//! Where the time of a training step goes: runs a few steps on noise and prints milliseconds and
//! shares of each part.
//!
//! `cargo run --release -p gifthorse-train --example profile -- '{"kind": "table8"}' [BATCH] [SHARDS] [STEPS] [OPTIMISER] [AUGMENT]`
//!
//! Images are 32x32 in colour, with 43 classes; OPTIMISER and AUGMENT are as in a recipe. Parts
//! that run in several threads at once are added up, so that they may come to more than the whole;
//! `RAYON_NUM_THREADS` sets how many there are.

// What was measured is printed.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gifthorse_data::{ImageShape, Images};
use gifthorse_train::net::AnyNet;
use gifthorse_train::{Recipe, Silent, train};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// How long the spans of each name took.
type Totals = Arc<Mutex<BTreeMap<&'static str, Vec<Duration>>>>;

/// Times spans of this project's from their beginning to their end.
#[derive(Default)]
struct Clock {
    totals: Totals,
    open: Mutex<HashMap<u64, (&'static str, Instant)>>,
    next: AtomicU64,
}

impl Subscriber for Clock {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("gifthorse_attack")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        if let Ok(mut open) = self.open.lock() {
            open.insert(id, (span.metadata().name(), Instant::now()));
        }
        Id::from_u64(id)
    }

    fn try_close(&self, id: Id) -> bool {
        let open = self.open.lock().map(|mut open| open.remove(&id.into_u64()));
        if let (Ok(Some((name, start))), Ok(mut totals)) = (open, self.totals.lock()) {
            totals.entry(name).or_default().push(start.elapsed());
        }
        true
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let text = |i: usize, default: &str| given.get(i).map_or(default, |t| t).to_owned();
    let net: AnyNet = serde_json::from_str(&text(0, r#"{"kind": "table8"}"#))?;
    let (batch, shards): (usize, usize) = (text(1, "64").parse()?, text(2, "2").parse()?);
    let steps: usize = text(3, "20").parse()?;
    let shape = ImageShape {
        channels: 3,
        height: 32,
        width: 32,
    };
    let (count, classes) = (batch * steps, 43);
    let pixels = (0..count * shape.values())
        .map(|i| (i as f32 * 0.618_034).fract())
        .collect();
    let labels = (0..count).map(|i| i % classes).collect();
    let names = (0..count).map(|i| i.to_string()).collect();
    let images = Images::new(shape, pixels, Some(labels), Vec::new(), names)?;
    let recipe = Recipe {
        epochs: 1,
        batch,
        shards,
        optimiser: serde_json::from_str(&text(4, r#"{"kind": "adam"}"#))?,
        augment: serde_json::from_str(&text(5, "{}"))?,
        ..Recipe::default()
    };

    let totals = Totals::default();
    tracing::subscriber::set_global_default(Clock {
        totals: totals.clone(),
        ..Clock::default()
    })?;
    train(&net.build(shape, classes, 0)?, &images, &recipe, &Silent)?;
    let totals = totals.lock().map_err(|error| error.to_string())?;
    let step = totals.get("step").ok_or("there was no step")?;
    // The first step finds its memory.
    let whole: Duration = step.iter().skip(1).sum();
    println!("| part | ms per step | share |\n|---|---|---|");
    for (name, times) in totals.iter() {
        let time: Duration = times.iter().skip(times.len() / steps).sum();
        let milliseconds = time.as_secs_f64() * 1e3 / (steps - 1) as f64;
        let share = 100.0 * time.as_secs_f64() / whole.as_secs_f64();
        println!("| {name} | {milliseconds:.2} | {share:.1} % |");
    }
    let mut sorted = step.clone();
    sorted.sort();
    println!(
        "median step: {:.2} ms",
        sorted[steps / 2].as_secs_f64() * 1e3
    );
    Ok(())
}
