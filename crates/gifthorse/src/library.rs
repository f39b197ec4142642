//! Scanned clean models as models of a library.

use std::collections::BTreeMap;

use gifthorse_defense::detect::neural_cleanse::{Preset, statistic, value};
use gifthorse_defense::verdict::{
    ClassEvidence, Evidence, LibraryError, LibraryModel, Method, MethodTraits, REQUIRED_RATE,
    SetAside, Soundness, Witness,
};
use gifthorse_report::Report;
use gifthorse_report::report::{ClassState, Detection};

use crate::Error;

/// The methods of a library whose models were scanned with one method.
pub(crate) fn methods(method: Method) -> BTreeMap<Method, MethodTraits> {
    BTreeMap::from([(method, MethodTraits { comparable: true })])
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
        .find(|detection| detection.name == Preset::Standard.method().detector)
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
        value: value(found.norm.unwrap_or(pixels as f64), pixels),
        reached: found.state == ClassState::Reached,
        confirmation: None,
    });
    let method = searched_with(detection)?;
    let witness = Witness {
        method: method.clone(),
        statistic: statistic(pixels),
        classes: classes.collect(),
        set_aside: SetAside::default(),
        soundness: Soundness::Sound,
    };
    let evidence = Evidence {
        witnesses: vec![witness],
        doubts: Vec::new(),
        pixels,
        classes: report.model.classes,
    };
    let mut model = LibraryModel::from_evidence(name, recipe, data, &evidence)?;
    if let Some(found) = model.detectors.get_mut(&method) {
        found.confirmed = confirmed(detection);
    }
    Ok(model)
}

/// The method of a search in a report.
pub(crate) fn searched_with(found: &Detection) -> Result<Method, Error> {
    Ok(Method::new(&found.name, &found.preset)?)
}

fn confirmed(detection: &Detection) -> Vec<usize> {
    let passed = detection.classes.iter().filter(|found| {
        let bound = found.holdout_interval.map(|[lower, _]| lower);
        found.state == ClassState::Reached && bound.is_some_and(|lower| lower >= REQUIRED_RATE)
    });
    passed.map(|found| found.class).collect()
}
