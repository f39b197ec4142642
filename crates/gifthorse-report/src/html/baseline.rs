//! What changed since an earlier report.

use maud::{Markup, html};

use super::{Scan, parts::table};
use crate::{
    escape::Shown,
    format::{number, percent},
    report::Baseline,
    wording,
};

/// Rows of the table at most.
const ROWS: usize = 10;

/// The section on what changed.
pub fn section(scan: &Scan<'_>, baseline: &Baseline) -> Markup {
    let rows: Vec<Vec<Markup>> = baseline
        .sizes
        .iter()
        .take(ROWS)
        .map(|size| {
            vec![
                scan.class(size.class),
                html! { (number(size.before)) },
                html! { (number(size.now)) },
                html! { (percent(size.factor())) },
            ]
        })
        .collect();
    let body = html! {
        p {
            "Compared with " bdi { (Shown(&baseline.path)) } ", which says “" (wording::verdict(baseline.verdict))
            "” of the model with SHA-256 " code { (Shown(baseline.sha256.get(..12).unwrap_or(&baseline.sha256))) } "…: "
            @if let Some(changed) = wording::baseline(scan.report()) { (changed) }
        }
        @if !baseline.caveats.is_empty() {
            ul.reasons { @for caveat in &baseline.caveats { li { (Shown(caveat)) } } }
        }
        @if !rows.is_empty() {
            (table(
                "Triggers that shrank most, in pixels",
                &["class", "then", "now", "now of then"],
                &[1, 2, 3],
                rows,
            ))
        }
    };
    scan.section("baseline", "Since the earlier report", body)
}
