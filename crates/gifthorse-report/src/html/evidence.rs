//! What detectors recovered, in pictures.

use maud::{Markup, html};

use super::{Scan, picture::figure};
use crate::{
    evidence::{Recovered, UnitEvidence},
    format::words,
    report::{Detection, Tail},
};

/// What each detector recovered for `class`: the detector's most suspicious finding that has
/// pictures.
pub fn recovered<'a>(scan: &Scan<'a>, class: usize) -> Vec<(&'a Detection, &'a UnitEvidence)> {
    let page = scan.page;
    let of_class = |detection: &'a Detection| {
        let finding = detection.of_class(class)?;
        let evidence = page.evidence.of(&detection.name, finding.unit())?;
        Some((detection, evidence))
    };
    page.report.detectors.iter().filter_map(of_class).collect()
}

/// The figures of what was recovered, large.
pub fn shown(scan: &Scan<'_>, detection: &Detection, evidence: &UnitEvidence) -> Markup {
    let class = scan.class(evidence.unit.class);
    match &evidence.recovered {
        Recovered::Patch(trigger) => html! {
            (figure(&trigger.on_grey(), &html! { "recovered trigger for " (class) }, "large",
                html! { "Recovered trigger, on grey" }))
            (figure(trigger.mask(), &html! { "mask for " (class) }, "large",
                html! { "Mask: white is replaced" }))
        },
        Recovered::Image(image) => {
            let statistic = &detection.unit_statistic;
            let found = match statistic.suspicious {
                Tail::Small => "smallest",
                Tail::Large => "largest",
            };
            figure(
                image,
                &html! { "recovered image for " (class) },
                "large",
                html! { "Image with the " (found) " " (words(&statistic.name)) " found" },
            )
        }
        Recovered::ColourMap(change) => figure(
            &change.chart,
            &html! { "recovered filter for " (class) },
            "large",
            html! { "What the recovered filter makes of a chart of colours" },
        ),
        Recovered::Warp(change) => figure(
            &change.chart,
            &html! { "recovered warp for " (class) },
            "large",
            html! { "What the recovered warp makes of a chequerboard" },
        ),
        Recovered::LocalMap(change) => figure(
            &change.chart,
            &html! { "recovered generator for " (class) },
            "large",
            html! { "What the recovered generator makes of a chequerboard" },
        ),
        Recovered::Additive(change) => figure(
            &change.chart,
            &html! { "recovered change for " (class) },
            "large",
            html! { "The recovered change, stretched until its largest value is black or white" },
        ),
        Recovered::SpacePatch(change) => figure(
            &change.chart,
            &html! { "recovered patch in a space of its own for " (class) },
            "large",
            html! { "What the recovered patch, in a space of its own, makes of a chequerboard" },
        ),
    }
}
