//! Does the library keep the rate of false alarms on clean models that it never saw, and what does
//! it find?
//!
//! `cargo run --release -p gifthorse-defense --example verdict_validation -- [--together]
//! LIBRARY.json [BACKDOORED.json]` judges each clean model by a library without it, without all
//! models of its recipe, and without all models of its data set, and each backdoored model by the
//! whole library and by one without its data set. It prints the tables of docs/verdict.md: for each
//! method that the library holds and, if there are several, for all together, where each model is
//! judged by those that it went through, as it would be by a scan; with `--together` only for all,
//! and without the two rows that take a fit for each model. With `simulated` in the place of a file it makes 150 clean models of
//! `tests/verdict/population.rs` and infects others; with `simulated-two`, each goes through two
//! methods.

#![allow(clippy::print_stdout, reason = "the tables are the point")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use gifthorse_defense::detect::{Choice, Effort};
use gifthorse_defense::verdict::interval::clopper_pearson;
use gifthorse_defense::verdict::{
    Backdoored, BackdooredModel, Calibration, CleanModels, Confirmation, EqualClasses, Evidence,
    Library, LibraryModel, Method, References, Statistic, Verdict, decide,
};
use rand::SeedableRng;
use rand::seq::IteratorRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

#[path = "../tests/verdict/population.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests use all of it")]
mod population;

const SEED: u64 = 0;
const RATES: [f64; 2] = [0.05, 0.01];
/// The flag for the short form.
const TOGETHER: &str = "--together";
/// How many clean models a user is taken to have.
const REFERENCES: usize = 3;

type Failure = Box<dyn Error + Send + Sync>;
/// What models are left out together.
type Group = fn(&LibraryModel) -> String;

/// What backdoored models are told apart by.
type Trait = fn(&BackdooredModel) -> String;

/// What came out for one model.
#[derive(Clone)]
struct Judged {
    classes: usize,
    /// The p-value; none if nothing could be said.
    p: Option<f64>,
    /// For each rate, whether a class was flagged, whether the model is called backdoored, and
    /// whether a target that is named is one.
    flagged: [[bool; 3]; 2],
    /// At the first rate, of a model that is called backdoored: classes named as targets, how many
    /// of them are none, and whether the first is one; classes flagged, and how many of these are
    /// none.
    named: [usize; 5],
}

/// The methods that judge together, and whether their values are comparable between models.
type Witnesses<'a> = [(&'a Method, bool)];

fn main() -> Result<(), Failure> {
    let (flags, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|it| it == TOGETHER);
    let quick = !flags.is_empty();
    let mut arguments = arguments.into_iter();
    let clean = arguments
        .next()
        .ok_or("give the file of a library, or `simulated`")?;
    let (library, backdoored) = match clean.as_str() {
        "simulated" => simulated(1)?,
        "simulated-two" => simulated(2)?,
        file => {
            let library = Library::from_json(&fs::read_to_string(file)?)?;
            let backdoored = arguments.next().map(fs::read_to_string).transpose()?;
            let backdoored = backdoored
                .map(|text| Backdoored::from_json(&text))
                .transpose()?;
            (library, backdoored)
        }
    };
    let methods = library.methods().iter();
    let methods: Vec<(&Method, bool)> = methods
        .map(|(method, it)| (method, it.comparable))
        .collect();
    let mut sets: Vec<Vec<(&Method, bool)>> = methods.iter().map(|&method| vec![method]).collect();
    if methods.len() > 1 {
        sets.push(methods);
    }
    if quick {
        sets.drain(..sets.len() - 1);
    }
    for methods in sets {
        let names: Vec<String> = methods
            .iter()
            .map(|(method, _)| method.to_string())
            .collect();
        let names = names.join(" and ");
        let heard = |model: &LibraryModel| {
            let mut methods = methods.iter();
            methods.any(|(it, _)| model.detectors.contains_key(it))
        };
        let library = library.without(|model| !heard(model));
        println!("{} clean models, {names}.\n", library.models().len());
        false_alarms(&library, &methods, quick)?;
        if let Some(backdoored) = &backdoored {
            let backdoored = backdoored.without(|model| !heard(&model.found));
            println!(
                "\n{} backdoored models, {names}.\n",
                backdoored.models().len()
            );
            power(&library, &backdoored, &methods)?;
        }
    }
    Ok(())
}

fn false_alarms(library: &Library, methods: &Witnesses<'_>, quick: bool) -> Result<(), Failure> {
    let groups: [(&str, Group); 3] = [
        ("the model", |model| model.name.clone()),
        ("its recipe", |model| model.recipe.clone()),
        ("its data set", |model| model.data.clone()),
    ];
    let models = library.models();
    let equal = models
        .par_iter()
        .map(|model| judge(model, &[], &EqualClasses::default(), methods))
        .collect::<Result<Vec<_>, _>>()?;
    let mut rows = vec![("equal classes", equal)];
    for (name, group) in groups.into_iter().skip(usize::from(quick)) {
        rows.push((name, judged_without(library, group, methods)?));
    }
    if !quick {
        rows.push((
            "its data set, three models of its task as references",
            judged_by_references(library, methods)?,
        ));
    }
    println!(
        "| left out | p-values | 5 %: flagged | with the gate | 1 %: flagged | with the gate | KS distance |"
    );
    println!("|---|--:|---|---|---|---|--:|");
    for (name, judged) in &rows {
        let p = p_values(judged);
        let cells: Vec<String> = (0..RATES.len())
            .flat_map(|rate| [0, 1].map(|kind| share(judged, |of| of.flagged[rate][kind])))
            .collect();
        println!(
            "| {name} | {} | {} | {:.3} |",
            p.len(),
            cells.join(" | "),
            distance(&p)
        );
    }
    println!(
        "\nQuantiles of the p-values, which would be the heads of the columns if they were uniform:\n"
    );
    let parts = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9];
    println!(
        "| left out | {} |",
        parts.map(|part| part.to_string()).join(" | ")
    );
    println!("|---|{}", "--:|".repeat(parts.len()));
    for (name, judged) in &rows {
        let p = p_values(judged);
        let quantile = |part: f64| p.get((part * p.len() as f64) as usize).copied();
        let cells = parts.map(|part| quantile(part).map_or("-".to_owned(), |p| format!("{p:.3}")));
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!("\nFlagged at 5 % by number of classes:\n");
    let of_classes = |classes: usize| match classes {
        ..=2 => "2",
        3..=5 => "3-5",
        6..=9 => "6-9",
        10..=12 => "10-12",
        _ => "13 and more",
    };
    let columns = ["2", "3-5", "6-9", "10-12", "13 and more"];
    println!("| left out | {} |", columns.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    for (name, judged) in &rows {
        let cells = columns.map(|column| {
            let part = judged.iter().filter(|of| of_classes(of.classes) == column);
            share(&part.cloned().collect::<Vec<_>>(), |of| of.flagged[0][0])
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// Judges each model by the library without its group.
fn judged_without(
    library: &Library,
    group: Group,
    methods: &Witnesses<'_>,
) -> Result<Vec<Judged>, Failure> {
    let mut members: BTreeMap<String, Vec<&LibraryModel>> = BTreeMap::new();
    for model in library.models() {
        members.entry(group(model)).or_default().push(model);
    }
    let judged: Result<Vec<Vec<Judged>>, Failure> = members
        .par_iter()
        .map(|(name, left_out)| {
            let rest = library.without(|model| group(model) == *name);
            let reference = CleanModels::fit(&rest, SEED)?;
            left_out
                .iter()
                .map(|model| judge(model, &[], &reference, methods))
                .collect()
        })
        .collect();
    Ok(judged?.concat())
}

/// Judges each model by three others of its task, its data set and number of classes, as references
/// beside the library without the data set. Models with fewer others are passed over.
fn judged_by_references(
    library: &Library,
    methods: &Witnesses<'_>,
) -> Result<Vec<Judged>, Failure> {
    let judged = |(place, model): (usize, &LibraryModel)| -> Option<Result<Judged, Failure>> {
        let alike = |other: &&LibraryModel| {
            other.name != model.name && other.data == model.data && other.classes == model.classes
        };
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        rng.set_stream(place as u64);
        let like = library.models().iter().filter(alike).cloned();
        let like = like.sample(&mut rng, REFERENCES);
        if like.len() < REFERENCES {
            return None;
        }
        let rest = library.without(|other| other.data == model.data);
        let references = Library::new(library.methods().clone(), like)
            .and_then(|like| References::fit(&like, &rest, SEED))
            .map_err(Failure::from);
        Some(references.and_then(|references| judge(model, &[], &references, methods)))
    };
    let models: Vec<(usize, &LibraryModel)> = library.models().iter().enumerate().collect();
    models.into_par_iter().filter_map(judged).collect()
}

fn power(
    library: &Library,
    backdoored: &Backdoored,
    methods: &Witnesses<'_>,
) -> Result<(), Failure> {
    let whole = CleanModels::fit(library, SEED)?;
    let mut without: BTreeMap<&str, CleanModels> = BTreeMap::new();
    for model in backdoored.models() {
        let data = model.found.data.as_str();
        if !without.contains_key(data) {
            let rest = library.without(|model| model.data == data);
            without.insert(data, CleanModels::fit(&rest, SEED)?);
        }
    }
    let judged = |model: &BackdooredModel| -> Result<[Judged; 3], Failure> {
        let found = &model.found;
        Ok([
            judge(found, &model.targets, &EqualClasses::default(), methods)?,
            judge(found, &model.targets, &whole, methods)?,
            judge(
                found,
                &model.targets,
                &without[found.data.as_str()],
                methods,
            )?,
        ])
    };
    let judged = backdoored
        .models()
        .par_iter()
        .map(judged)
        .collect::<Result<Vec<_>, _>>()?;
    let by: [(&str, Trait); 4] = [
        ("attack", |model| model.attack.clone()),
        ("trigger", |model| match model.trigger_pixels {
            None => "spread over the image".to_owned(),
            Some(pixels) => {
                let share = 100.0 * pixels / model.found.pixels as f64;
                match share {
                    ..1.0 => "below 1 % of the image".to_owned(),
                    1.0..4.0 => "from 1 %".to_owned(),
                    4.0..10.0 => "from 4 %".to_owned(),
                    _ => "from 10 %".to_owned(),
                }
            }
        }),
        ("infected labels", |model| {
            let (targets, classes) = (model.targets.len(), model.found.classes);
            format!("{targets:2} of {classes}")
        }),
        ("all", |_| "all".to_owned()),
    ];
    println!("Called backdoored, with a true target among those named; in brackets all flagged:\n");
    for (head, key) in by {
        println!(
            "| {head} | models | equal classes, 5 % | library, 5 % | library, 1 % | without the data set, 5 % |"
        );
        println!("|---|--:|--:|--:|--:|--:|");
        let mut rows: BTreeMap<String, Vec<&[Judged; 3]>> = BTreeMap::new();
        for (model, judged) in backdoored.models().iter().zip(&judged) {
            rows.entry(key(model)).or_default().push(judged);
        }
        for (name, row) in rows {
            let count = |which: usize, rate: usize| {
                let of = |kind: usize| row.iter().filter(|j| j[which].flagged[rate][kind]).count();
                format!("{} ({})", of(2), of(0))
            };
            let cells = [count(0, 0), count(1, 0), count(1, 1), count(2, 0)];
            println!("| {name} | {} | {} |", row.len(), cells.join(" | "));
        }
        println!();
    }
    println!(
        "| of models called backdoored | models | first is a target | named | innocent | flagged | innocent |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    for (which, name) in ["equal classes", "library", "without the data set"]
        .iter()
        .enumerate()
    {
        let named = judged.iter().map(|of| of[which].named);
        let named: Vec<[usize; 5]> = named.filter(|of| of[0] > 0).collect();
        let of = |place: usize| named.iter().map(|of| of[place]).sum::<usize>();
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} |",
            named.len(),
            of(2),
            of(0),
            of(1),
            of(3),
            of(4)
        );
    }
    println!();
    Ok(())
}

fn judge(
    model: &LibraryModel,
    targets: &[usize],
    calibration: &dyn Calibration,
    methods: &Witnesses<'_>,
) -> Result<Judged, Failure> {
    let evidence = evidence(model, methods);
    let at = |rate| decide(&evidence, calibration, rate, SEED);
    let decisions = [at(RATES[0])?, at(RATES[1])?];
    let is_target = |class: &usize| targets.contains(class);
    let flagged = [0, 1].map(|rate| {
        [
            !decisions[rate].suspects.is_empty(),
            decisions[rate].verdict == Verdict::Backdoored,
            decisions[rate].targets.iter().any(is_target),
        ]
    });
    let [named, flagged_classes] = [true, false].map(|named| {
        let classes = decisions[0].classes.iter();
        let counted = classes.filter(|it| if named { it.named } else { it.flagged });
        let innocent = counted.clone().filter(|it| !is_target(&it.class)).count();
        (counted.count(), innocent)
    });
    let first = decisions[0].targets.first();
    let named = match first {
        Some(first) => [
            named.0,
            named.1,
            usize::from(is_target(first)),
            flagged_classes.0,
            flagged_classes.1,
        ],
        None => [0; 5],
    };
    Ok(Judged {
        classes: model.classes,
        p: decisions[0].p_value,
        flagged,
        named,
    })
}

/// What a scan found, with the triggers tried on held-out images.
fn evidence(model: &LibraryModel, methods: &Witnesses<'_>) -> Evidence {
    let read = |&(method, comparable)| (method, statistic(method, comparable, model.pixels));
    let methods: Vec<_> = methods.iter().map(read).collect();
    let mut evidence = model.evidence(&methods);
    for witness in &mut evidence.witnesses {
        let confirmed = &model.detectors[&witness.method].confirmed;
        for found in &mut witness.classes {
            let works = confirmed.contains(&found.class);
            found.confirmation = Some(Confirmation {
                successes: if works { 1000 } else { 0 },
                trials: 1000,
                worst_source: None,
            });
        }
    }
    evidence
}

/// How the values of a method are to be read: as its detector says or, where there is no such
/// detector, as the simulated worlds have them.
fn statistic(method: &Method, comparable: bool, pixels: usize) -> Statistic {
    let choice = Choice {
        name: method.detector.clone(),
        preset: method.preset.clone(),
        effort: Effort::Full,
    };
    match choice.detector() {
        Ok(detector) => detector.statistic([1, pixels, 1]),
        Err(_) => population::statistic(comparable, pixels),
    }
}

/// A share of models in percent, with its 95 % interval.
fn share(judged: &[Judged], which: impl Fn(&Judged) -> bool) -> String {
    let (count, of) = (judged.iter().filter(|of| which(of)).count(), judged.len());
    let percent = 100.0 * count as f64 / of.max(1) as f64;
    clopper_pearson(count as u64, of as u64, 0.95).map_or_else(
        |_| "-".to_owned(),
        |interval| {
            let (lower, upper) = (100.0 * interval.lower, 100.0 * interval.upper);
            format!("{percent:.1} % ({count} of {of}; {lower:.1}-{upper:.1})")
        },
    )
}

fn p_values(judged: &[Judged]) -> Vec<f64> {
    let mut p: Vec<f64> = judged.iter().filter_map(|of| of.p).collect();
    p.sort_unstable_by(f64::total_cmp);
    p
}

/// Kolmogorov and Smirnov's distance of p-values in rising order from the uniform distribution.
fn distance(ascending: &[f64]) -> f64 {
    let count = ascending.len() as f64;
    let of = |(rank, p): (usize, &f64)| {
        let (before, after) = (rank as f64 / count, (rank + 1) as f64 / count);
        (p - before).abs().max((after - p).abs())
    };
    ascending.iter().enumerate().map(of).fold(0.0, f64::max)
}

/// A library of 150 simulated models that went through one method or two, and as many others with
/// one to all classes infected.
fn simulated(methods: usize) -> Result<(Library, Option<Backdoored>), Failure> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let world =
        population::World::new(&mut rng).with_methods(methods, population::Tie::Independent);
    let library = Library::new(world.methods(), world.models(150, &mut rng))?;
    let infected = (0..150).map(|name| {
        let mut found = world.model(name, None, &mut rng);
        let targets = [
            1,
            3.min(found.classes),
            found.classes.div_ceil(2),
            found.classes,
        ][name % 4];
        world.infect(&mut found, targets, &mut rng);
        BackdooredModel {
            found,
            attack: [
                "one class",
                "three classes",
                "half of the classes",
                "all classes",
            ][name % 4]
                .to_owned(),
            trigger_pixels: Some(10.0),
            targets: (0..targets).collect(),
        }
    });
    let backdoored = Backdoored::new(world.methods(), infected.collect())?;
    Ok((library, Some(backdoored)))
}
