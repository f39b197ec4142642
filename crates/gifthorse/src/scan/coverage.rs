//! How far the verdict reaches.

use gifthorse_defense::detect::{DETECTORS, Row};
use gifthorse_report::report::{Coverage, OutputPart, TriggerSize, Verdict};

use super::conclusion::{Conclusion, Seen};
use super::dormant::Looked;
use super::findings::is_from_classes;
use super::search::Searched;

/// The unit of statistics that are sizes of a trigger.
const SIZE: &str = "pixels";

/// What was and what was not tested by the detectors that ran, and up to which size "clean" speaks.
pub fn coverage(all: &[Searched<'_>], conclusion: &Conclusion, seen: &Seen<'_>) -> Coverage {
    let Seen {
        fit,
        model,
        dormant,
        ..
    } = *seen;
    let (mut tested, mut gaps) = (Vec::new(), Vec::new());
    let classes = fit.classifier.classes();
    let has_part = |searched: &&Searched<'_>| {
        let detector = searched.detector;
        detector.about().by_default || conclusion.says(detector).is_some()
    };
    let (parts, apart): (Vec<_>, Vec<_>) = all.iter().partition(has_part);
    for searched in &parts {
        let about = searched.detector.about();
        let ended = searched.findings.ended().count();
        let eliminated = searched.findings.eliminated();
        let lead = if is_from_classes(&searched.findings) {
            "lead away from"
        } else {
            "lead to"
        };
        if ended > 0 {
            let targets = if ended + eliminated == searched.all {
                format!("any of the {classes} classes")
            } else {
                format!("{} of the {classes} classes", ended + eliminated)
            };
            tested.push(about.tested.replace("{targets}", &targets));
        }
        if searched.all == 0 {
            gaps.push(format!(
                "{}: {} does not look at models of {classes} classes",
                about.tested.replace("{targets}", "any class"),
                about.title
            ));
        }
        if ended < searched.all && about.statistic.of_model {
            gaps.push(format!(
                "{}: the search of {} did not come to its end",
                about.tested.replace("{targets}", "any class"),
                about.title
            ));
        } else if ended + eliminated < searched.all {
            let missing = searched.all - ended - eliminated;
            gaps.push(format!(
                "triggers that {lead} the other {missing} of the {classes} classes ({})",
                about.title
            ));
        }
        if eliminated > 0 {
            gaps.push(format!(
                "triggers that {lead} one of {eliminated} classes whose search was ended early, if it would have got \
                 ahead of the others only later ({})",
                about.title
            ));
        }
    }
    let (woken, asleep) = units(dormant);
    tested.extend(woken);
    gaps.extend(asleep);
    gaps.extend(never_tested(&parts));
    for searched in apart {
        let about = searched.detector.about();
        let what = about.tested.replace("{targets}", "any class");
        let title = about.title;
        gaps.push(format!(
            "{what}: {title} was run, but what it found has no part in the verdict"
        ));
    }
    let left_out = |row: &&Row| {
        let ran = |searched: &Searched<'_>| searched.detector.about().name == row.about.name;
        !all.iter().any(ran)
    };
    for row in DETECTORS.iter().filter(left_out) {
        let what = row.about.tested.replace("{targets}", "any class");
        gaps.push(format!("{what}: {} was not run", row.about.title));
    }
    for output in &model.outputs {
        if output.part == OutputPart::Unseen {
            gaps.push(format!("the output `{}` ({})", output.name, output.looks));
        }
    }
    if !fit.labelled {
        gaps.push("whether the model is accurate on these images: they have no labels".to_owned());
    }
    let shape = fit.classifier.shape();
    let [_, height, width] = shape;
    let pixels = (height * width) as f64;
    let largest = all.iter().find_map(|searched| {
        let detector = searched.detector;
        let value = conclusion.says(detector)?.value_threshold?;
        let is_size = detector.about().statistic.unit == SIZE;
        is_size.then(|| detector.statistic(shape).number(value))
    });
    Coverage {
        tested,
        not_tested: gaps,
        largest_trigger: largest
            .filter(|_| conclusion.verdict == Verdict::Clean)
            .map(|norm| TriggerSize {
                pixels: norm.min(pixels),
                share: (norm / pixels).min(1.0),
            }),
    }
}

/// What was and what was not tested of the units that no clean image wakes.
fn units(looked: &Looked) -> (Option<String>, Option<String>) {
    let found = match looked {
        Looked::Found(found) => found,
        Looked::LeftOut(why) => {
            return (
                None,
                Some(format!("units that no clean image wakes: {why}")),
            );
        }
    };
    let tested = (found.tried > 0).then(|| {
        format!(
            "single units that none of {} clean images wakes: whether one of {} tried changes most answers once it is awake",
            found.images, found.tried
        )
    });
    let left = found.dormant - found.tried;
    let gap = (left > 0).then(|| {
        format!(
            "{left} of {} units that no clean image wakes: they were not tried",
            found.dormant
        )
    });
    (tested, gap)
}

/// What none of the detectors with a part in the verdict looks for.
fn never_tested(all: &[&Searched<'_>]) -> Vec<String> {
    let Some((first, others)) = all.split_first() else {
        return Vec::new();
    };
    let is_missed = |kind: &&&str| {
        let misses = |searched: &&Searched<'_>| searched.detector.about().not_tested.contains(kind);
        others.iter().all(misses)
    };
    let missed = first.detector.about().not_tested.iter().filter(is_missed);
    missed.map(|&kind| kind.to_owned()).collect()
}
