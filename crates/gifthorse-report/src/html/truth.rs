//! The truth beside the verdict, for models whose truth is known.

use maud::{Markup, html};

use super::{
    Scan,
    evidence::{recovered, shown},
    parts::{table, tag},
    picture::figure,
};
use crate::{escape::Shown, evidence::Truth, report::Verdict, wording::verdict};

/// Whether the verdict of `scan` is right, down to the target class.
fn is_right(scan: &Scan<'_>, truth: &Truth) -> bool {
    let report = scan.report();
    match report.verdict {
        Verdict::Clean => !truth.backdoored,
        Verdict::Backdoored => {
            truth.backdoored
                && (truth.target.is_none() || report.targets.first() == truth.target.as_ref())
        }
        Verdict::Inconclusive => false,
    }
}

fn outcome(scan: &Scan<'_>, truth: &Truth) -> Markup {
    match (is_right(scan, truth), scan.report().verdict) {
        (true, _) => tag("good", "right"),
        (false, Verdict::Inconclusive) => tag("unsure", "undecided"),
        (false, _) => tag("bad", "wrong"),
    }
}

fn planted(scan: &Scan<'_>, truth: &Truth) -> Markup {
    html! {
        @if !truth.backdoored { "clean" }
        @else if let Some(target) = truth.target { "backdoored, leads to " (scan.class(target)) }
        @else { "backdoored" }
    }
}

/// One row for each scan: what is in the model, and what the scan said.
pub fn overview(scans: &[Scan<'_>]) -> Markup {
    let row = |scan: &Scan<'_>| {
        let found = scan.report().targets.first();
        vec![
            html! { a href={ "#" (scan.id) } { bdi { (Shown(scan.page.title)) } } },
            html! { @if let Some(truth) = scan.page.truth { (planted(scan, truth)) } @else { "unknown" } },
            html! {
                (verdict(scan.report().verdict))
                @if let Some(&target) = found { ", leads to " (scan.class(target)) }
            },
            html! { @if let Some(truth) = scan.page.truth { (outcome(scan, truth)) } },
        ]
    };
    table(
        "Verdicts and truth",
        &["Model", "Truth", "Verdict", "Outcome"],
        &[],
        scans.iter().map(row).collect(),
    )
}

/// The planted trigger beside the recovered one.
pub fn section(scan: &Scan<'_>, truth: &Truth) -> Markup {
    let target = truth
        .target
        .or_else(|| scan.report().targets.first().copied());
    let recovered: Vec<_> = target
        .map(|target| recovered(scan, target))
        .unwrap_or_default();
    let body = html! {
        p { "This model is " strong { (planted(scan, truth)) } ". The verdict is " (outcome(scan, truth)) "." }
        @if truth.backdoored {
            div.figures {
                @if let Some(planted) = &truth.trigger {
                    (figure(planted, &html! { "planted trigger" }, "large", html! { "Planted trigger" }))
                }
                @for (detection, evidence) in &recovered { (shown(scan, detection, evidence)) }
            }
            @if recovered.is_empty() { p { "Nothing was recovered for the planted target." } }
            p.note {
                "What is recovered need not look like what was planted: a search finds what the model answers to most easily."
            }
        }
    };
    scan.section("truth", "The truth about this model", body)
}
