//! Scanned clean models as models of a library.

use gifthorse_defense::detect::Choice;
use gifthorse_defense::stats::{
    ClassEvidence, Evidence, GradientHealth, LibraryError, LibraryModel, REQUIRED_RATE, SetAside,
};
use gifthorse_report::Report;
use gifthorse_report::report::{Detection, FindingState};

use crate::Error;

/// What a library says of the searches that it was made with: sizes found with another preset are no yardstick.
#[must_use]
pub fn library_search(choice: &Choice) -> String {
    format!("{} {}", choice.name, choice.preset)
}

/// Takes over the sizes that a scan found, as those of a model of a library.
///
/// # Errors
/// A report of a scan that did not search every class to its end.
pub fn library_model(
    report: &Report,
    name: &str,
    recipe: &str,
    data: &str,
) -> Result<LibraryModel, Error> {
    let not_all = || LibraryError::NotAllSearched(name.to_owned());
    let detection = report.detectors.first().ok_or_else(not_all)?;
    let ended = |state| matches!(state, FindingState::Reached | FindingState::Unreached);
    let complete = detection.findings.iter().all(|class| ended(class.state));
    if !complete || detection.findings.len() != report.model.classes {
        return Err(not_all().into());
    }
    let [_, height, width] = report.model.input.shape;
    let pixels = height * width;
    let classes = detection.findings.iter().map(|found| ClassEvidence {
        class: found.class,
        norm: found.statistic.unwrap_or(pixels as f64),
        reached: found.state == FindingState::Reached,
        confirmation: None,
    });
    let evidence = Evidence {
        classes: classes.collect(),
        set_aside: SetAside::default(),
        pixels,
        gradients: GradientHealth::Sound,
    };
    Ok(LibraryModel {
        confirmed: confirmed(detection),
        ..LibraryModel::from_evidence(name, recipe, data, &evidence)?
    })
}

/// The same of a search in a report.
#[must_use]
pub fn searched_with(found: &Detection) -> String {
    format!("{} {}", found.name, found.preset)
}

fn confirmed(detection: &Detection) -> Vec<usize> {
    let passed = detection.findings.iter().filter(|found| {
        let bound = found.holdout_interval.map(|[lower, _]| lower);
        found.state == FindingState::Reached && bound.is_some_and(|lower| lower >= REQUIRED_RATE)
    });
    passed.map(|found| found.class).collect()
}
