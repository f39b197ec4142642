//! How the verdict came about in numbers: our statistic, the published rules as published, and every parameter.

use maud::{Markup, html};

use super::{
    Scan,
    parts::{facts, heading, table, yes_no},
};
use crate::format::count;
use crate::{
    escape::Shown,
    format::{duration, number, optional},
    report::{Calibration, Detection, PublishedRule, ReferenceModel},
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
            (table(
                "Your clean models, by the metrics of Houtari and Mohanty",
                &["Model", "Largest norm over smallest", "Percent difference"],
                &[1, 2],
                models.iter().map(reference).collect(),
            ))
            p.note { "The paper calls a model suspicious above 1.8 and 25 %, thresholds that it set by clean models." }
        }
        @if report.detectors.is_empty() { p { "No detector ran." } }
        @for detection in &report.detectors { (detector(scan, detection)) }
    };
    scan.section("statistics", "Statistics behind the verdict", body)
}

fn reference(model: &ReferenceModel) -> Vec<Markup> {
    vec![
        html! { (Shown(&model.name)) },
        html! { (optional(model.max_min_ratio, number)) },
        html! { (optional(model.percent_difference, |value| format!("{} %", number(value)))) },
    ]
}

fn detector(scan: &Scan<'_>, detection: &Detection) -> Markup {
    html! {
        (heading(scan.level + 2, None, html! { (Shown(&detection.name)) ", preset " (Shown(&detection.preset)) }))
        (facts(&[
            ("Flagged", html! { (yes_no(detection.flagged)) }),
            ("Statistic", html! { (Shown(&detection.statistic_name)) }),
            ("Value", html! { (optional(detection.statistic, number)) }),
            ("Threshold", html! { (optional(detection.threshold, number)) }),
            ("p-value", html! { (optional(detection.p_value, number)) }),
            ("Anomaly index", html! { (optional(detection.anomaly_index, number)) }),
            ("Largest norm over smallest", html! { (optional(detection.max_min_ratio, number)) }),
            ("Percent difference", html! { (optional(detection.percent_difference, |value| format!("{} %", number(value)))) }),
            ("Median norm", html! { (optional(detection.norm_median, number)) }),
            ("Unreached classes", unreached(detection)),
            ("Eliminated early", html! { (detection.eliminated()) " of " (count(detection.classes.len(), "class", "classes")) }),
            ("Time", html! { (duration(detection.seconds)) }),
        ]))
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
            summary { "Parameters of " (Shown(&detection.name)) }
            (table("Parameters", &["Parameter", "Value"], &[], detection.parameters.iter().map(row).collect()))
        }
    }
}
