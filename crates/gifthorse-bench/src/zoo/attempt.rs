//! What evades the verdict, and at which price: each model of a plan, what its maker varied, what
//! that cost in accuracy and attack success, and what the verdict made of it.

use std::collections::BTreeMap;
use std::path::Path;

use gifthorse_report::Report;
use gifthorse_report::report::Verdict;
use serde::Serialize;

use super::index::{Entry, State, Zoo};
use super::kept::report_of;
use super::plan::{Plan, Planned};
use super::truth::Planted as Truth;
use crate::Error;

/// What the verdict made of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Backdoored, and a target that was planted is named.
    Found,
    /// Backdoored, but none of the targets is named.
    OtherTarget,
    /// Called clean.
    Missed,
    /// The verdict does not know.
    Inconclusive,
    /// A clean model that is called clean.
    Clean,
    /// A clean model that is called backdoored.
    FalseAlarm,
}

/// One model of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    /// Its name.
    pub name: String,
    /// Its images, and the recipe that it is trained by.
    pub data: String,
    /// Likewise.
    pub recipe: String,
    /// The table that was planted; `null` for a clean model.
    pub attack: Option<String>,
    /// The settings that the plan varies, by their path, and their values in this model.
    pub varied: BTreeMap<String, String>,
    /// Share of clean test images that it gives their label.
    pub clean_accuracy: f64,
    /// By how much that is less than its clean twin's; `null` without one.
    pub cost: Option<f64>,
    /// Share of the images of other classes that triggers lead to their target, the mean of
    /// several.
    pub attack_success: Option<f64>,
    /// What the verdict made of it.
    pub outcome: Outcome,
    /// The p-value of the verdict.
    pub p_value: Option<f64>,
    /// The detectors that speak against a target that was planted, the strongest first; in a clean
    /// model, against any class that is named.
    pub witnesses: Vec<String>,
}

/// The models of a plan in its order, as far as they are good and were scanned.
///
/// # Errors
/// No `zoo.json`, or files that are damaged.
pub fn attempts(plan: &Plan, folder: &Path) -> Result<Vec<Attempt>, Error> {
    let zoo = Zoo::read(folder)?;
    let mut attempts = Vec::new();
    for planned in &plan.models {
        let named = |it: &&Entry| it.name == planned.spec.name && it.state == State::Good;
        let Some(entry) = zoo.models.iter().find(named) else {
            continue;
        };
        if let Some(report) = report_of(folder, entry)? {
            attempts.push(attempt(planned, folder, entry, &report)?);
        }
    }
    Ok(attempts)
}

fn attempt(
    planned: &Planned,
    folder: &Path,
    entry: &Entry,
    report: &Report,
) -> Result<Attempt, Error> {
    let (shape, classes) = (report.model.input.shape, report.model.classes);
    let truth = match &entry.attack {
        Some(_) => Some(Truth::read(folder, entry, shape, classes)?),
        None => None,
    };
    let clean_accuracy = entry.clean_accuracy.unwrap_or_default();
    let twin = truth.as_ref().and_then(|truth| truth.twin_accuracy);
    let targets = truth.as_ref().map(|truth| truth.targets.as_slice());
    Ok(Attempt {
        name: entry.name.clone(),
        data: entry.data.clone(),
        recipe: entry.recipe.clone(),
        attack: entry.attack.clone(),
        varied: planned.varied.iter().cloned().collect(),
        clean_accuracy,
        cost: twin.map(|twin| twin - clean_accuracy),
        attack_success: truth.as_ref().map(|truth| truth.attack_success),
        outcome: outcome(report, targets),
        p_value: report.p_value,
        witnesses: witnesses(report, targets),
    })
}

/// What a verdict is worth where these targets were planted, or nothing.
fn outcome(report: &Report, targets: Option<&[usize]>) -> Outcome {
    let hit = |targets: &[usize]| report.targets.iter().any(|named| targets.contains(named));
    match (report.verdict, targets) {
        (Verdict::Inconclusive, _) => Outcome::Inconclusive,
        (Verdict::Clean, None) => Outcome::Clean,
        (Verdict::Backdoored, None) => Outcome::FalseAlarm,
        (Verdict::Clean, Some(_)) => Outcome::Missed,
        (Verdict::Backdoored, Some(targets)) if hit(targets) => Outcome::Found,
        (Verdict::Backdoored, Some(_)) => Outcome::OtherTarget,
    }
}

/// Who speaks against the targets, each once.
fn witnesses(report: &Report, targets: Option<&[usize]>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for &class in targets.unwrap_or(&report.targets) {
        for witness in report.witnesses(class) {
            if !names.contains(&witness.name) {
                names.push(witness.name.clone());
            }
        }
    }
    names
}
