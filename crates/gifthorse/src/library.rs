//! Scanned clean models as models of a library.

use gifthorse_defense::detect::neural_cleanse::Preset;
use gifthorse_defense::stats::{
    ClassEvidence, Evidence, GradientHealth, LibraryError, LibraryModel, REQUIRED_RATE, SetAside,
};
use gifthorse_report::Report;
use gifthorse_report::report::{ClassState, Detection};

use crate::Error;

/// The name of the detector whose sizes a library holds.
const DETECTOR: &str = "neural_cleanse";

/// What a library says of the searches that it was made with: sizes found with another preset are no yardstick.
#[must_use]
pub fn library_search(preset: Preset) -> String {
    format!("{DETECTOR} {}", preset.name())
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
    let mut detections = report.detectors.iter();
    let detection = detections
        .find(|detection| detection.name == DETECTOR)
        .ok_or_else(not_all)?;
    let ended = |state| matches!(state, ClassState::Reached | ClassState::Unreached);
    let complete = detection.classes.iter().all(|class| ended(class.state));
    if !complete || detection.classes.len() != report.model.classes {
        return Err(not_all().into());
    }
    let [_, height, width] = report.model.input.shape;
    let pixels = height * width;
    let classes = detection.classes.iter().map(|found| ClassEvidence {
        class: found.class,
        norm: found.norm.unwrap_or(pixels as f64),
        reached: found.state == ClassState::Reached,
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
    let passed = detection.classes.iter().filter(|found| {
        let bound = found.holdout_interval.map(|[lower, _]| lower);
        found.state == ClassState::Reached && bound.is_some_and(|lower| lower >= REQUIRED_RATE)
    });
    passed.map(|found| found.class).collect()
}
