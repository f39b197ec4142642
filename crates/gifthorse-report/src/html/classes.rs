//! The classes: the suspicious ones in full, the others small, and all of them as numbers.

use maud::{Markup, html};

use super::{
    Scan, chart,
    parts::{facts, heading, table, tag},
    picture::{figure, image},
};
use crate::{
    escape::Shown,
    evidence::{ClassEvidence, Example},
    format::{UNDEFINED, count, duration, interval, number, optional, percent},
    report::{ClassFinding, ClassState, Detection},
    wording::{by_suspicion, state, strongest},
};

/// Suspicious classes that are shown in full.
const CARDS: usize = 8;
/// Examples shown for each of them.
const EXAMPLES: usize = 12;
/// Other classes whose triggers are shown small, so that a page on a thousand classes stays light.
const THUMBNAILS: usize = 24;
/// Rows up to which a table is open from the start.
const OPEN_ROWS: usize = 50;

/// The classes to show in full: the targets, or the closest candidate where there is none.
fn featured(scan: &Scan<'_>) -> Vec<usize> {
    let report = scan.report();
    if !report.targets.is_empty() {
        return report.targets.iter().copied().take(CARDS).collect();
    }
    report
        .detectors
        .iter()
        .flat_map(|detection| by_suspicion(report, &detection.classes))
        .find(|finding| finding.state == ClassState::Reached)
        .map(|finding| finding.class)
        .into_iter()
        .collect()
}

/// The suspicious classes with their triggers and stamped examples.
pub fn suspicious(scan: &Scan<'_>) -> Markup {
    let report = scan.report();
    let featured = featured(scan);
    let (title, explanation) = match (featured.is_empty(), report.targets.is_empty()) {
        (true, _) => (
            "Recovered triggers",
            "No search for a trigger succeeded, so there is nothing to show.",
        ),
        (false, true) => (
            "Closest candidate",
            "The class with the smallest trigger. It did not stand out far enough to accuse the model.",
        ),
        (false, false) => (
            "Target classes",
            "The trigger is a pattern stamped on an image where the mask is white. It was found by search, on images that \
             the examples below are not part of.",
        ),
    };
    let hidden = report.targets.len().saturating_sub(CARDS);
    let body = html! {
        p { (explanation) }
        @for class in featured { (card(scan, class)) }
        @if hidden > 0 { p.note { (count(hidden, "more target class is", "more target classes are")) " in the table below." } }
    };
    scan.section("suspicious", title, body)
}

fn card(scan: &Scan<'_>, class: usize) -> Markup {
    let evidence = scan.page.evidence.of(class);
    let is_target = scan.report().targets.contains(&class);
    html! {
        div.card {
            (heading(scan.level + 2, None, html! {
                (scan.class(class)) @if is_target { " " (tag("bad", "target")) }
            }))
            @if let Some(evidence) = evidence {
                div.figures {
                    (figure(&evidence.trigger.on_grey(), &html! { "recovered trigger for " (scan.class(class)) }, "large",
                        html! { "Recovered trigger, on grey" }))
                    (figure(evidence.trigger.mask(), &html! { "mask for " (scan.class(class)) }, "large",
                        html! { "Mask: white is replaced" }))
                }
            }
            @if let Some(finding) = strongest(scan.report(), class) { (numbers(scan, finding)) }
            @if let Some(evidence) = evidence { (examples(scan, evidence)) }
        }
    }
}

fn numbers(scan: &Scan<'_>, finding: &ClassFinding) -> Markup {
    let holdout = html! {
        (optional(finding.holdout_success_rate, percent))
        @if let Some(bounds) = finding.holdout_interval { " (95 % interval " (interval(bounds)) ")" }
    };
    let mut rows = vec![
        (
            "Trigger size",
            html! {
                (optional(finding.norm, number)) " pixels (L1 norm of the mask), " (optional(finding.share, percent)) " of the image"
            },
        ),
        (
            "Size of the trigger tried on images",
            html! { (optional(finding.trigger_norm.or(finding.norm), number)) " pixels" },
        ),
        ("Success on held-out images", holdout),
        (
            "Lowest success for one source class",
            html! { (optional(finding.holdout_worst_source, percent)) },
        ),
        (
            "Success on search images",
            html! { (optional(finding.success_rate, percent)) },
        ),
        (
            "Anomaly index",
            html! { (optional(finding.anomaly_index, number)) },
        ),
        ("p-value", html! { (optional(finding.p_value, number)) }),
        (
            "Search",
            html! {
                (state(finding.state)) ", " (count(finding.updates, "update", "updates")) ", " (duration(finding.seconds))
            },
        ),
    ];
    if let Some(source) = finding.source {
        rows.push(("Only from source class", scan.class(source)));
    }
    if let Some(file) = &finding.trigger {
        rows.push(("File", html! { code { (Shown(file)) } }));
    }
    facts(&rows)
}

fn examples(scan: &Scan<'_>, evidence: &ClassEvidence) -> Markup {
    if evidence.examples.is_empty() {
        return html! {};
    }
    if !scan.options.images {
        return html! { p.note { "The images that the trigger was stamped on are left out of this page on request." } };
    }
    html! {
        (heading(scan.level + 3, None, html! { "Held-out images, before and after stamping" }))
        ul.examples {
            @for example in evidence.examples.iter().take(EXAMPLES) { li { (pair(scan, evidence.class, example)) } }
        }
    }
}

fn pair(scan: &Scan<'_>, target: usize, example: &Example) -> Markup {
    let before = html! { "clean image, taken for " (scan.class(example.predicted_before)) };
    let after = html! { "stamped image, taken for " (scan.class(example.predicted_after)) };
    html! {
        figure {
            div.pair {
                (image(&example.before, &before, "medium"))
                span aria-hidden="true" { "→" }
                (image(&example.after, &after, "medium"))
            }
            figcaption {
                @if let Some(label) = example.label { "Labelled " (scan.class_name(label)) "; model" } @else { "Model" }
                " said " (scan.class_name(example.predicted_before)) ", then "
                strong { (scan.class_name(example.predicted_after)) } "."
                @if example.predicted_after != target { " The trigger failed here." }
            }
        }
    }
}

/// Norms of all classes, small triggers of the other classes, and the table of all.
pub fn others(scan: &Scan<'_>) -> Markup {
    html! {
        @for (index, detection) in scan.report().detectors.iter().enumerate() {
            @let name = format!("classes-{}", index + 1);
            @let title = if scan.report().detectors.len() == 1 {
                "All classes".to_owned()
            } else {
                format!("All classes: {}", Shown(&detection.name))
            };
            (scan.section(&name, &title, html! {
                (chart::norms(scan, detection))
                @if index == 0 { (thumbnails(scan, detection)) }
                (class_table(scan, detection))
            }))
        }
    }
}

fn thumbnails(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let featured = featured(scan);
    let shown: Vec<_> = by_suspicion(scan.report(), &detection.classes)
        .into_iter()
        .filter(|finding| !featured.contains(&finding.class))
        .filter_map(|finding| Some((finding, scan.page.evidence.of(finding.class)?)))
        .collect();
    let hidden = shown.len().saturating_sub(THUMBNAILS);
    html! {
        @if !shown.is_empty() {
            (heading(scan.level + 2, None, html! { "Triggers of the other classes" }))
            ul.thumbnails {
                @for (finding, evidence) in shown.into_iter().take(THUMBNAILS) {
                    @let class = scan.class(finding.class);
                    li { (figure(
                        &evidence.trigger.on_grey(),
                        &html! { "recovered trigger for " (class) },
                        "small",
                        html! { (class) br; (optional(finding.norm, number)) " px" },
                    )) }
                }
            }
            @if hidden > 0 {
                p.note { "The smallest triggers are shown; " (count(hidden, "more class is", "more classes are")) " in the table." }
            }
        }
    }
}

fn class_table(scan: &Scan<'_>, detection: &Detection) -> Markup {
    let columns = [
        "Class",
        "Name",
        "State",
        "Norm (px)",
        "Share",
        "Anomaly index",
        "p-value",
        "Search success",
        "Held-out success",
        "Lowest source",
    ];
    let row = |finding: &ClassFinding| {
        let is_target = scan.report().targets.contains(&finding.class);
        vec![
            html! { (finding.class) @if let Some(source) = finding.source { " from " (source) } },
            html! { bdi { @if finding.name.is_empty() { (UNDEFINED) } @else { (Shown(&finding.name)) } } @if is_target { " " (tag("bad", "target")) } },
            html! { (state(finding.state)) },
            html! { (optional(finding.norm, number)) },
            html! { (optional(finding.share, percent)) },
            html! { (optional(finding.anomaly_index, number)) },
            html! { (optional(finding.p_value, number)) },
            html! { (optional(finding.success_rate, percent)) },
            html! { (optional(finding.holdout_success_rate, percent)) },
            html! { (optional(finding.holdout_worst_source, percent)) },
        ]
    };
    let rows = by_suspicion(scan.report(), &detection.classes)
        .into_iter()
        .map(row)
        .collect();
    let table = table(
        "Classes, the most suspicious first",
        &columns,
        &[3, 4, 5, 6, 7, 8, 9],
        rows,
    );
    html! {
        @if detection.classes.len() > OPEN_ROWS {
            details { summary { "Table of all " (detection.classes.len()) " classes" } (table) }
        } @else { (table) }
    }
}
