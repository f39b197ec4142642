//! Which reference keeps the rate of false alarms where classes are unequal, and what does it find?
//!
//! `cargo run --release -p gifthorse-defense --example verdict_reference [-- WORLDS]` simulates
//! worlds of clean models (see `tests/verdict/population.rs`), each with a library of 150 and with
//! further models of several numbers of classes, clean and infected (log sizes of infected classes
//! around -4.6, of clean ones around -2.8). Printed in percent: models flagged at 5 and 1 %,
//! whether confirmed or not; of infected ones, those whose most suspicious class is infected.

#![allow(clippy::print_stdout, reason = "the tables are the point")]
#![allow(clippy::unwrap_used, reason = "simulated numbers are sound")]

use gifthorse_defense::verdict::{
    Calibration, CleanModels, Decision, EqualClasses, Library, LibraryModel, Method, NullModel,
    ScalePrior, Surprises, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use rayon::prelude::*;

#[path = "../tests/verdict/population.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod population;

use population::World;

const LIBRARY: usize = 150;
const CLEAN: usize = 80;
const INFECTED: usize = 20;
const CLASSES: [usize; 4] = [2, 5, 10, 43];

/// The library's population without some of what it knows.
struct Part<'a> {
    library: &'a CleanModels,
    sizes: bool,
}

impl Part<'_> {
    fn whole(&self) -> Option<&dyn NullModel> {
        self.library.null_model(&population::method(0))
    }
}

impl Calibration for Part<'_> {
    fn name(&self) -> &str {
        "part of a library"
    }
    fn null_model(&self, _: &Method) -> Option<&dyn NullModel> {
        Some(self)
    }
}

impl NullModel for Part<'_> {
    fn scale_prior(&self) -> Option<ScalePrior> {
        self.whole()?.scale_prior()
    }
    fn draw(&self, rng: &mut ChaCha8Rng, classes: usize, values: &mut [f64]) {
        if let Some(whole) = self.whole() {
            whole.draw(rng, classes, values);
        }
    }
    fn location(&self, classes: usize) -> Option<f64> {
        self.whole()?.location(classes).filter(|_| self.sizes)
    }
}

/// Counts of flagged models: at 5 %, at 1 %, of how many.
#[derive(Clone, Copy, Default)]
struct Count([usize; 3]);

fn main() {
    let worlds = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .unwrap_or(5u64);
    let names = [
        "equal",
        "equal, ranked",
        "population, outlier",
        "population",
        "library",
    ];
    println!("| K | infected | {} |", names.join(" | "));
    println!("|--:|--:|{}", "--:|".repeat(names.len()));
    let clean: Vec<(usize, usize)> = CLASSES.iter().map(|&classes| (classes, 0)).collect();
    let infected = CLASSES.iter().flat_map(|&classes| {
        let mut numbers = vec![1, classes.div_ceil(2), classes];
        numbers.retain(|&number| number <= classes);
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(move |number| (classes, number))
    });
    let rows: Vec<(usize, usize)> = clean.into_iter().chain(infected).collect();
    let mut table = vec![[Count::default(); 5]; rows.len()];
    for world in 0..worlds {
        for (total, row) in table.iter_mut().zip(run(world, &rows)) {
            for (total, count) in total.iter_mut().zip(row) {
                for (total, count) in total.0.iter_mut().zip(count.0) {
                    *total += count;
                }
            }
        }
    }
    for ((classes, infected), counts) in rows.iter().zip(&table) {
        let cells: Vec<String> = counts
            .iter()
            .map(|Count([five, one, of])| {
                let percent = |count: &usize| 100.0 * *count as f64 / *of as f64;
                format!("{:.1} / {:.1}", percent(five), percent(one))
            })
            .collect();
        println!("| {classes} | {infected} | {} |", cells.join(" | "));
    }
}

fn run(seed: u64, rows: &[(usize, usize)]) -> Vec<[Count; 5]> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(&mut rng);
    let library = Library::new(world.methods(), world.models(LIBRARY, &mut rng)).unwrap();
    let fitted = CleanModels::fit(&library, seed).unwrap();
    let equal = EqualClasses {
        prior: fitted
            .null_model(&population::method(0))
            .unwrap()
            .scale_prior(),
    };
    let equal_surprise = |model: &LibraryModel, seed| {
        let decision = decision(model, &equal, 0.05, seed);
        decision.p_value.map_or(0.0, |p| -p.ln())
    };
    let equal_ranks: Vec<f64> = library
        .models()
        .par_iter()
        .map(|model| equal_surprise(model, seed))
        .collect();
    let equal_ranks = Surprises::new(equal_ranks);
    let normal = Normal::new(-4.6, 0.3).unwrap();
    rows.iter()
        .map(|&(classes, infected)| {
            let count = if infected == 0 { CLEAN } else { INFECTED };
            let models: Vec<LibraryModel> = (0..count)
                .map(|name| {
                    let mut model = world.model(name, Some(classes), &mut rng);
                    let found = model.detectors.get_mut(&population::method(0)).unwrap();
                    for value in found.values[..infected].iter_mut().flatten() {
                        *value = value.min(normal.sample(&mut rng));
                    }
                    model
                })
                .collect();
            let flags: Vec<[Count; 5]> = models
                .par_iter()
                .map(|model| {
                    let right = |decision: &Decision| {
                        let smallest = model.detectors[&population::method(0)]
                            .values
                            .iter()
                            .enumerate()
                            .min_by(|a, b| a.1.partial_cmp(b.1).unwrap());
                        decision
                            .p_value
                            .filter(|_| infected == 0 || smallest.unwrap().0 < infected)
                    };
                    let part = |sizes| Part {
                        library: &fitted,
                        sizes,
                    };
                    let p = |reference: &dyn Calibration| {
                        right(&decision(model, reference, 0.05, seed)).unwrap_or(1.0)
                    };
                    let equal = p(&equal);
                    let values = [
                        p(&EqualClasses::default()),
                        if equal < 1.0 {
                            equal_ranks.p_value(-equal.ln())
                        } else {
                            1.0
                        },
                        p(&part(false)),
                        p(&part(true)),
                        p(&fitted),
                    ];
                    values.map(|p| Count([usize::from(p <= 0.05), usize::from(p <= 0.01), 1]))
                })
                .collect();
            flags
                .into_iter()
                .fold([Count::default(); 5], |mut sum, flags| {
                    for (sum, flag) in sum.iter_mut().zip(flags) {
                        for (sum, flag) in sum.0.iter_mut().zip(flag.0) {
                            *sum += flag;
                        }
                    }
                    sum
                })
        })
        .collect()
}

fn decision(model: &LibraryModel, reference: &dyn Calibration, fpr: f64, seed: u64) -> Decision {
    let method = population::method(0);
    let statistic = population::statistic(true, model.pixels);
    decide(
        &model.evidence(&[(&method, statistic)]),
        reference,
        fpr,
        seed,
    )
    .unwrap()
}
