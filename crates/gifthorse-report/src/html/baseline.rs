//! What changed since an earlier report.

use maud::{Markup, html};

use super::{Scan, parts::table};
use crate::{
    escape::Shown,
    format::{number, percent, words},
    report::{Baseline, DetectorChange, StatisticChange, Tail},
    wording,
};

/// Rows of the table at most.
const ROWS: usize = 10;

/// The section on what changed.
pub fn section(scan: &Scan<'_>, baseline: &Baseline) -> Markup {
    let body = html! {
        p {
            "Compared with " bdi { (Shown(&baseline.path)) } ", which says “" (wording::verdict(baseline.verdict))
            "” of the model with SHA-256 " code { (Shown(baseline.sha256.get(..12).unwrap_or(&baseline.sha256))) } "…: "
            @if let Some(changed) = wording::baseline(scan.report()) { (changed) }
        }
        @if !baseline.caveats.is_empty() {
            ul.reasons { @for caveat in &baseline.caveats { li { (Shown(caveat)) } } }
        }
        @for detector in &baseline.detectors { (changes(scan, detector)) }
    };
    scan.section("baseline", "Since the earlier report", body)
}

/// The units that changed most by one detector.
fn changes(scan: &Scan<'_>, detector: &DetectorChange) -> Markup {
    let mut detections = scan.report().detectors.iter();
    let detection = detections.find(|found| found.name == detector.detector);
    let Some(detection) = detection.filter(|_| !detector.changes.is_empty()) else {
        return html! {};
    };
    let statistic = &detection.unit_statistic;
    let row = |change: &StatisticChange| {
        vec![
            html! {
                (scan.class(change.class))
                @if let Some(source) = change.source { " from " (scan.class(source)) }
            },
            html! { (number(change.before)) },
            html! { (number(change.now)) },
            html! { (percent(change.factor())) },
        ]
    };
    let changed = match statistic.suspicious {
        Tail::Small => "fell",
        Tail::Large => "rose",
    };
    let caption = format!(
        "{}: classes whose {} {changed} most, in {}",
        Shown(&detection.title),
        words(&statistic.name),
        words(&statistic.unit)
    );
    table(
        &caption,
        &["class", "then", "now", "now of then"],
        &[1, 2, 3],
        detector.changes.iter().take(ROWS).map(row).collect(),
    )
}
