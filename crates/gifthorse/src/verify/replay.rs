//! One trigger, replayed: does it do what the report says?

use std::path::Path;

use gifthorse_data::Images;
use gifthorse_defense::search::{evaluate_away, evaluate_from, evaluate_trigger, picture_margin};
use gifthorse_defense::trigger::Trigger;
use gifthorse_defense::verdict::Confirmation;
use gifthorse_defense::verdict::interval::clopper_pearson;
use gifthorse_engine::Classifier;
use gifthorse_report::evidence::{Recovered, read_trigger};
use gifthorse_report::report::{Detection, UnitFinding};

use super::{Rate, Replayed};
use crate::Error;
use crate::recovered::stamped as as_stamped;

/// Confidence of the intervals, as in reports.
const CONFIDENCE: f64 = 0.95;
/// Images on which a replay may differ: another processor rounds otherwise, which can turn an image
/// that is on the border of two classes.
const ROUNDING: f64 = 1.0;
/// A norm is the same if it differs by less than this: one grey level of one pixel.
const NORM_ROUNDING: f64 = 1.0 / 255.0;
/// A margin is the same if it differs by less than this part of itself: processors sum in other
/// orders.
const MARGIN_ROUNDING: f64 = 1e-3;
/// The most that a report may say a patch has grown after the one whose norm is its statistic.
const LARGEST_GROWTH: f64 = 2.0;
/// What a detector calls the norm of a patch or change that it tried, where that is not its
/// statistic.
const PATCH_NORM: &str = "trigger_norm";
/// What it calls the norm of the smallest patch, where that is not its statistic.
const SMALLEST_NORM: &str = "norm";
/// What a detector calls the margin between the logit of the class and the best other one on the
/// picture that it shows.
const PICTURE_MARGIN: &str = "picture_margin";

/// The images that triggers are replayed on.
pub(super) enum Stage {
    /// Those of the scan.
    Same { search: Images, holdout: Images },
    /// Others.
    Other(Images),
}

/// Replays what one detector recovered for one class.
///
/// # Errors
/// A trigger file that cannot be read, or a model that cannot be run.
pub(super) fn replay(
    detection: &Detection,
    finding: &UnitFinding,
    folder: &Path,
    classifier: &Classifier,
    images: &Stage,
) -> Result<Replayed, Error> {
    let unread = Replayed {
        detector: detection.name.clone(),
        class: finding.class,
        name: finding.name.clone(),
        norm: None,
        margin: None,
        search: None,
        holdout: None,
        holds: false,
    };
    let Some(file) = &finding.trigger else {
        return Ok(unread);
    };
    let recovered = read_trigger(folder, file, classifier.shape())?;
    let replayed = if let Recovered::Image(picture) = recovered {
        let pixels = picture.values().to_vec();
        let shown = Trigger::Picture { pixels };
        let margin = picture_margin(classifier, &shown, finding.class)?;
        let reported = measure(finding, PICTURE_MARGIN);
        Replayed {
            margin: Some(agreeing(reported, margin, |margin| {
                MARGIN_ROUNDING * margin.abs().max(1.0)
            })),
            ..unread
        }
    } else if let Some(trigger) = as_stamped(recovered) {
        let norm = match &trigger {
            Trigger::Patch(patch) => Some(norm(detection, finding, patch.norm())),
            Trigger::Additive(change) => {
                let reported = measure(finding, PATCH_NORM);
                let rounding = |norm| MARGIN_ROUNDING * norm;
                Some(agreeing(reported, change.norm(), rounding))
            }
            _ => None,
        };
        let (search, holdout) = stamped(finding, &trigger, classifier, images)?;
        Replayed {
            norm,
            search,
            holdout,
            ..unread
        }
    } else {
        unread
    };
    let parts = [
        replayed.norm,
        replayed.margin,
        replayed.search,
        replayed.holdout,
    ];
    Ok(Replayed {
        holds: parts.iter().flatten().all(|rate| rate.holds),
        ..replayed
    })
}

/// The success rates of a trigger on the images that were searched on, and on held-out ones.
fn stamped(
    finding: &UnitFinding,
    trigger: &Trigger,
    classifier: &Classifier,
    images: &Stage,
) -> Result<(Option<Rate>, Option<Rate>), Error> {
    let tried = |images| match finding.source {
        None if !finding.map.is_empty() => evaluate_away(classifier, images, trigger),
        Some(source) => evaluate_from(classifier, images, trigger, source, finding.class),
        None => evaluate_trigger(classifier, images, trigger, finding.class),
    };
    Ok(match images {
        Stage::Same { search, holdout } => (
            exact(finding.success_rate, tried(search)?),
            exact(finding.holdout_success_rate, tried(holdout)?),
        ),
        Stage::Other(images) => (None, overlapping(finding, tried(images)?)?),
    })
}

/// The norm of a patch, held against the norm that is stated of it and, where the patch grew after
/// its statistic was taken, against that too: a verdict cannot rest on a norm far below that of the
/// patch.
fn norm(detection: &Detection, finding: &UnitFinding, replayed: f64) -> Rate {
    let grown = measure(finding, PATCH_NORM);
    let stated = agreeing(grown.or(finding.statistic), replayed, |_| NORM_ROUNDING);
    let most = |smallest: f64| growth(detection) * smallest + NORM_ROUNDING;
    // Where the norm is not the statistic, it is told beside it.
    let smallest = measure(finding, SMALLEST_NORM).or(finding.statistic);
    let within = smallest.is_none_or(|smallest| replayed <= most(smallest));
    Rate {
        holds: stated.holds && within,
        ..stated
    }
}

/// How many times the norm that is its statistic a patch of this report may have.
fn growth(detection: &Detection) -> f64 {
    let stated = detection.parameters.get("growth");
    let stated = stated.and_then(serde_json::Value::as_f64);
    stated.unwrap_or(1.0).clamp(1.0, LARGEST_GROWTH)
}

fn measure(finding: &UnitFinding, name: &str) -> Option<f64> {
    let mut measures = finding.measures.iter();
    measures.find(|measure| measure.name == name)?.value
}

/// A number that agrees with the report if it differs by less than a tolerance; one that the report
/// does not state is taken at its word.
fn agreeing(reported: Option<f64>, replayed: f64, tolerance: impl Fn(f64) -> f64) -> Rate {
    Rate {
        reported,
        replayed,
        holds: reported.is_none_or(|stated| (stated - replayed).abs() < tolerance(stated)),
    }
}

/// On the same images the same images succeed.
fn exact(reported: Option<f64>, tried: Confirmation) -> Option<Rate> {
    let trials = tried.trials as f64;
    (tried.trials > 0).then(|| Rate {
        reported,
        replayed: tried.successes as f64 / trials,
        holds: reported.is_some_and(|rate| {
            (rate * trials - tried.successes as f64).abs() <= ROUNDING + f64::EPSILON * trials
        }),
    })
}

/// On other images the two intervals overlap.
fn overlapping(finding: &UnitFinding, tried: Confirmation) -> Result<Option<Rate>, Error> {
    if tried.trials == 0 {
        return Ok(None);
    }
    let measured = clopper_pearson(tried.successes, tried.trials, CONFIDENCE)?;
    Ok(Some(Rate {
        reported: finding.holdout_success_rate,
        replayed: tried.successes as f64 / tried.trials as f64,
        holds: finding
            .holdout_interval
            .is_some_and(|[low, high]| measured.lower <= high && low <= measured.upper),
    }))
}
