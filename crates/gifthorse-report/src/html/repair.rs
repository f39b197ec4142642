//! A page of its own about a repair: whether it is one, what shows it, and what was done.
//!
//! Whoever gets a repaired file wants to know in a minute whether to use it; so the outcome comes
//! first, then what was measured before and after, then how it was done, and last what nobody
//! looked at.

mod changed;
mod measured;
mod tried;
mod triggers;

use maud::{Markup, html};

use super::document;
use super::parts::{facts, table};
use super::pruning::{PruningCurve, picture};
use crate::escape::Shown;
use crate::evidence::{Picture, Recovered};
use crate::format::{UNDEFINED, count, duration, number, optional, percent};
use crate::report::{Share, Verdict};
use crate::wording;

/// A repair as it is to be shown. No string in it is trusted.
#[derive(Clone, Debug)]
pub struct RepairPage<'a> {
    /// What the model is called, such as the name of its file.
    pub title: &'a str,
    /// How it ended.
    pub outcome: RepairOutcome,
    /// Why, in a sentence.
    pub meaning: String,
    /// What else a reader should know, in sentences.
    pub reasons: &'a [String],
    /// Names of the classes; may be fewer than the classes.
    pub class_names: &'a [String],
    /// The classes that were to be repaired.
    pub targets: &'a [usize],
    /// The model as it came.
    pub model: RepairFile<'a>,
    /// The repaired file, if it was written.
    pub fixed: Option<RepairFile<'a>>,
    /// Numbers of images to learn from, to choose by and to prove it on, if any were read.
    pub images: Option<[usize; 3]>,
    /// How far clean accuracy was allowed to fall, in [0, 1].
    pub budget: f64,
    /// What was measured, a row each.
    pub measured: Vec<MeasuredPair<'a>>,
    /// Attack success once the repaired model was trained on clean images and five
    /// stamped ones.
    pub came_back: Vec<Share>,
    /// The triggers.
    pub triggers: &'a [RepairTrigger],
    /// What was tried, round by round.
    pub rounds: Vec<RepairRound<'a>>,
    /// What pruning came to.
    pub curves: &'a [PruningCurve],
    /// The scans before and after, in their order.
    pub scans: Vec<LinkedScan<'a>>,
    /// What is different in the repaired model, if there is one.
    pub changes: Option<RepairChanges<'a>>,
    /// What was not measured, in sentences.
    pub not_measured: &'a [String],
    /// Seed of every random choice.
    pub seed: u64,
    /// Time of all of it, in seconds.
    pub seconds: f64,
    /// Version of the program.
    pub version: &'a str,
}

/// How a repair ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairOutcome {
    /// The model is repaired, and its file written.
    Repaired,
    /// It is not.
    NotRepaired,
    /// There was nothing to repair, or nobody could say whether there is.
    NothingRepaired,
}

/// A model file.
#[derive(Clone, Copy, Debug)]
pub struct RepairFile<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its SHA-256.
    pub sha256: &'a str,
}

/// Shares of the same images, before and after.
#[derive(Clone, Debug)]
pub struct MeasuredPair<'a> {
    /// What was counted.
    pub what: &'a str,
    /// The trigger that it is about; none for clean images.
    pub trigger: Option<String>,
    /// Of the model as it came.
    pub before: Share,
    /// Of the repaired one.
    pub after: Share,
}

/// A trigger with what it does to images.
#[derive(Clone, Debug, PartialEq)]
pub struct RepairTrigger {
    /// Where it comes from and where it leads.
    pub name: String,
    /// What it is, where there is a picture of it.
    pub recovered: Option<Recovered>,
    /// Images with and without it.
    pub examples: Vec<RepairExample>,
}

/// An image before and after a trigger is stamped on it, and what both models say to that.
#[derive(Clone, Debug, PartialEq)]
pub struct RepairExample {
    /// The clean image, `[channels, height, width]`.
    pub clean: Picture,
    /// The stamped image, of the same shape.
    pub stamped: Picture,
    /// The class of the image.
    pub label: usize,
    /// The class that the model gave the stamped image.
    pub before: usize,
    /// The class that the repaired model gives it.
    pub after: usize,
}

/// A round of repairs.
#[derive(Clone, Debug)]
pub struct RepairRound<'a> {
    /// What was tried, in order.
    pub attempts: Vec<RepairAttempt<'a>>,
    /// Why one of them was taken, or none.
    pub why: &'a str,
}

/// A repair that was tried.
#[derive(Clone, Debug)]
pub struct RepairAttempt<'a> {
    /// Its name for people.
    pub title: &'a str,
    /// Whether it was taken.
    pub taken: bool,
    /// Clean accuracy after it, in [0, 1]; none if it could not be done.
    pub clean: Option<f64>,
    /// How much more often images go where a trigger leads with it than without, in [-1, 1], of the
    /// trigger of which that is most.
    pub excess: Option<f64>,
    /// What was done and in what it falls short, or why it could not be done, in sentences.
    pub notes: Vec<&'a str>,
    /// Time taken, in seconds.
    pub seconds: f64,
}

/// A scan that has a report of its own.
#[derive(Clone, Debug)]
pub struct LinkedScan<'a> {
    /// Which model was scanned.
    pub of: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The classes that it names.
    pub targets: &'a [usize],
    /// Its p-value, if it had one.
    pub p_value: Option<f64>,
    /// The folder of its report.
    pub folder: &'a str,
    /// Where its page lies, seen from this one; none if it is not beside it.
    pub page: Option<String>,
}

/// What is different between two models.
#[derive(Clone, Debug)]
pub struct RepairChanges<'a> {
    /// Weights and other constants.
    pub constants: Vec<ChangedConstant<'a>>,
    /// Nodes: what became of each, its operator and its name.
    pub nodes: Vec<[&'a str; 3]>,
    /// Inputs, outputs and metadata that differ.
    pub others: usize,
}

/// A constant that differs.
#[derive(Clone, Debug)]
pub struct ChangedConstant<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type and shape, or what became of these.
    pub kind: String,
    /// How many of how many values differ.
    pub values: Option<[usize; 2]>,
    /// The largest absolute difference.
    pub largest: Option<f64>,
    /// The size of all differences beside that of the values before, both as L2 norms.
    pub relative: Option<f64>,
}

impl RepairPage<'_> {
    fn class(&self, index: usize) -> Markup {
        let name = self.class_names.get(index);
        let is_telling = |name: &&String| {
            !name.is_empty() && **name != index.to_string() && **name != format!("class {index}")
        };
        html! {
            @match name.filter(is_telling) {
                Some(name) => { "“" bdi { (Shown(name)) } "” (class " (index) ")" },
                None => { "class " (index) },
            }
        }
    }

    fn classes(&self, indices: &[usize]) -> Markup {
        html! {
            @if indices.is_empty() { (UNDEFINED) }
            @for (place, &index) in indices.iter().enumerate() {
                @if place > 0 { ", " }
                (self.class(index))
            }
        }
    }
}

/// The page, one file that loads nothing from elsewhere.
pub fn render_repair(page: &RepairPage<'_>) -> String {
    let title = html! { (headline(page.outcome)) ": " (Shown(page.title)) " – gifthorse" };
    let body = html! {
        article.scan {
            (header(page))
            (measured::section(page))
            (triggers::section(page))
            (tried::section(page))
            @if !page.curves.is_empty() { (pruning(page.curves)) }
            (scans(page))
            (changed::section(page))
            (not_measured(page))
        }
    };
    document(title, body)
}

fn headline(outcome: RepairOutcome) -> &'static str {
    match outcome {
        RepairOutcome::Repaired => "Repaired",
        RepairOutcome::NotRepaired => "Not repaired",
        RepairOutcome::NothingRepaired => "Nothing was changed",
    }
}

fn header(page: &RepairPage<'_>) -> Markup {
    // The colours of a scan's verdict.
    let (look, sign) = match page.outcome {
        RepairOutcome::Repaired => ("clean", "✓"),
        RepairOutcome::NotRepaired => ("backdoored", "✕"),
        RepairOutcome::NothingRepaired => ("inconclusive", "?"),
    };
    let file = |file: &RepairFile<'_>| {
        html! { bdi { (Shown(file.path)) } ", SHA-256 " code { (Shown(file.sha256)) } }
    };
    html! {
        header.verdict.(look) {
            p.kicker { "gifthorse repair of " bdi { (Shown(page.title)) } }
            p.stamp { span aria-hidden="true" { (sign) } " " (headline(page.outcome).to_lowercase()) }
            h1 { (headline(page.outcome)) }
            p.meaning { (Shown(&page.meaning)) }
            @if !page.reasons.is_empty() {
                h2 { "To know" }
                ul.reasons { @for reason in page.reasons { li { (Shown(reason)) } } }
            }
            (facts(&[
                ("Model", file(&page.model)),
                ("Repaired file", match &page.fixed {
                    Some(fixed) => file(fixed),
                    None => html! { "none was written" },
                }),
                ("Classes to repair", page.classes(page.targets)),
                ("Images", match page.images {
                    Some([fit, check, proof]) => html! {
                        (fit) " to learn from, " (check) " to choose by, " (proof) " to prove it on"
                    },
                    None => html! { "none were read" },
                }),
                ("Accuracy may fall by", html! { (percent(page.budget)) }),
                ("Took", html! { (duration(page.seconds)) ", seed " (page.seed) ", gifthorse " (Shown(page.version)) }),
            ]))
        }
    }
}

fn pruning(curves: &[PruningCurve]) -> Markup {
    html! {
        section aria-label="Pruning" {
            h2 { "Pruning, neuron by neuron" }
            p {
                "Neurons of a layer are switched off one after the other, those first that the trigger raises most. A backdoor "
                "with neurons of its own is gone long before clean accuracy falls."
            }
            figure.pruning { (picture(curves)) }
        }
    }
}

fn scans(page: &RepairPage<'_>) -> Markup {
    if page.scans.is_empty() {
        return html! {};
    }
    let row = |scan: &LinkedScan<'_>| {
        vec![
            html! { (Shown(&scan.of)) },
            html! { (wording::verdict(scan.verdict)) },
            page.classes(scan.targets),
            html! { (optional(scan.p_value, number)) },
            match &scan.page {
                Some(link) => html! { a href=(link) { (Shown(link)) } },
                None => html! { bdi { (Shown(scan.folder)) } },
            },
        ]
    };
    html! {
        section aria-label="Scans" {
            h2 { "Scans before and after" }
            p {
                "A scan of the repaired model looks for triggers anew: a second one may come to light once the first no longer "
                "works."
            }
            (table(
                "Scans",
                &["Scan of", "Verdict", "Target classes", "p-value", "Report"],
                &[3],
                page.scans.iter().map(row).collect(),
            ))
        }
    }
}

fn not_measured(page: &RepairPage<'_>) -> Markup {
    html! {
        section aria-label="Not measured" {
            h2 { "What was not measured" }
            @if page.not_measured.is_empty() {
                p { "Nothing was left out of what a repair can measure." }
            } @else {
                p { (count(page.not_measured.len(), "thing", "things")) " that this page says nothing of:" }
                ul { @for sentence in page.not_measured { li { (Shown(sentence)) } } }
            }
        }
    }
}
