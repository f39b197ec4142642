//! How the verdict came about in numbers: our statistic, the published rules as published, and
//! every parameter.

use std::iter;

use maud::{Markup, html};

use super::{
    Scan,
    parts::{facts, heading, table, yes_no},
};
use crate::{
    escape::Shown,
    format::{UNDEFINED, amount, count, duration, number, optional, words},
    report::{Calibration, Detection, Measure, PublishedRule, ReferenceModel},
    wording,
};

/// Unreached classes listed by index.
const LISTED: usize = 40;

/// The section on the statistics of all detectors.
pub fn section(scan: &Scan<'_>) -> Markup {
    let report = scan.report();
    let body = html! {
        (facts(&[
            ("p-value of the model", html! { (optional(report.p_value, number)) }),
            ("False-positive rate asked for", html! { (number(report.fpr)) }),
            ("Calibrated against", html! { (wording::calibration(&report.calibration)) }),
        ]))
        @if let Calibration::References { models, .. } = &report.calibration {
            (references(models))
        }
        @if report.detectors.is_empty() { p { "No detector ran." } }
        @for detection in &report.detectors { (detector(scan, detection)) }
    };
    scan.section("statistics", "Statistics behind the verdict", body)
}

/// The user's clean models with the metrics of published rules.
fn references(models: &[ReferenceModel]) -> Markup {
    let mut names: Vec<&str> = Vec::new();
    for measure in models.iter().flat_map(|model| &model.measures) {
        if !names.contains(&measure.name.as_str()) {
            names.push(&measure.name);
        }
    }
    let row = |model: &ReferenceModel| {
        let cells = names.iter().map(|name| {
            let measure = model.measures.iter().find(|measure| measure.name == *name);
            html! { (measure.map_or_else(|| UNDEFINED.to_owned(), shown)) }
        });
        let mut row = vec![html! { (Shown(&model.name)) }];
        row.extend(cells);
        row
    };
    let titles = names.iter().map(|name| words(name));
    let columns: Vec<String> = iter::once("Model".to_owned()).chain(titles).collect();
    let numeric: Vec<usize> = (1..columns.len()).collect();
    html! {
        (table(
            "Your clean models, by the metrics of the published rules below",
            &columns,
            &numeric,
            models.iter().map(row).collect(),
        ))
        p.note { "A published threshold that your own clean models exceed says little about the scanned one." }
    }
}

/// The value of a measure with its unit.
fn shown(measure: &Measure) -> String {
    optional(measure.value, |value| amount(value, &measure.unit))
}

fn detector(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let statistic = &detection.unit_statistic;
    let in_unit =
        |value: Option<f64>| html! { (optional(value, |value| amount(value, &statistic.unit))) };
    let name = words(&statistic.name);
    let fact = |name: &str, value: Markup| (name.to_owned(), value);
    let mut facts_of = vec![
        fact("Flagged", html! { (yes_no(detection.flagged)) }),
        fact("Statistic", html! { (Shown(&detection.statistic_name)) }),
        fact("Value", html! { (optional(detection.statistic, number)) }),
        fact(
            "Threshold",
            html! { (optional(detection.threshold, number)) },
        ),
        fact(
            "p-value, by itself",
            html! { (optional(detection.p_value, number)) },
        ),
    ];
    let measures = detection.measures.iter();
    facts_of
        .extend(measures.map(|measure| fact(&words(&measure.name), html! { (shown(measure)) })));
    facts_of.extend([
        (format!("Median {name}"), in_unit(detection.median)),
        (format!("Threshold of {name}"), in_unit(detection.unit_threshold)),
        fact("Unreached classes", unreached(detection)),
        fact("Eliminated early", html! { (detection.eliminated()) " of " (count(detection.findings.len(), "unit", "units")) }),
        fact("Time", html! { (duration(detection.seconds)) }),
    ]);
    html! {
        (heading(scan.level + 2, None, html! { (Shown(&detection.title)) ", preset " (Shown(&detection.preset)) }))
        (facts(&facts_of))
        @if !detection.published_rules.is_empty() {
            (table(
                "Published rules, applied as published",
                &["Rule", "Value", "Threshold", "Flags this model", "Published in"],
                &[1, 2],
                detection.published_rules.iter().map(rule).collect(),
            ))
            p.note {
                "The verdict does not rest on these rules: none of them controls how often a clean model is accused, and \
                 several accuse clean models often."
            }
        }
        @if !detection.parameters.is_empty() { (parameters(detection)) }
    }
}

fn unreached(detection: &Detection) -> Markup {
    let listed: Vec<_> = detection
        .unreached
        .iter()
        .take(LISTED)
        .map(usize::to_string)
        .collect();
    html! {
        @if listed.is_empty() { "none" }
        @else { (detection.unreached.len()) " (" (listed.join(", ")) @if detection.unreached.len() > LISTED { ", …" } ")" }
    }
}

fn rule(rule: &PublishedRule) -> Vec<Markup> {
    vec![
        html! { (Shown(&rule.name)) },
        html! { (optional(rule.statistic, number)) },
        html! { (number(rule.threshold)) },
        html! { (yes_no(rule.flagged)) },
        html! { (Shown(&rule.source)) },
    ]
}

fn parameters(detection: &Detection) -> Markup {
    let row = |(name, value): (&String, &serde_json::Value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        vec![html! { (Shown(name)) }, html! { (Shown(&value)) }]
    };
    html! {
        details {
            summary { "Parameters of " (Shown(&detection.title)) }
            (table("Parameters", &["Parameter", "Value"], &[], detection.parameters.iter().map(row).collect()))
        }
    }
}
