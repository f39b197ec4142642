//! The user's own clean models, scanned as the model is, or taken from reports of such scans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gifthorse_defense::detect::Choice;
use gifthorse_defense::verdict::{
    Calibration, LibraryModel, Method, MethodTraits, Statistic, decide,
};
use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;
use gifthorse_report::Report;
use gifthorse_report::report::ReferenceModel;

use super::scan;
use crate::hash;
use crate::library::{library_methods, library_model};
use crate::observer::ScanObserver;
use crate::verify::read_report;
use crate::{Error, ScanRequest};

/// One clean model to measure by.
pub struct Known {
    /// What the detectors found in it.
    pub model: LibraryModel,
    /// Which of that can be compared between models.
    pub methods: BTreeMap<Method, MethodTraits>,
    /// The model as a report describes it.
    pub described: ReferenceModel,
}

/// Scans the references that are models and reads those that are reports. A scan that is kept in a
/// folder keeps those of its references beside it. `scanned` is the SHA-256 of the model.
///
/// # Errors
/// A reference that cannot be scanned or read, or that does not go with the model.
pub fn gather(
    request: &ScanRequest,
    scanned: &str,
    classifier: &Classifier,
    observer: &dyn ScanObserver,
) -> Result<Vec<Known>, Error> {
    if !request.references.is_empty() && request.classes.is_some() {
        return Err(Error::Request(
            "references are compared class with class of the whole model: leave out --classes, or --reference".to_owned(),
        ));
    }
    let references = distinct(request, scanned, observer)?;
    let count = references.len();
    let references = references.into_iter().enumerate();
    references
        .map(|(place, path)| {
            observer.reference(place, count, path);
            let report = if is_report(path) {
                read_report(path)?
            } else {
                scan(&scan_of(request, place, path), observer)?.report
            };
            known(&report, request, (place, path), classifier)
        })
        .collect()
}

/// The references, each with its place, without the scanned model: that says nothing about itself,
/// but a pipeline that measures each version by the one before will run on an unchanged model, too.
/// One that is given twice is refused.
fn distinct<'a>(
    request: &'a ScanRequest,
    scanned: &str,
    observer: &dyn ScanObserver,
) -> Result<Vec<&'a PathBuf>, Error> {
    let mut seen: Vec<(String, &PathBuf)> = Vec::new();
    for path in &request.references {
        let sha256 = if is_report(path) {
            read_report(path)?.model.sha256
        } else {
            let model = Model::read(path).map_err(|source| Error::Model {
                path: path.clone(),
                source: Box::new(source),
            })?;
            hash::of_model(path, &model)?
        };
        if sha256 == scanned {
            observer.warning(&format!(
                "the reference {} is the scanned model itself, which is no yardstick: it is left out",
                path.display()
            ));
            continue;
        }
        if let Some((_, known)) = seen.iter().find(|(known, _)| *known == sha256) {
            return Err(Error::Request(format!(
                "the reference {} is the same model as {}: give each clean model once",
                path.display(),
                known.display()
            )));
        }
        seen.push((sha256, path));
    }
    Ok(seen.into_iter().map(|(_, path)| path).collect())
}

fn is_report(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "json")
}

/// The scan of a reference: that of the model, with every class searched to the end.
fn scan_of(request: &ScanRequest, place: usize, path: &Path) -> ScanRequest {
    let beside = |folder: &PathBuf| {
        let mut name = folder.clone().into_os_string();
        name.push(format!("-reference-{}", place + 1));
        PathBuf::from(name)
    };
    ScanRequest {
        model: path.to_owned(),
        references: Vec::new(),
        baseline: None,
        detectors: request.full(),
        work: request.work.as_ref().map(beside),
        ..request.clone()
    }
}

fn known(
    report: &Report,
    request: &ScanRequest,
    (place, path): (usize, &Path),
    classifier: &Classifier,
) -> Result<Known, Error> {
    let shown = path.display();
    let misfit = |why: String| Err(Error::Request(format!("the reference {shown} {why}")));
    if report.model.classes != classifier.classes() {
        return misfit(format!(
            "has {} classes, but the model has {}: give clean models of the same task",
            report.model.classes,
            classifier.classes()
        ));
    }
    let (theirs, ours) = (report.model.input.shape, classifier.shape());
    if theirs != ours {
        return misfit(format!(
            "takes images of {theirs:?} (channels, height, width), but the model takes {ours:?}: give clean models of the \
             same task"
        ));
    }
    let made_with = |choice: &&Choice| {
        let mut detections = report.detectors.iter();
        detections.any(|found| (&found.name, &found.preset) == (&choice.name, &choice.preset))
    };
    if let Some(choice) = request.detectors.iter().find(|choice| !made_with(choice)) {
        return misfit(format!(
            "was not scanned with {} {}: scan it again with these detectors and this --preset, or give the ONNX file",
            choice.name, choice.preset
        ));
    }
    // Two files may have one name, and the models of a library may not.
    let name = format!("{} {shown}", place + 1);
    let model = library_model(report, &name, "reference", "reference")?;
    if let Some((method, _)) = model
        .detectors
        .iter()
        .find(|(_, found)| !found.mostly_reached())
    {
        return misfit(format!(
            "says nothing: {method} never reached more than half of its classes"
        ));
    }
    let described = ReferenceModel {
        name: path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        sha256: report.model.sha256.clone(),
        measures: report
            .detectors
            .iter()
            .flat_map(|found| found.measures.clone())
            .collect(),
    };
    Ok(Known {
        methods: library_methods(report)?,
        model,
        described,
    })
}

/// Refuses references that look backdoored themselves, and warns of those that only might be, as
/// seen by what is known without them.
///
/// # Errors
/// A reference of which a class is flagged at the rate that all references share, by a trigger that
/// works.
pub fn distrust(
    references: &[Known],
    known: &dyn Calibration,
    request: &ScanRequest,
    observer: &dyn ScanObserver,
) -> Result<(), Error> {
    for (reference, path) in references.iter().zip(&request.references) {
        let model = &reference.model;
        let statistics = statistics(request, reference)?;
        let statistics: Vec<(&Method, Statistic)> = statistics
            .iter()
            .map(|(method, statistic)| (method, *statistic))
            .collect();
        let decision = decide(
            &model.evidence(&statistics),
            known,
            request.fpr,
            request.seed,
        )?;
        let Some(p) = decision.p_value.filter(|&p| p <= request.fpr) else {
            continue;
        };
        let works = |class: &&usize| {
            let mut found = model.detectors.values();
            found.any(|found| found.confirmed.contains(class))
        };
        let shown = path.display();
        match decision.suspects.iter().find(works) {
            Some(class) if p * references.len() as f64 <= request.fpr => {
                return Err(Error::Request(format!(
                    "the reference {shown} looks backdoored itself (class {class}, p = {p:.4}): a backdoored model is no \
                     yardstick, leave it out"
                )));
            }
            _ => observer.warning(&format!(
                "the reference {shown} is somewhat suspicious itself (p = {p:.3})"
            )),
        }
    }
    Ok(())
}

/// How the values of a reference are to be read, for each detector.
fn statistics(request: &ScanRequest, reference: &Known) -> Result<Vec<(Method, Statistic)>, Error> {
    let detectors = request.detectors()?;
    // Statistics need the area of the images alone.
    let shape = [1, 1, reference.model.pixels];
    let of = detectors.iter().map(|detector| {
        let method = gifthorse_defense::witness::method(detector.as_ref())?;
        Ok((method, detector.statistic(shape)))
    });
    of.collect()
}
