//! By which rule should the surprises of two witnesses at one class become one number?
//!
//! `cargo run --release -p gifthorse-defense --example verdict_combination [-- WORLDS]` simulates
//! worlds of clean models that two methods were run on (see `tests/verdict/population.rs`), each
//! with a library of 150 and with further models, clean and infected. `-- LIBRARY.json
//! BACKDOORED.json` takes measured models instead. For each rule the model's number is its largest
//! at any class, ranked among those of the library's models, each measured by all others. Printed
//! in percent: models flagged at 5 and 1 %; of infected ones, those of which the most suspicious
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

/// Models flagged at 5 %, at 1 %, of how many.
#[derive(Clone, Copy, Default)]
struct Count([usize; 3]);

fn main() -> Result<(), Failure> {
    let names = RULES.map(|(name, _)| name).join(" | ");
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if let (Some(library), Some(backdoored)) = (&first, arguments.next()) {
        println!(
            "| models | number | {names} |\n|---|--:|{}",
            "--:|".repeat(RULES.len())
        );
        return measured(library, &backdoored);
    }
    let worlds: u64 = first
        .and_then(|argument| argument.parse().ok())
        .unwrap_or(3);
    println!(
        "| witnesses | K | infected | {names} |\n|---|--:|---|{}",
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
        let mut table = vec![[Count::default(); RULES.len()]; rows.len()];
        for world in 0..worlds {
            let counts = run(world, tie, &rows)?;
            for (total, row) in table.iter_mut().zip(counts) {
                add(total, row);
            }
        }
        for ((classes, seen), counts) in rows.iter().zip(&table) {
            let seen = seen.map_or("none", |(_, name)| name);
            println!("| {tied} | {classes} | {seen} | {} |", cells(counts));
        }
    }
    Ok(())
}

fn run(
    seed: u64,
    tie: Tie,
    rows: &[(usize, Option<(Seen, &str)>)],
) -> Result<Vec<[Count; RULES.len()]>, Failure> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(&mut rng).with_methods(2, tie);
    let models = world.models(LIBRARY, &mut rng);
    let fitted = CleanModels::fit(&Library::new(world.methods(), models)?, SEED)?;
    let methods = [0, 1].map(population::method);
    let ranks = ranks(&fitted, [&methods[0], &methods[1]])?;
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
        let of = |model: &LibraryModel| -> Result<[Count; RULES.len()], Failure> {
            let classes = surprises(model, [&methods[0], &methods[1]], &fitted)?;
            Ok(flags(&classes, infected, &ranks))
        };
        let counts = models.par_iter().map(of).collect::<Result<Vec<_>, _>>()?;
        let mut sum = [Count::default(); RULES.len()];
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
    let ranks = ranks(&fitted, [first, second])?;
    let mut sum = [Count::default(); RULES.len()];
    let both = |model: &LibraryModel| methods.iter().all(|it| model.detectors.contains_key(it));
    for model in backdoored
        .models()
        .iter()
        .filter(|model| both(&model.found))
    {
        let classes = surprises(&model.found, [first, second], &fitted)?;
        add(&mut sum, flags(&classes, &model.targets, &ranks));
    }
    println!("| backdoored | {} | {} |", sum[0].0[2], cells(&sum));
    Ok(())
}

/// For each rule, the numbers of the library's models.
fn ranks(fitted: &CleanModels, [first, second]: [&Method; 2]) -> Result<Vec<Surprises>, Failure> {
    let (Some(first), Some(second)) = (fitted.surprises(first), fitted.surprises(second)) else {
        return Err("too few models went through both methods".into());
    };
    let both = first
        .iter()
        .filter_map(|(name, of)| Some((of, second.get(name)?)));
    let both: Vec<Classes> = both
        .map(|(first, second)| first.iter().copied().zip(second.iter().copied()).collect())
        .collect();
    let of_rule = |(_, rule): Rule| {
        let largest = |classes: &Classes| {
            classes
                .iter()
                .map(|of| rule(of.0, of.1))
                .fold(0.0, f64::max)
        };
        Surprises::new(both.iter().map(largest).collect())
    };
    Ok(RULES.map(of_rule).into())
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

fn flags(classes: &Classes, infected: &[usize], ranks: &[Surprises]) -> [Count; RULES.len()] {
    std::array::from_fn(|place| {
        let (_, rule) = RULES[place];
        let numbers = classes.iter().map(|of| rule(of.0, of.1)).enumerate();
        let largest = numbers.max_by(|a, b| a.1.total_cmp(&b.1));
        let (class, number) = largest.unwrap_or((0, 0.0));
        let p = ranks[place].p_value(number);
        let right = infected.is_empty() || infected.contains(&class);
        Count([
            usize::from(right && p <= 0.05),
            usize::from(right && p <= 0.01),
            1,
        ])
    })
}

fn add(sum: &mut [Count; RULES.len()], counts: [Count; RULES.len()]) {
    for (sum, count) in sum.iter_mut().zip(counts) {
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
