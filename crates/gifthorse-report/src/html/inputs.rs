//! What went into the scan: whether model and images fit each other, and where everything came
//! from.

use maud::{Markup, html};

use super::{
    Scan,
    parts::{facts, heading, table, tag},
};
use crate::{
    escape::Shown,
    format::{count, duration, interval, number, optional, percent},
    report::{
        Branch, BranchScope, ChosenBy, DormantUnits, GradientHealth, Images, Layout, Model,
        ModelFile, ModelOutput, OutputPart, Preflight, Preprocess, Report, StructureFinding,
    },
};

/// Nodes that decide by the image are listed up to this number.
const BRANCHES: usize = 8;
/// So are dormant units that decide answers.
const UNITS: usize = 8;
/// And outputs that were not scanned.
const OUTPUTS: usize = 8;
/// Files, and domains of operators, that are named one by one.
const FILES: usize = 8;

/// Pre-flight and gradient health.
pub fn checks(scan: &Scan<'_>) -> Markup {
    let report = scan.report();
    let unchecked = match report.images {
        Some(_) => "The scan ended before this check.",
        None => "The scan had no images to check this with.",
    };
    let body = html! {
        (heading(scan.level + 2, None, html! { "Does the model work on these images?" }))
        @match &report.preflight {
            Some(preflight) => (accuracy(preflight)),
            None => p { (unchecked) },
        }
        (heading(scan.level + 2, None, html! { "Can its gradients be searched with?" }))
        @match &report.health {
            Some(health) => (gradients(health)),
            None => p { (unchecked) },
        }
        @if let Some(found) = &report.dormant_units {
            (heading(scan.level + 2, None, html! { "Does it have units that no clean image wakes?" }))
            (dormant(found))
        }
    };
    scan.section("preflight", "Checks before the search", body)
}

fn accuracy(preflight: &Preflight) -> Markup {
    let used = vec![
        html! { strong { "as used" } },
        html! { (optional(preflight.accuracy, percent)) },
        html! { (optional(preflight.interval, interval)) },
        html! { "100 %" },
    ];
    let others = preflight.alternatives.iter().map(|other| {
        vec![
            html! { (Shown(&other.name)) },
            html! { (optional(other.accuracy, percent)) },
            html! { (optional(other.interval, interval)) },
            html! { (optional(other.agreement, percent)) },
        ]
    });
    html! {
        @if let Some(message) = &preflight.message { p { (Shown(message)) } }
        @if preflight.accuracy.is_none() { p { "The images have no labels, so accuracy is unknown; the model's own predictions stood in for labels." } }
        (table(
            "Accuracy on clean images, by preprocessing",
            &["Preprocessing", "Accuracy", "95 % interval", "Same answers"],
            &[1, 2, 3],
            std::iter::once(used).chain(others).collect(),
        ))
        (facts(&[
            ("Images", html! { (preflight.images) }),
            ("Classes predicted", html! { (preflight.predicted_classes) }),
            ("Mean confidence", html! { (optional(preflight.confidence, percent)) }),
            ("Label order", html! {
                @match &preflight.label_order {
                    None => "as given",
                    Some(order) => {
                        (Shown(&order.name)) " fits better, accuracy " (percent(order.accuracy)) ", "
                        @if order.applied { "used" } @else { "not used" }
                    },
                }
            }),
        ]))
    }
}

fn gradients(health: &GradientHealth) -> Markup {
    html! {
        p {
            @if health.ok { (tag("good", "healthy")) } @else { (tag("bad", "unusable")) }
            " " (Shown(&health.message))
        }
        (facts(&[
            ("Zero everywhere", html! { (percent(health.share_zero)) }),
            ("Infinite or undefined", html! { (percent(health.share_nonfinite)) }),
            ("Saturated", html! { (optional(health.share_saturated, percent)) }),
            ("Agreement with small steps", html! { (optional(health.agreement, percent)) }),
            ("Correlation with random steps", html! { (optional(health.correlation, number)) }),
            ("Size of changes, as foretold 1", html! { (optional(health.slope, number)) }),
            ("Images", html! { (health.images) }),
        ]))
    }
}

fn dormant(found: &DormantUnits) -> Markup {
    html! {
        @if found.switches.is_empty() {
            p { (tag("good", "none that matters")) " No unit that sleeps on all clean images changes most answers once it is awake." }
        }
        @for switch in found.switches.iter().take(UNITS) {
            p { (tag("bad", "decides answers")) " " (Shown(&switch.in_words())) "." }
        }
        @if found.switches.len() > UNITS { p.note { "And " (found.switches.len() - UNITS) " more." } }
        (facts(&[
            ("Units behind a flat stretch", html! { (found.units) }),
            ("Asleep on all images", html! { (found.dormant) }),
            ("Tried to wake", html! { (found.tried) }),
            ("Woken", html! { (found.woken) }),
            ("Most answers changed by one", html! {
                @match &found.strongest {
                    Some(unit) => { (unit.changed) " of " (unit.others) },
                    None => "none",
                }
            }),
            ("Images", html! { (found.images) }),
        ]))
    }
}

/// Model, images, preprocessing and the run itself, with all that is needed to repeat it.
pub fn provenance(scan: &Scan<'_>) -> Markup {
    let report = scan.report();
    let title = |text: &str| heading(scan.level + 2, None, html! { (text) });
    let body = html! {
        (title("Model")) (model(report))
        (title("Images"))
        @match &report.images { Some(used) => (images(used)), None => p { "None: the scan used the model alone." } }
        (title("Preprocessing")) (preprocess(&report.preprocess))
        (title("Run"))
        (facts(&[
            ("Version", html! { "gifthorse " (Shown(&report.version)) ", report format " (report.schema_version) }),
            ("Seed", html! { (report.seed) }),
            ("Threads", html! { (report.threads) }),
            ("Started", html! { (Shown(&report.started)) }),
            ("Took", html! { (duration(report.seconds)) }),
        ]))
    };
    scan.section("provenance", "Provenance", body)
}

fn model(report: &Report) -> Markup {
    let model = &report.model;
    let [channels, height, width] = model.input.shape;
    facts(&[
        ("File", html! { bdi { (Shown(&model.path)) } }),
        ("SHA-256", html! { code { (Shown(&model.sha256)) } }),
        ("Files", files(&model.files)),
        ("Classes", html! { (model.classes) }),
        (
            "Input",
            html! {
                bdi { (Shown(&model.input.name)) } ": " (count(channels, "channel", "channels")) ", " (height) " rows, "
                (width) " columns, " (layout(model.input.layout)) ", "
                @match model.input.batch { Some(batch) => { "batch of " (batch) }, None => "any batch size" }
            },
        ),
        ("Output", output(model)),
        ("Opset", opsets(model)),
        (
            "Producer",
            html! { @if model.producer.is_empty() { "not stated" } @else { (Shown(&model.producer)) } },
        ),
        ("Decides by the image", branches(&model.branches)),
        ("Structure", structure(&model.structure)),
    ])
}

/// The files that the model was read from, where it is more than one.
fn files(files: &[ModelFile]) -> Markup {
    html! {
        @if files.len() > 1 {
            @for file in files.iter().take(FILES) { bdi { (Shown(&file.path)) } ": " code { (Shown(&file.sha256)) } "; " }
            @if files.len() > FILES { "and " (files.len() - FILES) " more" } @else { "no others" }
        } @else { "this one alone" }
    }
}

/// The version of the standard operators, and of those of other domains.
fn opsets(model: &Model) -> Markup {
    let others = model.opsets.iter().filter(|(domain, _)| !domain.is_empty());
    html! {
        (model.opset)
        @for (domain, version) in others.take(FILES) { ", " bdi { (Shown(domain)) } " " (version) }
    }
}

/// The output that was scanned, and what else the file gives.
fn output(model: &Model) -> Markup {
    let (scanned, others): (Vec<&ModelOutput>, Vec<&ModelOutput>) = model
        .outputs
        .iter()
        .partition(|output| output.part == OutputPart::Scanned);
    html! {
        @for output in &scanned { bdi { (Shown(&output.name)) } ": " }
        (Shown(&model.output))
        @for output in others.iter().take(OUTPUTS) {
            "; beside it " bdi { (Shown(&output.name)) } ", " (Shown(&output.looks))
            @if output.part == OutputPart::Unseen { ", not scanned" }
            @if output.part == OutputPart::Beside { ", in a report of its own" }
        }
        @if others.len() > OUTPUTS { "; and " (others.len() - OUTPUTS) " more" }
    }
}

/// The nodes that switch more than a number at a time, and how many switch single ones.
fn branches(branches: &[Branch]) -> Markup {
    let (single, wide): (Vec<&Branch>, Vec<&Branch>) = branches
        .iter()
        .partition(|branch| branch.scope == BranchScope::Element);
    html! {
        @for branch in wide.iter().take(BRANCHES) {
            (branch.operator) " " bdi { (Shown(&branch.node)) } ": "
            @if branch.scope == BranchScope::Image { "the whole image" } @else { "several numbers at once" }
            "; "
        }
        @if wide.len() > BRANCHES { "and " (wide.len() - BRANCHES) " more; " }
        @if !single.is_empty() {
            (count(single.len(), "node", "nodes")) " number by number, as activations do"
        }
        @if branches.is_empty() { "nowhere" }
    }
}

/// What backdoors are built of by hand.
fn structure(findings: &[StructureFinding]) -> Markup {
    html! {
        @for found in findings.iter().take(BRANCHES) {
            p {
                @if found.takes_clean_back() { (tag("bad", found.rule.id())) } @else { (tag("note", found.rule.id())) }
                " " (Shown(&found.in_words()))
            }
        }
        @if findings.len() > BRANCHES { "and " (findings.len() - BRANCHES) " more" }
        @if findings.is_empty() { "nothing that backdoors are built of by hand" }
    }
}

fn images(images: &Images) -> Markup {
    html! {
        (facts(&[
            ("Source", html! { bdi { (Shown(&images.path)) } " (" (Shown(&images.format)) ")" }),
            ("SHA-256", html! { code { (Shown(&images.sha256)) } }),
            ("Part", html! { (Shown(&images.split)) }),
            ("Used", html! {
                (images.count) " of " (images.available)
                @if let Some(most) = images.max_images { ", at most " (most) " asked for" }
            }),
            ("For the search", html! { (images.search) }),
            ("Held out", html! { (images.holdout) }),
            ("Labels", html! {
                @if let Some(file) = &images.labels { "from " bdi { (Shown(file)) } }
                @else if images.labelled { "from the source" }
                @else { "none: the model's own predictions stand in" }
                @if let Some(order) = &images.label_order { ", in the order " bdi { (Shown(order)) } }
            }),
            ("Turned by EXIF", html! {
                @match &images.exif { Some(done) => { (images.turned) ", " (Shown(done)) }, None => "none" }
            }),
            ("Class names", html! {
                @if let Some(file) = &images.class_names { "from " bdi { (Shown(file)) } } @else { "from the source, if any" }
            }),
        ]))
        @if !images.passed_over.is_empty() {
            (table(
                "Files that were passed over",
                &["Reason", "Files", "First"],
                &[1],
                images.passed_over.iter().map(|passed| vec![
                    html! { (Shown(&passed.reason)) },
                    html! { (passed.count) },
                    html! { bdi { (Shown(&passed.first)) } },
                ]).collect(),
            ))
        }
        @if !images.warnings.is_empty() {
            p { "Warnings:" }
            ul { @for warning in &images.warnings { li { (Shown(warning)) } } }
        }
    }
}

fn preprocess(preprocess: &Preprocess) -> Markup {
    let list = |values: &[f64]| match values {
        [] => "none".to_owned(),
        _ => values
            .iter()
            .map(|value| format!("{value}"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let [black, white] = preprocess.range;
    facts(&[
        ("Range", html! { (black) " to " (white) }),
        ("Mean", html! { (list(&preprocess.mean)) }),
        ("Standard deviation", html! { (list(&preprocess.std)) }),
        ("Channels", html! { (Shown(&preprocess.channels)) }),
        ("Layout", html! { (layout(preprocess.layout)) }),
        (
            "Crop",
            html! { @match &preprocess.crop { Some(crop) => (Shown(crop)), None => "whole frame" } },
        ),
        (
            "Resizing",
            html! { @match &preprocess.resize { Some(resize) => (Shown(resize)), None => "none needed" } },
        ),
        (
            "Chosen by",
            html! {
                @match preprocess.chosen_by {
                    ChosenBy::User => "the user",
                    ChosenBy::Auto => "the program, as the most accurate",
                    ChosenBy::Default => "nobody: the default",
                }
            },
        ),
    ])
}

fn layout(layout: Layout) -> &'static str {
    match layout {
        Layout::Nchw => "NCHW",
        Layout::Nhwc => "NHWC",
    }
}
