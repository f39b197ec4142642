//! By which rule should the surprises of two witnesses at one class become one number?
//!
//! `cargo run --release -p gifthorse-defense --example verdict_combination [-- WORLDS]` simulates
//! worlds of clean models that two methods were run on (see `tests/verdict/population.rs`), each
//! with a library of 150 and with further models, clean and infected. `-- LIBRARY.json
//! BACKDOORED.json` takes measured models instead. The surprises are those of simulated clean models
//! or, of each witness by itself, first ranked among those of the library. For each rule the model's
//! number is its largest at any class, ranked among those of the library's models, each measured by
//! all others. Printed in percent: models flagged at 5 and 1 %; of infected ones, those of which the most suspicious
//! class is infected.

#![allow(clippy::print_stdout, reason = "the tables are the point")]

use std::error::Error;
use std::fs;

use gifthorse_defense::verdict::{
    Backdoored, CleanModels, Library, LibraryModel, Method, Surprises, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

#[path = "../tests/verdict/population.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests use all of it")]
mod population;

use population::{Tie, World};

type Failure = Box<dyn Error + Send + Sync>;
type Rule = (&'static str, fn(f64, f64) -> f64);

const LIBRARY: usize = 150;
const SEED: u64 = 1;
const CLASSES: [usize; 4] = [2, 5, 10, 43];
const RULES: [Rule; 7] = [
    ("first alone", |first, _| first),
    ("second alone", |_, second| second),
    ("largest", f64::max),
    ("sum", |first, second| first + second),
    ("root of cubes", |first, second| {
        (first.powi(3) + second.powi(3)).cbrt()
    }),
    ("root of squares", f64::hypot),
    ("Cauchy", |first, second| {
        ((first.exp() + second.exp()) / 2.0).ln()
    }),
];

/// What infected models show.
#[derive(Clone, Copy)]
enum Seen {
    /// Both methods see the infected class.
    Both,
    /// Only one does.
    One(usize),
}

/// Surprises of both methods at each class.
type Classes = Vec<(f64, f64)>;

/// On which scale the surprises of a witness are taken.
const SCALES: [&str; 2] = ["simulated", "ranked"];

/// The library's models by each of the [`SCALES`].
struct Ranking {
    /// Those of each witness by itself.
    alone: [Surprises; 2],
    /// For each scale, those by each rule.
    together: [Vec<Surprises>; SCALES.len()],
}

/// For each scale, what came of each rule.
type Counts = [[Count; RULES.len()]; SCALES.len()];

/// Models flagged at 5 %, at 1 %, of how many.
#[derive(Clone, Copy, Default)]
struct Count([usize; 3]);

fn main() -> Result<(), Failure> {
    let names = RULES.map(|(name, _)| name).join(" | ");
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if let (Some(library), Some(backdoored)) = (&first, arguments.next()) {
        println!(
            "| models | number | surprises | {names} |\n|---|--:|---|{}",
            "--:|".repeat(RULES.len())
        );
        return measured(library, &backdoored);
    }
    let worlds: u64 = first
        .and_then(|argument| argument.parse().ok())
        .unwrap_or(3);
    println!(
        "| witnesses | K | infected | surprises | {names} |\n|---|--:|---|---|{}",
        "--:|".repeat(RULES.len())
    );
    for (tie, tied) in [
        (Tie::Independent, "independent"),
        (Tie::Correlated, "correlated"),
    ] {
        let rows: Vec<(usize, Option<(Seen, &str)>)> = CLASSES
            .iter()
            .flat_map(|&classes| {
                let seen = [
                    None,
                    Some((Seen::Both, "one, seen by both")),
                    Some((Seen::One(0), "one, seen by the first")),
                    Some((Seen::One(1), "one, seen by the second")),
                ];
                seen.map(|seen| (classes, seen))
            })
            .collect();
        let mut table = vec![none(); rows.len()];
        for world in 0..worlds {
            let counts = run(world, tie, &rows)?;
            for (total, row) in table.iter_mut().zip(counts) {
                add(total, row);
            }
        }
        for ((classes, seen), counts) in rows.iter().zip(&table) {
            let seen = seen.map_or("none", |(_, name)| name);
            for (scale, counts) in SCALES.iter().zip(counts) {
                println!(
                    "| {tied} | {classes} | {seen} | {scale} | {} |",
                    cells(counts)
                );
            }
        }
    }
    Ok(())
}

fn run(
    seed: u64,
    tie: Tie,
    rows: &[(usize, Option<(Seen, &str)>)],
) -> Result<Vec<Counts>, Failure> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(&mut rng).with_methods(2, tie);
    let models = world.models(LIBRARY, &mut rng);
    let fitted = CleanModels::fit(&Library::new(world.methods(), models)?, SEED)?;
    let methods = [0, 1].map(population::method);
    let ranking = Ranking::of(&fitted, [&methods[0], &methods[1]])?;
    let mut table = Vec::new();
    for &(classes, seen) in rows {
        let count = if seen.is_none() { 80 } else { 40 };
        let models: Vec<LibraryModel> = (0..count)
            .map(|name| {
                let mut model = world.model(name, Some(classes), &mut rng);
                for (number, method) in methods.iter().enumerate() {
                    let visible = match seen {
                        Some((Seen::Both, _)) => 0.7,
                        Some((Seen::One(only), _)) if only == number => 1.2,
                        _ => 0.0,
                    };
                    if let Some(found) = model.detectors.get_mut(method) {
                        found.values[0] = found.values[0].map(|value| value - visible);
                    }
                }
                model
            })
            .collect();
        let infected: &[usize] = if seen.is_none() { &[] } else { &[0] };
        let of = |model: &LibraryModel| -> Result<Counts, Failure> {
            let classes = surprises(model, [&methods[0], &methods[1]], &fitted)?;
            Ok(ranking.flags(&classes, infected))
        };
        let counts = models.par_iter().map(of).collect::<Result<Vec<_>, _>>()?;
        let mut sum = none();
        counts.into_iter().for_each(|counts| add(&mut sum, counts));
        table.push(sum);
    }
    Ok(table)
}

/// Backdoored models that were measured with both methods of a library.
fn measured(library: &str, backdoored: &str) -> Result<(), Failure> {
    let library = Library::from_json(&fs::read_to_string(library)?)?;
    let backdoored = Backdoored::from_json(&fs::read_to_string(backdoored)?)?;
    let fitted = CleanModels::fit(&library, SEED)?;
    let methods: Vec<&Method> = library.methods().keys().collect();
    let &[first, second] = methods.as_slice() else {
        return Err("the library must hold two methods".into());
    };
    let ranking = Ranking::of(&fitted, [first, second])?;
    let mut sum = none();
    let both = |model: &LibraryModel| methods.iter().all(|it| model.detectors.contains_key(it));
    for model in backdoored
        .models()
        .iter()
        .filter(|model| both(&model.found))
    {
        let classes = surprises(&model.found, [first, second], &fitted)?;
        add(&mut sum, ranking.flags(&classes, &model.targets));
    }
    for (scale, counts) in SCALES.iter().zip(&sum) {
        println!(
            "| backdoored | {} | {scale} | {} |",
            counts[0].0[2],
            cells(counts)
        );
    }
    Ok(())
}

impl Ranking {
    /// The library's models that went through both methods; each method by itself also ranks the
    /// others.
    fn of(fitted: &CleanModels, [first, second]: [&Method; 2]) -> Result<Self, Failure> {
        let (Some(first), Some(second)) = (fitted.surprises(first), fitted.surprises(second))
        else {
            return Err("too few models went through both methods".into());
        };
        let alone = [first, second].map(|models| {
            let largest = models
                .values()
                .map(|of| of.iter().copied().fold(0.0, f64::max));
            Surprises::new(largest.collect())
        });
        let both = first
            .iter()
            .filter_map(|(name, of)| Some((of, second.get(name)?)));
        let both: Vec<Classes> = both
            .map(|(first, second)| first.iter().copied().zip(second.iter().copied()).collect())
            .collect();
        let together = [0, 1].map(|scale| {
            let of_rule = |(_, rule): Rule| {
                let largest = |classes: &Classes| {
                    let scaled = classes.iter().map(|&of| on_scale(&alone, scale, of));
                    scaled.map(|(a, b)| rule(a, b)).fold(0.0, f64::max)
                };
                Surprises::new(both.iter().map(largest).collect())
            };
            RULES.map(of_rule).into()
        });
        Ok(Self { alone, together })
    }

    fn flags(&self, classes: &Classes, infected: &[usize]) -> Counts {
        std::array::from_fn(|scale| {
            std::array::from_fn(|place| {
                let (_, rule) = RULES[place];
                let scaled = classes.iter().map(|&of| on_scale(&self.alone, scale, of));
                let numbers = scaled.map(|(a, b)| rule(a, b)).enumerate();
                let largest = numbers.max_by(|a, b| a.1.total_cmp(&b.1));
                let (class, number) = largest.unwrap_or((0, 0.0));
                let p = self.together[scale][place].p_value(number);
                let right = infected.is_empty() || infected.contains(&class);
                Count([
                    usize::from(right && p <= 0.05),
                    usize::from(right && p <= 0.01),
                    1,
                ])
            })
        })
    }
}

/// The surprises of both witnesses at a class, on one of the [`SCALES`].
fn on_scale(alone: &[Surprises; 2], scale: usize, (first, second): (f64, f64)) -> (f64, f64) {
    if SCALES[scale] == "simulated" {
        (first, second)
    } else {
        (alone[0].worth(first), alone[1].worth(second))
    }
}

fn none() -> Counts {
    [[Count::default(); RULES.len()]; SCALES.len()]
}

/// The surprises of a further model.
fn surprises(
    model: &LibraryModel,
    methods: [&Method; 2],
    fitted: &CleanModels,
) -> Result<Classes, Failure> {
    let with = methods.map(|method| {
        (
            method,
            population::statistic(method == methods[0], model.pixels),
        )
    });
    let decision = decide(&model.evidence(&with), fitted, 0.05, SEED)?;
    let of = |said: &Option<_>| {
        said.map_or(0.0, |said: gifthorse_defense::verdict::ClassByWitness| {
            said.surprise
        })
    };
    let classes = decision.classes.iter();
    Ok(classes
        .map(|class| (of(&class.witnesses[0]), of(&class.witnesses[1])))
        .collect())
}

fn add(sum: &mut Counts, counts: Counts) {
    for (sum, count) in sum.iter_mut().flatten().zip(counts.iter().flatten()) {
        for (sum, count) in sum.0.iter_mut().zip(count.0) {
            *sum += count;
        }
    }
}

fn cells(counts: &[Count; RULES.len()]) -> String {
    let cell = |Count([five, one, of]): &Count| {
        let percent = |count: &usize| 100.0 * *count as f64 / (*of).max(1) as f64;
        format!("{:.1} / {:.1}", percent(five), percent(one))
    };
    counts.iter().map(cell).collect::<Vec<_>>().join(" | ")
}
