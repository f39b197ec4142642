//! Whether a model came out as good as it was to be.

use std::collections::HashMap;

use gifthorse_data::source::TrainTest;

use super::plan::Planned;
use crate::make::Made;

/// A backdoor that leads fewer images to its target than this did not take, unless the plan says
/// otherwise.
const LEAST_SUCCESS: f64 = 0.5;

/// What a model falls short of, if anything.
pub fn shortcoming(planned: &Planned, made: &Made, sets: &TrainTest) -> Option<String> {
    let chance = largest_share(sets.test.labels().unwrap_or_default());
    let wanted = planned
        .clean_accuracy
        .unwrap_or(chance + (1.0 - chance) / 4.0);
    let accuracy = made.truth.clean_accuracy;
    if accuracy < wanted {
        return Some(format!(
            "it is right on {:.1} % of clean images, and {:.1} % were wanted",
            100.0 * accuracy,
            100.0 * wanted
        ));
    }
    let wanted = planned.attack_success.unwrap_or(LEAST_SUCCESS);
    let success = made.least_success().filter(|success| *success < wanted)?;
    Some(format!(
        "the backdoor leads {:.1} % of images to its target, and {:.1} % were wanted",
        100.0 * success,
        100.0 * wanted
    ))
}

/// The share of the commonest label, which is right most often by always guessing it.
fn largest_share(labels: &[usize]) -> f64 {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for &label in labels {
        *counts.entry(label).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or_default();
    most as f64 / labels.len().max(1) as f64
}
