//! The top of a scan: the verdict in plain words, what to do, and the few facts that identify the
//! scan.

use maud::{Markup, html};

use super::{
    Scan,
    parts::{facts, heading, table, yes_no},
};
use crate::{
    escape::Shown,
    format::{UNDEFINED, count, duration, number, optional},
    report::{ClassVerdict, Verdict},
    wording::{self, verdict, wording},
};

/// Classes that detectors speak against, listed at most.
const ACCUSED: usize = 8;

/// The header of a scan.
pub fn header(scan: &Scan<'_>) -> Markup {
    let report = scan.report();
    let wording = wording(report);
    let word = verdict(report.verdict);
    let sign = match report.verdict {
        Verdict::Clean => "✓",
        Verdict::Backdoored => "✕",
        Verdict::Inconclusive => "?",
    };
    // An inconclusive verdict already gives its first reason as its meaning.
    let said = usize::from(report.verdict == Verdict::Inconclusive);
    let reasons = report.reasons.get(said..).unwrap_or_default();
    html! {
        header.verdict.(word) {
            p.kicker { "gifthorse scan of " bdi { (Shown(scan.page.title)) } }
            p.stamp { span aria-hidden="true" { (sign) } " " (word) }
            (heading(scan.level, None, html! { (wording.headline) }))
            p.meaning { (wording.meaning) }
            @if let Some(confidence) = &wording.confidence { p.confidence { (confidence) } }
            @if !reasons.is_empty() {
                (heading(scan.level + 1, None, html! { "Why" }))
                ul.reasons { @for reason in reasons { li { (Shown(reason)) } } }
            }
            (accused(scan))
            @if let Some(policy) = &report.policy {
                (heading(scan.level + 1, None, html! {
                    @if policy.met { "Meets the policy " } @else { "Does not meet the policy " }
                    bdi { (Shown(&policy.path)) }
                }))
                ul.reasons {
                    @for line in policy.accepted.iter().chain(&policy.unmet) { li { (Shown(line)) } }
                }
            }
            (heading(scan.level + 1, None, html! { "What to do next" }))
            ul.next { @for step in &wording.next { li { (code_spans(step)) } } }
            (facts(&[
                ("Target classes", targets(scan)),
                ("p-value", html! { (optional(report.p_value, number)) }),
                ("Model", html! { bdi { (Shown(&report.model.path)) } ", " (count(report.model.classes, "class", "classes")) }),
                ("Images", html! {
                    @match &report.images {
                        Some(images) => { bdi { (Shown(&images.path)) } ", " (images.count) " used" },
                        None => "none",
                    }
                }),
                ("Scanned", html! { (Shown(&report.started)) ", took " (duration(report.seconds)) }),
            ]))
        }
    }
}

/// The classes that detectors speak against, with what all of them together say.
fn accused(scan: &Scan<'_>) -> Markup {
    let accused = wording::accused(scan.report());
    let hidden = accused.len().saturating_sub(ACCUSED);
    let row = |class: &&ClassVerdict| {
        vec![
            scan.class(class.class),
            html! { (optional(class.p_value, number)) },
            html! { (yes_no(class.named)) },
            html! { (wording::witnesses(scan.report(), class)) },
        ]
    };
    html! {
        @if !accused.is_empty() {
            (table(
                "Classes, by all detectors together",
                &["Class", "p-value", "Named as a target", "Detectors that speak against it"],
                &[1],
                accused.iter().take(ACCUSED).map(row).collect(),
            ))
            @if hidden > 0 { p.note { (count(hidden, "more class", "more classes")) " under the detectors below." } }
        }
    }
}

fn targets(scan: &Scan<'_>) -> Markup {
    let targets = &scan.report().targets;
    html! {
        @if targets.is_empty() { (UNDEFINED) }
        @for (index, &target) in targets.iter().take(5).enumerate() {
            @if index > 0 { ", " }
            (scan.class(target))
        }
        @if let more @ 1.. = targets.len().saturating_sub(5) { " and " (more) " more" }
    }
}

/// Text in which what stands between backticks is set as code.
fn code_spans(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
