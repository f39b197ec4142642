//! What the detectors have to say against a class.

use crate::{
    escape::Shown,
    format::{amount, interval, percent, words},
    report::{ClassVerdict, Detection, Report, Tail},
};

/// What a backdoor that leads to `class` does and which detectors speak of it, in a few sentences.
pub fn target(report: &Report, class: usize) -> String {
    let name = report.class_name(class);
    let mut text = format!(
        "Whoever knows the backdoor can make the model answer “{}”.",
        Shown(&name)
    );
    for detection in report.witnesses(class) {
        text += &format!(" {}", testimony(detection, class));
    }
    text
}

/// What `detection` has to say against `class`, in a sentence that begins with its title.
fn testimony(detection: &Detection, class: usize) -> String {
    let title = Shown(&detection.title).to_string();
    let Some((finding, value)) = detection
        .of_class(class)
        .and_then(|finding| Some((finding, finding.statistic?)))
    else {
        return format!("{title} speaks against it.");
    };
    let statistic = &detection.unit_statistic;
    let mut text = format!(
        "{title}: {} {} ({})",
        words(&statistic.name),
        amount(value, &statistic.unit),
        Shown(&statistic.meaning)
    );
    for measure in &finding.measures {
        if let Some(value) = measure.value {
            let value = amount(value, &measure.unit);
            text += &format!(", {} {value}", words(&measure.name));
        }
    }
    if let Some(rate) = finding.holdout_success_rate {
        text += &format!(
            "; the trigger turned {} of the held-out images of other classes",
            percent(rate)
        );
        if let Some(bounds) = finding.holdout_interval {
            text += &format!(" (95 % interval {})", interval(bounds));
        }
    }
    text + "."
}

/// The titles of the detectors that speak against a class.
pub fn witnesses(report: &Report, class: &ClassVerdict) -> String {
    let title = |name: &String| {
        let detection = report.detectors.iter().find(|found| found.name == *name);
        let title = detection.map_or(name, |found| &found.title);
        Shown(title).to_string()
    };
    class
        .witnesses
        .iter()
        .map(title)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The classes that are named or have a witness, in the order of the targets and then by p-value.
pub fn accused(report: &Report) -> Vec<&ClassVerdict> {
    let rank = |class: &ClassVerdict| {
        let mut targets = report.targets.iter();
        targets
            .position(|&target| target == class.class)
            .unwrap_or(usize::MAX)
    };
    let is_accused = |class: &&ClassVerdict| class.named || !class.witnesses.is_empty();
    let mut accused: Vec<_> = report.classes.iter().filter(is_accused).collect();
    accused.sort_by(|a, b| {
        let by_p = Tail::Small.compare(a.p_value, b.p_value);
        rank(a).cmp(&rank(b)).then(by_p)
    });
    accused
}
