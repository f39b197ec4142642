//! Scanned clean models as models of a library.

use std::collections::BTreeMap;

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Destination, Finding, Findings, State, Unit};
use gifthorse_defense::verdict::{
    Evidence, LibraryError, LibraryModel, Method, MethodTraits, Soundness,
};
use gifthorse_defense::witness::witness;
use gifthorse_report::Report;
use gifthorse_report::report::{Detection, FindingState, UnitFinding};

use crate::Error;

/// Takes over what the detectors of a scan found, as a model of a library. What a detector found in
/// a model whose gradients could not be followed is left out.
///
/// # Errors
/// A report of a scan that did not search every class to its end, or of a detector that this
/// program does not know.
pub fn library_model(
    report: &Report,
    name: &str,
    recipe: &str,
    data: &str,
) -> Result<LibraryModel, Error> {
    let shape = report.model.input.shape;
    let [_, height, width] = shape;
    let mut evidence = Evidence {
        witnesses: Vec::new(),
        doubts: Vec::new(),
        pixels: height * width,
        classes: report.model.classes,
    };
    let mut confirmed: BTreeMap<Method, Vec<usize>> = BTreeMap::new();
    for detection in &report.detectors {
        let ended = |state| matches!(state, FindingState::Reached | FindingState::Unreached);
        if !detection.findings.iter().all(|found| ended(found.state)) {
            return Err(LibraryError::NotAllSearched(name.to_owned()).into());
        }
        let detector = choice(detection).detector()?;
        if detector.units(report.model.classes).is_empty() {
            // It does not look at models of so many classes.
            continue;
        }
        let findings = findings(detection, report.model.classes);
        let witness = witness(detector.as_ref(), &findings, shape, Soundness::Sound)?;
        confirmed.insert(
            witness.method.clone(),
            confirmed_classes(detection, detector.as_ref()),
        );
        evidence.witnesses.push(witness);
    }
    let mut model = LibraryModel::from_evidence(name, recipe, data, &evidence)?;
    for (method, classes) in confirmed {
        if let Some(values) = model.detectors.get_mut(&method) {
            values.confirmed = classes;
        }
    }
    Ok(model)
}

/// What a library says of the methods of scans: which of their values can be compared between
/// models.
///
/// # Errors
/// A detector that this program does not know.
pub fn library_methods(report: &Report) -> Result<BTreeMap<Method, MethodTraits>, Error> {
    let traits = report.detectors.iter().map(|detection| {
        let detector = choice(detection).detector()?;
        let method = gifthorse_defense::witness::method(detector.as_ref())?;
        let statistic = &detector.about().statistic;
        let traits = MethodTraits {
            comparable: statistic.comparable,
            of_model: statistic.of_model,
        };
        Ok((method, traits))
    });
    traits.collect()
}

/// The detector and settings that a detection was made with.
pub(crate) fn choice(detection: &Detection) -> Choice {
    Choice {
        name: detection.name.clone(),
        preset: detection.preset.clone(),
        effort: gifthorse_defense::detect::Effort::Full,
    }
}

fn findings(detection: &Detection, classes: usize) -> Findings {
    let of_unit = |found: &UnitFinding| {
        let reached = found.state == FindingState::Reached;
        let moves_all = !found.map.is_empty();
        Finding {
            state: if reached {
                State::Reached
            } else {
                State::Unreached
            },
            // Not looked at where nothing was reached, but finite.
            statistic: found.statistic.unwrap_or(1.0),
            leads_to: (found.source.is_some() || moves_all).then_some(found.class),
            map: destinations(found, classes),
            ..Finding::skipped(match found.source {
                Some(source) => Unit::Source(source),
                None if moves_all => Unit::Model,
                None => Unit::Class(found.class),
            })
        }
    };
    Findings {
        units: detection.findings.iter().map(of_unit).collect(),
        sampled: Vec::new(),
    }
}

/// Where the images of each of so many classes go, as a finding has it.
fn destinations(found: &UnitFinding, classes: usize) -> Vec<Option<Destination>> {
    let of_class = |class: usize| {
        let moved = found.map.iter().find(|moved| moved.from == class)?;
        Some(Destination {
            class: moved.to,
            share: moved.share,
        })
    };
    match found.map.is_empty() {
        true => Vec::new(),
        false => (0..classes).map(of_class).collect(),
    }
}

fn confirmed_classes(detection: &Detection, detector: &dyn Detector) -> Vec<usize> {
    let rate = detector.about().statistic.conviction.rate();
    let passed = detection.findings.iter().filter(|found| {
        let bound = found.holdout_interval.map(|[lower, _]| lower);
        found.state == FindingState::Reached && bound.is_some_and(|lower| lower >= rate)
    });
    passed
        .map(|found| found.source.unwrap_or(found.class))
        .collect()
}
