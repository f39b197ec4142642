//! All classes, detector by detector: a chart, what was recovered for the others small, and a table
//! of numbers.

use maud::{Markup, html};

use super::{
    Scan,
    cards::featured,
    chart,
    parts::{heading, table, tag},
    picture::figure,
};
use crate::{
    columns::columns,
    escape::Shown,
    format::{UNDEFINED, amount, count, optional, percent},
    report::{Detection, Move, TriggerKind, UnitFinding},
    wording::{by_suspicion, state},
};

/// Other classes of a detector of which pictures are shown small, so that a page on a thousand
/// classes stays light.
const THUMBNAILS: usize = 24;
/// Rows up to which a table is open from the start.
const OPEN_ROWS: usize = 50;

/// A section for each detector.
pub fn all(scan: &Scan<'_>) -> Markup {
    let detectors = &scan.report().detectors;
    html! {
        @for (index, detection) in detectors.iter().enumerate() {
            @let name = format!("classes-{}", index + 1);
            @let title = if detectors.len() == 1 {
                "All classes".to_owned()
            } else {
                format!("All classes: {}", Shown(&detection.title))
            };
            (scan.section(&name, &title, html! {
                (chart::statistics(scan, detection))
                (maps(scan, detection))
                (thumbnails(scan, detection))
                (finding_table(scan, detection))
            }))
        }
    }
}

/// Where images of each class are led.
fn maps(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let row = |moved: &Move| {
        vec![
            scan.class(moved.from),
            scan.class(moved.to),
            html! { (percent(moved.share)) },
        ]
    };
    html! {
        @for finding in detection.findings.iter().filter(|it| !it.map.is_empty()) {
            @let rows: Vec<_> = finding.map.iter().map(row).collect();
            @let count = rows.len();
            @let table = table(
                "Where images of each class are led",
                &["Images of", "Go to", "Share of them"],
                &[2],
                rows,
            );
            @if count > OPEN_ROWS {
                details { summary { "Where the images of " (count) " classes go" } (table) }
            } @else { (table) }
        }
    }
}

/// What was recovered for the classes that have no card.
fn thumbnails(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let featured = featured(scan.report());
    let shown: Vec<_> = by_suspicion(scan.report(), detection)
        .into_iter()
        .filter(|finding| !featured.contains(&finding.class))
        .filter_map(|finding| {
            let evidence = scan.page.evidence.of(&detection.name, finding.unit())?;
            Some((finding, evidence))
        })
        .collect();
    let hidden = shown.len().saturating_sub(THUMBNAILS);
    // A detector recovers one kind.
    let kind = shown.first().map(|(_, evidence)| evidence.recovered.kind());
    let (title, what) = match kind {
        None | Some(TriggerKind::Patch) => ("Triggers of the other classes", "recovered trigger"),
        Some(TriggerKind::Image) => ("Images of the other classes", "recovered image"),
        Some(TriggerKind::ColourMap) => ("Filters of the other classes", "recovered filter"),
        Some(TriggerKind::Warp) => ("Warps of the other classes", "recovered warp"),
        Some(TriggerKind::LocalMap) => ("Generators of the other classes", "recovered generator"),
        Some(TriggerKind::Additive) => ("Changes of the other classes", "recovered change"),
        Some(TriggerKind::SpacePatch) => (
            "Patches of the other classes, in spaces of their own",
            "recovered patch",
        ),
    };
    let unit = &detection.unit_statistic.unit;
    html! {
        @if !shown.is_empty() {
            (heading(scan.level + 2, None, html! { (title) }))
            ul.thumbnails {
                @for (finding, evidence) in shown.into_iter().take(THUMBNAILS) {
                    @let class = scan.class(finding.class);
                    li { (figure(
                        &evidence.recovered.picture(),
                        &html! { (what) " for " (class) },
                        "small",
                        html! {
                            (class) @if let Some(source) = finding.source { " from " (scan.class(source)) }
                            br; (optional(finding.statistic, |value| amount(value, unit)))
                        },
                    )) }
                }
            }
            @if hidden > 0 {
                p.note { "The most suspicious are shown; " (count(hidden, "more class is", "more classes are")) " in the table." }
            }
        }
    }
}

fn finding_table(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let columns = columns(detection);
    let row = |finding: &UnitFinding| {
        let is_target = scan.report().targets.contains(&finding.class);
        let mut row = vec![
            html! { (finding.class) @if let Some(source) = finding.source { " from " (source) } },
            html! { bdi { @if finding.name.is_empty() { (UNDEFINED) } @else { (Shown(&finding.name)) } } @if is_target { " " (tag("bad", "target")) } },
            html! { (state(finding.state)) },
        ];
        row.extend(
            columns
                .iter()
                .map(|column| html! { (column.cell(finding)) }),
        );
        row
    };
    let rows: Vec<_> = by_suspicion(scan.report(), detection)
        .into_iter()
        .map(row)
        .collect();
    let titles: Vec<&str> = ["Class", "Name", "State"]
        .into_iter()
        .chain(columns.iter().map(|column| &column.title[..]))
        .collect();
    let numeric: Vec<usize> = (3..titles.len()).collect();
    let count = rows.len();
    let table = table(
        "Classes, the most suspicious first",
        &titles,
        &numeric,
        rows,
    );
    html! {
        @if count > OPEN_ROWS {
            details { summary { "Table of all " (count) " classes" } (table) }
        } @else { (table) }
    }
}
