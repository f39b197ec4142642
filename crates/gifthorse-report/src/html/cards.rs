//! The suspicious classes in full: what each detector found for them, with pictures and examples.

use maud::{Markup, html};

use super::{
    Scan,
    effect::block,
    evidence::{recovered, shown},
    parts::{facts, heading, tag},
    picture::image,
};
use crate::{
    escape::Shown,
    evidence::{Example, UnitEvidence},
    format::{amount, count, duration, interval, number, optional, percent, words},
    report::{Detection, FindingState, Report, Tail, TriggerKind, UnitFinding},
    wording::{by_suspicion, state},
};

/// Suspicious classes that are shown in full.
const CARDS: usize = 8;
/// Examples shown for each finding.
const EXAMPLES: usize = 12;

/// The classes to show in full: the targets, or the closest candidate where there is none.
pub fn featured(report: &Report) -> Vec<usize> {
    if !report.targets.is_empty() {
        return report.targets.iter().copied().take(CARDS).collect();
    }
    let by_all = report
        .classes
        .iter()
        .filter(|class| class.p_value.is_some())
        .min_by(|a, b| Tail::Small.compare(a.p_value, b.p_value));
    let by_one = || {
        let findings = report
            .detectors
            .iter()
            .flat_map(|detection| by_suspicion(report, detection));
        findings
            .into_iter()
            .find(|finding| finding.state == FindingState::Reached)
    };
    by_all
        .map(|class| class.class)
        .or_else(|| by_one().map(|finding| finding.class))
        .into_iter()
        .collect()
}

/// The suspicious classes with what was recovered for them.
pub fn suspicious(scan: &Scan<'_>) -> Markup {
    let report = scan.report();
    let featured = featured(report);
    let (title, explanation) = match (featured.is_empty(), report.targets.is_empty()) {
        (true, _) => (
            "Suspicious classes",
            "No search succeeded, so there is nothing to show.",
        ),
        (false, true) => (
            "Closest candidate",
            "The most suspicious class. It did not stand out far enough to accuse the model.",
        ),
        (false, false) => ("Target classes", "The classes that a backdoor leads to."),
    };
    let kinds: Vec<TriggerKind> = featured
        .iter()
        .flat_map(|&class| recovered(scan, class))
        .map(|(_, evidence)| evidence.recovered.kind())
        .collect();
    let hidden = report.targets.len().saturating_sub(CARDS);
    let body = html! {
        p {
            (explanation)
            @if kinds.contains(&TriggerKind::Patch) {
                " A trigger is a pattern stamped on an image where the mask is white. It was found by search, on images that \
                 the examples below are not part of."
            }
            @if kinds.contains(&TriggerKind::ColourMap) {
                " A filter makes another colour of each, in all images alike."
            }
            @if kinds.contains(&TriggerKind::Warp) { " A warp bends all images alike." }
            @if kinds.contains(&TriggerKind::LocalMap) {
                " A generator mixes each pixel anew from those around it and adds a picture, in all images alike."
            }
            @if kinds.contains(&TriggerKind::Additive) {
                " A change is added to the pixels of all images alike."
            }
            @if kinds.contains(&TriggerKind::SpacePatch) {
                " A patch in a space of its own is blended into all images once these are brought into another form, from which \
                 they are then brought back."
            }
            @if kinds.contains(&TriggerKind::Image) { " An image is shown as the search left it: it is stamped on nothing." }
        }
        @for class in featured { (card(scan, class)) }
        @if hidden > 0 { p.note { (count(hidden, "more target class is", "more target classes are")) " in the tables below." } }
    };
    scan.section("suspicious", title, body)
}

fn card(scan: &Scan<'_>, class: usize) -> Markup {
    let report = scan.report();
    let is_target = report.targets.contains(&class);
    let witnesses: Vec<&str> = report
        .witnesses(class)
        .iter()
        .map(|detection| &detection.name[..])
        .collect();
    let mut found: Vec<_> = report
        .detectors
        .iter()
        .filter_map(|detection| Some((detection, detection.of_class(class)?)))
        .collect();
    // Those that speak against the class first; the order of the scan otherwise.
    found.sort_by_key(|(detection, _)| !witnesses.contains(&&detection.name[..]));
    html! {
        div.card {
            (heading(scan.level + 2, None, html! {
                (scan.class(class)) @if is_target { " " (tag("bad", "target")) }
            }))
            @for (detection, finding) in found {
                @if report.detectors.len() > 1 {
                    (heading(scan.level + 3, None, html! {
                        (Shown(&detection.title))
                        @if witnesses.contains(&&detection.name[..]) { " " (tag("bad", "witness")) }
                    }))
                }
                (testimony(scan, detection, finding))
            }
        }
    }
}

/// What one detector found for one class: pictures, numbers, examples.
fn testimony(scan: &Scan<'_>, detection: &Detection, finding: &UnitFinding) -> Markup {
    let evidence = scan.page.evidence.of(&detection.name, finding.unit());
    html! {
        @if let Some(evidence) = evidence { div.figures { (shown(scan, detection, evidence)) } }
        (numbers(scan, detection, finding))
        @if let Some(evidence) = evidence { (examples(scan, evidence)) }
        @if let Some(effect) = &finding.effect {
            details {
                summary { "What this trigger does inside the model" }
                (block(effect, &|class| scan.class(class), scan.level + 4))
            }
        }
    }
}

fn numbers(scan: &Scan<'_>, detection: &Detection, finding: &UnitFinding) -> Markup {
    let statistic = &detection.unit_statistic;
    let name = words(&statistic.name);
    let mut rows = vec![(
        name,
        html! {
            (optional(finding.statistic, |value| amount(value, &statistic.unit))) " (" (Shown(&statistic.meaning)) ")"
        },
    )];
    let mut row = |name: &str, value: Markup| rows.push((name.to_owned(), value));
    for measure in &finding.measures {
        let value = optional(measure.value, |value| amount(value, &measure.unit));
        row(&words(&measure.name), html! { (value) });
    }
    if let Some(rate) = finding.holdout_success_rate {
        let bounds = finding.holdout_interval;
        row(
            "Success on held-out images",
            html! {
                (percent(rate))
                @if let Some(bounds) = bounds { " (95 % interval " (interval(bounds)) ")" }
            },
        );
    }
    for (name, rate) in [
        (
            "Lowest success for one source class",
            finding.holdout_worst_source,
        ),
        ("Success on search images", finding.success_rate),
    ] {
        if let Some(rate) = rate {
            row(name, html! { (percent(rate)) });
        }
    }
    row(
        "p-value",
        html! { (optional(finding.p_value, number)) " by this detector" },
    );
    row(
        "Search",
        html! {
            (state(finding.state)) ", " (count(finding.updates, "update", "updates")) ", " (duration(finding.seconds))
        },
    );
    if let Some(source) = finding.source {
        row("Only from source class", scan.class(source));
    }
    if let Some(file) = &finding.trigger {
        row("File", html! { code { (Shown(&file.path)) } });
    }
    facts(&rows)
}

fn examples(scan: &Scan<'_>, evidence: &UnitEvidence) -> Markup {
    if evidence.examples.is_empty() {
        return html! {};
    }
    if !scan.options.images {
        return html! { p.note { "The images that the trigger was stamped on are left out of this page on request." } };
    }
    html! {
        (heading(scan.level + 4, None, html! { "Held-out images, before and after stamping" }))
        ul.examples {
            @for example in evidence.examples.iter().take(EXAMPLES) { li { (pair(scan, evidence.unit.class, example)) } }
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
