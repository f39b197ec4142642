//! How well do statistics of the verdict tell a backdoored model, when each keeps the same rate of
//! false alarms?
//!
//! `cargo run --release -p gifthorse-defense --example verdict_power [-- MODELS]` prints three
//! tables, in percent: detection of infected classes, detection beside classes that are hard to
//! reach, and false alarms where log sizes are not normal. Log sizes of a clean model have standard
//! deviation 1 here, so that a shift of ln(0.22) = -1.5 with a standard deviation of 0.35 is a
//! shift of -4.3.

#![allow(clippy::print_stdout, reason = "the tables are the point")]

use gifthorse_defense::verdict::Scan;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, Gumbel, StandardNormal};

/// The larger, the more suspicious; takes log sizes in rising order.
type Statistic = Box<dyn Fn(&[f64]) -> f64>;
/// Draws the log size of one class.
type Draw = fn(&mut ChaCha8Rng) -> f64;

const FPR: f64 = 0.05;
const CLASSES: [usize; 8] = [3, 4, 5, 10, 12, 43, 100, 1283];
/// Shift over standard deviation: -1 at 0.6 and 0.35, -1.5 at 0.35, -2 at 0.35, -1.5 at 0.2.
const SHIFTS: [f64; 5] = [1.7, 2.9, 4.3, 5.7, 7.5];

fn main() {
    let models = std::env::args()
        .nth(1)
        .and_then(|argument| argument.parse().ok())
        .unwrap_or(4000);
    for classes in CLASSES {
        let models = if classes > 1000 { models / 8 } else { models };
        let statistics = statistics(classes);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let nulls: Vec<Vec<f64>> = (0..5 * models)
            .map(|_| sorted(normal(classes, &mut rng)))
            .collect();
        let critical: Vec<f64> = statistics
            .iter()
            .map(|(_, statistic)| quantile(&nulls, statistic))
            .collect();
        let names: String = statistics
            .iter()
            .map(|(name, _)| format!("{name:>9}"))
            .collect();
        println!("\n{classes} classes\ninfected hard shift{names}");
        let most = (classes - 1) / 2;
        let mut numbers: Vec<usize> = [1, 2, 3, most]
            .into_iter()
            .filter(|&infected| infected <= most)
            .collect();
        numbers.dedup();
        for infected in numbers {
            for hard in [0, classes.div_ceil(10)] {
                for shift in SHIFTS {
                    let sample: Vec<(bool, Vec<f64>)> = (0..models)
                        .map(|_| infected_model(classes, infected, hard, shift, &mut rng))
                        .collect();
                    let row: String = statistics
                        .iter()
                        .zip(&critical)
                        .map(|((_, statistic), critical)| {
                            percent(
                                sample
                                    .iter()
                                    .filter(|(right, sizes)| *right && statistic(sizes) > *critical)
                                    .count(),
                                models,
                            )
                        })
                        .collect();
                    println!("{infected:8} {hard:4} {:5.1}{row}", -shift);
                }
            }
        }
        for (name, draw) in shapes() {
            let sample: Vec<Vec<f64>> = (0..models)
                .map(|_| sorted((0..classes).map(|_| draw(&mut rng)).collect()))
                .collect();
            let row: String = statistics
                .iter()
                .zip(&critical)
                .map(|((_, statistic), critical)| {
                    percent(
                        sample
                            .iter()
                            .filter(|sizes| statistic(sizes) > *critical)
                            .count(),
                        models,
                    )
                })
                .collect();
            println!("clean: {name:12}{row}");
        }
    }
}

/// A model whose first classes are infected and whose last are hard to reach (3.5 above the
/// others); whether the smallest class is an infected one, and the sizes in rising order.
fn infected_model(
    classes: usize,
    infected: usize,
    hard: usize,
    shift: f64,
    rng: &mut ChaCha8Rng,
) -> (bool, Vec<f64>) {
    let mut sizes = normal(classes, rng);
    sizes[..infected].iter_mut().for_each(|size| *size -= shift);
    sizes[classes - hard..]
        .iter_mut()
        .for_each(|size| *size += 3.5);
    let least = |sizes: &[f64]| sizes.iter().copied().fold(f64::INFINITY, f64::min);
    (
        least(&sizes[..infected]) < least(&sizes[infected..]),
        sorted(sizes),
    )
}

fn statistics(classes: usize) -> Vec<(&'static str, Statistic)> {
    let mut list: Vec<(&'static str, Statistic)> = Vec::new();
    if let Some(scan) = Scan::new(classes, 0, None) {
        list.push((
            "scan",
            Box::new(move |sizes| {
                scan.steps(sizes)
                    .iter()
                    .map(|step| step.score)
                    .fold(f64::MIN, f64::max)
            }),
        ));
    }
    list.push((
        "MAD",
        Box::new(|sizes| below_median(sizes, median_deviation(sizes))),
    ));
    list.push((
        "IQR",
        Box::new(|sizes| below_median(sizes, at(sizes, 0.75) - at(sizes, 0.25))),
    ));
    list.push((
        "upper",
        Box::new(|sizes| below_median(sizes, at(sizes, 0.84) - at(sizes, 0.5))),
    ));
    if classes <= 100 {
        list.push((
            "Qn",
            Box::new(|sizes| below_median(sizes, quarter_of_pairs(sizes))),
        ));
        list.push((
            "Sn",
            Box::new(|sizes| below_median(sizes, median_of_medians(sizes))),
        ));
    }
    list.push(("Grubbs", Box::new(grubbs)));
    list.push((
        "Dixon",
        Box::new(|sizes| (sizes[1] - sizes[0]) / (sizes[sizes.len() - 1] - sizes[0])),
    ));
    list
}

fn below_median(sizes: &[f64], scale: f64) -> f64 {
    (at(sizes, 0.5) - sizes[0]) / scale
}

fn grubbs(sizes: &[f64]) -> f64 {
    let count = sizes.len() as f64;
    let mean = sizes.iter().sum::<f64>() / count;
    let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean - sizes[0]) / variance.sqrt()
}

fn median_deviation(sizes: &[f64]) -> f64 {
    let median = at(sizes, 0.5);
    at(
        &sorted(sizes.iter().map(|size| (size - median).abs()).collect()),
        0.5,
    )
}

/// Qn of Rousseeuw and Croux, but for its constant: about the first quarter of the differences
/// between pairs.
fn quarter_of_pairs(sizes: &[f64]) -> f64 {
    let differences = sizes
        .iter()
        .enumerate()
        .flat_map(|(rank, size)| sizes[rank + 1..].iter().map(move |other| other - size));
    let half = sizes.len() / 2 + 1;
    sorted(differences.collect())[half * (half - 1) / 2 - 1]
}

/// Sn of Rousseeuw and Croux, but for its constant.
fn median_of_medians(sizes: &[f64]) -> f64 {
    let inner = sizes.iter().map(|size| {
        at(
            &sorted(sizes.iter().map(|other| (other - size).abs()).collect()),
            0.5,
        )
    });
    at(&sorted(inner.collect()), 0.5)
}

/// Quantile by linear interpolation.
fn at(ascending: &[f64], part: f64) -> f64 {
    let place = part * (ascending.len() - 1) as f64;
    let (low, high) = (
        ascending[place.floor() as usize],
        ascending[place.ceil() as usize],
    );
    low + (high - low) * place.fract()
}

fn quantile(nulls: &[Vec<f64>], statistic: &Statistic) -> f64 {
    at(
        &sorted(nulls.iter().map(|sizes| statistic(sizes)).collect()),
        1.0 - FPR,
    )
}

fn normal(classes: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..classes).map(|_| StandardNormal.sample(rng)).collect()
}

fn sorted(mut sizes: Vec<f64>) -> Vec<f64> {
    sizes.sort_unstable_by(f64::total_cmp);
    sizes
}

/// Distributions of a clean model's log sizes other than the normal.
fn shapes() -> [(&'static str, Draw); 5] {
    [
        ("normal", |rng| StandardNormal.sample(rng)),
        ("uniform", |rng| rng.random()),
        ("Laplace", laplace),
        ("tail below", |rng| -gumbel(rng)),
        ("tail above", gumbel),
    ]
}

fn laplace(rng: &mut ChaCha8Rng) -> f64 {
    let size: f64 = Exp1.sample(rng);
    if rng.random() { size } else { -size }
}

fn gumbel(rng: &mut ChaCha8Rng) -> f64 {
    Gumbel::new(0.0, 1.0).map_or(0.0, |gumbel| gumbel.sample(rng))
}

fn percent(count: usize, of: usize) -> String {
    format!("{:9.0}", 100.0 * count as f64 / of as f64)
}
