//! Triggers as repairs take them, from the files of a report.

use std::path::Path;

use gifthorse_defense::repair::KnownTrigger;
use gifthorse_defense::trigger::{
    Additive, ColourMap, LocalMap, Patch, SpacePatch, Transformation, Trigger, Warp,
};
use gifthorse_engine::Classifier;
use gifthorse_report::Report;
use gifthorse_report::evidence::{Change, Recovered, read_trigger};
use gifthorse_report::report::{TriggerFile, TriggerKind};

use crate::Error;

/// The least share of held-out images that a trigger has to lead to its class.
const WORKS: f64 = 0.5;

/// The triggers of a report that lead images to `targets` and work on held-out images, and those
/// that lead images of different classes to different ones, where that convicted the model.
///
/// # Errors
/// A trigger file that cannot be read.
pub(super) fn of_report(
    report: &Report,
    folder: &Path,
    targets: &[usize],
    classifier: &Classifier,
) -> Result<Vec<KnownTrigger>, Error> {
    let mut known = Vec::new();
    let findings = report.detectors.iter().flat_map(|it| &it.findings);
    for finding in findings {
        let Some(file) = &finding.trigger else {
            continue;
        };
        let works = finding
            .holdout_success_rate
            .is_some_and(|rate| rate >= WORKS);
        let leads_apart = !finding.map.is_empty();
        let is_meant = match leads_apart {
            true => finding.p_value.is_some_and(|p| p <= report.fpr),
            false => targets.contains(&finding.class),
        };
        if !works || !is_meant || file.kind == TriggerKind::Image {
            continue;
        }
        if let Some(trigger) = read(folder, file, classifier)? {
            known.push(KnownTrigger {
                target: (!leads_apart).then_some(finding.class),
                source: finding.source,
                trigger,
            });
        }
    }
    Ok(known)
}

/// The trigger of a file that is none of a report's.
///
/// # Errors
/// A file that cannot be read, or is no trigger for images of the model's shape.
pub(super) fn of_file(
    path: &Path,
    kind: TriggerKind,
    classifier: &Classifier,
) -> Result<Trigger, Error> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = TriggerFile {
        kind,
        path: name.into_owned(),
    };
    let trigger = read(folder.unwrap_or(Path::new(".")), &file, classifier)?;
    trigger.ok_or_else(|| {
        let path = path.display();
        Error::Request(format!(
            "{path} is a picture of its own, which is stamped on nothing"
        ))
    })
}

/// A trigger that can be stamped on images; `None` for a picture that takes their place.
fn read(
    folder: &Path,
    file: &TriggerFile,
    classifier: &Classifier,
) -> Result<Option<Trigger>, Error> {
    let numbers = |change: Change| change.numbers;
    Ok(match read_trigger(folder, file, classifier.shape())? {
        Recovered::Image(_) => None,
        Recovered::Patch(stored) => Some(Trigger::Patch(Patch {
            mask: stored.mask().values().to_vec(),
            pattern: stored.pattern().values().to_vec(),
        })),
        Recovered::ColourMap(change) => Some(ColourMap::of(numbers(change)).into()),
        Recovered::Additive(change) => Some(Additive::of(numbers(change)).into()),
        Recovered::Warp(change) => Some(Warp::of(numbers(change)).into()),
        Recovered::LocalMap(change) => Some(LocalMap::of(numbers(change)).into()),
        Recovered::SpacePatch(change) => Some(SpacePatch::of(numbers(change)).into()),
    })
}
