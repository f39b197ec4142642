//! Triggers as repairs take them, from the files of a report.

use std::path::Path;

use gifthorse_defense::repair::KnownTrigger;
use gifthorse_engine::Classifier;
use gifthorse_report::Report;
use gifthorse_report::evidence::read_trigger;

use crate::Error;
use crate::recovered::stamped;

/// The least share of held-out images that a trigger has to lead to its class.
const WORKS: f64 = 0.5;

/// The triggers of a report that lead images to `targets` and work on held-out images, and those
/// that lead images of different classes to different ones, where that convicted the model.
///
/// # Errors
/// A trigger file that cannot be read.
pub(crate) fn of_report(
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
        if !works || !is_meant {
            continue;
        }
        if let Some(trigger) = stamped(read_trigger(folder, file, classifier.shape())?) {
            known.push(KnownTrigger {
                target: (!leads_apart).then_some(finding.class),
                source: finding.source,
                trigger,
            });
        }
    }
    Ok(known)
}
