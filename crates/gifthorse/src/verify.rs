//! Replays the triggers of a report: whoever doubts it can see for himself.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use gifthorse_data::{Crop, Images, Split};
use gifthorse_defense::search::evaluate_trigger;
use gifthorse_defense::trigger::{Patch, Trigger};
use gifthorse_defense::verdict::Confirmation;
use gifthorse_defense::verdict::interval::clopper_pearson;
use gifthorse_engine::Classifier;
use gifthorse_report::Report;
use gifthorse_report::evidence::{Recovered, read_trigger};
use gifthorse_report::report::{Detection, Images as ReportedImages, Preprocess, UnitFinding};
use serde::Serialize;

use crate::model::OpenModel;
use crate::preprocessing::of_report;
use crate::scan::images::{ImageSet, SplitSet};
use crate::{Error, ScanRequest};

/// Largest report that is read, in bytes: a thousand classes take one megabyte.
const LARGEST_REPORT: u64 = 1 << 28;
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
/// What a detector calls the norm of a patch that it tried, where that is not its statistic.
const PATCH_NORM: &str = "trigger_norm";
/// What a detector calls the margin between the logit of the class and the best other one on the
/// picture that it shows.
const PICTURE_MARGIN: &str = "picture_margin";

/// What to replay, and on what.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyRequest {
    /// `report.json`, with its trigger files beside it.
    pub report: PathBuf,
    /// The model.
    pub model: PathBuf,
    /// The images.
    pub images: PathBuf,
    /// Labels in place of those of the image set. The file that a report names is not opened by
    /// itself.
    pub labels: Option<PathBuf>,
    /// Class names in place of those of the image set, where labels are names.
    pub class_names: Option<PathBuf>,
    /// Whether to replay on a model with another hash.
    pub force: bool,
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// Whether every trigger does what the report says.
    pub holds: bool,
    /// Whether the model is the one that was scanned.
    pub same_model: bool,
    /// Whether the images are those that were used; if not, rates are held against the report's
    /// intervals.
    pub same_images: bool,
    /// Images that triggers were replayed on.
    pub images: usize,
    /// Everything that detectors recovered.
    pub recovered: Vec<Replayed>,
}

/// What one detector recovered for one class, replayed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// Name of the detector.
    pub detector: String,
    /// Index of the class.
    pub class: usize,
    /// Its name in the report, not to be trusted.
    pub name: String,
    /// L1 norm of the mask of a patch, in pixels.
    pub norm: Option<Rate>,
    /// Margin of the class's logit over the best other one on a picture that answers by itself.
    pub margin: Option<Rate>,
    /// Success on the images that were searched on; null on other images.
    pub search: Option<Rate>,
    /// Success on held-out images; on other images, on all of them.
    pub holdout: Option<Rate>,
    /// Whether all of these hold.
    pub holds: bool,
}

/// A number in the report, and the same number as it was measured now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// As the report says; null where it says nothing.
    pub reported: Option<f64>,
    /// As measured.
    pub replayed: f64,
    /// Whether the two agree.
    pub holds: bool,
}

/// Replays every trigger of a report on a model and images.
///
/// On the images of the scan, which are known by their hash, success rates must agree to one image,
/// and that one only because processors round differently. On other images the 95 % intervals of
/// both rates must overlap.
///
/// # Errors
/// Files that cannot be read, another model (unless forced), a report without triggers.
pub fn verify(request: &VerifyRequest) -> Result<Replay, Error> {
    let report = read_report(&request.report)?;
    let folder = match request.report.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (classifier, same_model) = open(request, &report)?;
    let findings: Vec<(&Detection, &UnitFinding)> = report
        .detectors
        .iter()
        .flat_map(|detection| {
            detection
                .findings
                .iter()
                .map(move |found| (detection, found))
        })
        .filter(|(_, finding)| finding.trigger.is_some())
        .collect();
    check_complete(&report, &findings)?;
    let set = ImageSet::load(
        &scan_request(request, &report)?,
        &request.images,
        &classifier,
    )?;
    let predictions = classifier.predict(set.images.pixels())?;
    let count = set.about.count;
    let scanned = report.images.as_ref();
    let same_images = scanned
        .is_some_and(|images| images.sha256 == set.about.sha256 && images.count == set.about.count);
    let images = if same_images {
        let SplitSet {
            search, holdout, ..
        } = set.split(&predictions, report.seed)?;
        Stage::Same { search, holdout }
    } else {
        Stage::Other(set.labelled(&predictions)?)
    };
    let recovered = findings
        .into_iter()
        .map(|(detection, finding)| replay(detection, finding, folder, &classifier, &images))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Replay {
        holds: recovered.iter().all(|found| found.holds),
        same_model,
        same_images,
        images: count,
        recovered,
    })
}

/// The images that triggers are replayed on.
enum Stage {
    /// Those of the scan.
    Same { search: Images, holdout: Images },
    /// Others.
    Other(Images),
}

fn replay(
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
    let replayed = match read_trigger(folder, file, classifier.shape())? {
        Recovered::Patch(stored) => {
            let patch = Patch {
                mask: stored.mask().values().to_vec(),
                pattern: stored.pattern().values().to_vec(),
            };
            let norm = norm(detection, finding, patch.norm());
            let trigger = Trigger::Patch(patch);
            let tried = |images| evaluate_trigger(classifier, images, &trigger, finding.class);
            let (search, holdout) = match images {
                Stage::Same { search, holdout } => (
                    exact(finding.success_rate, tried(search)?),
                    exact(finding.holdout_success_rate, tried(holdout)?),
                ),
                Stage::Other(images) => (None, overlapping(finding, tried(images)?)?),
            };
            Replayed {
                norm: Some(norm),
                search,
                holdout,
                ..unread
            }
        }
        Recovered::Image(picture) => {
            let margin = margin(classifier, picture.values(), finding.class)?;
            let reported = measure(finding, PICTURE_MARGIN);
            Replayed {
                margin: Some(agreeing(reported, margin, |margin| {
                    MARGIN_ROUNDING * margin.abs().max(1.0)
                })),
                ..unread
            }
        }
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

/// The norm of a patch, held against the norm that is stated of it and, where the patch grew after
/// its statistic was taken, against that too: a verdict cannot rest on a norm far below that of the
/// patch.
fn norm(detection: &Detection, finding: &UnitFinding, replayed: f64) -> Rate {
    let grown = measure(finding, PATCH_NORM);
    let stated = agreeing(grown.or(finding.statistic), replayed, |_| NORM_ROUNDING);
    let most = |smallest: f64| growth(detection) * smallest + NORM_ROUNDING;
    let within = finding
        .statistic
        .is_none_or(|smallest| replayed <= most(smallest));
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

/// How far the class's logit lies above the best of the others on one picture.
fn margin(classifier: &Classifier, picture: &[f32], class: usize) -> Result<f64, Error> {
    let logits = classifier.evaluate(picture)?;
    let others = logits
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != class);
    let best = others
        .map(|(_, &logit)| f64::from(logit))
        .fold(f64::NEG_INFINITY, f64::max);
    let own = logits.get(class).copied().unwrap_or(f32::NAN);
    Ok(f64::from(own) - best)
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

/// Reads a report from its file.
///
/// # Errors
/// A file that cannot be read, or that is no report of this version.
pub(crate) fn read_report(path: &Path) -> Result<Report, Error> {
    let unread = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(unread)?;
    let size = file
        .take(LARGEST_REPORT + 1)
        .read_to_string(&mut text)
        .map_err(unread)?;
    if size as u64 > LARGEST_REPORT {
        let path = path.display();
        return Err(Error::Request(format!("{path} is larger than any report")));
    }
    Report::from_json(&text).map_err(|source| Error::Report {
        path: path.to_owned(),
        source,
    })
}

fn open(request: &VerifyRequest, report: &Report) -> Result<(Classifier, bool), Error> {
    let [_, height, width] = report.model.input.shape;
    let preprocess = of_report(&report.preprocess)?;
    let opened = OpenModel::read(&request.model, preprocess, Some([height, width]))?;
    let same = opened.described.sha256 == report.model.sha256;
    if !same && !request.force {
        return Err(Error::OtherModel {
            path: request.model.clone(),
            expected: report.model.sha256.clone(),
            found: opened.described.sha256,
        });
    }
    Ok((opened.classifier, same))
}

/// The scan that draws the report's images again.
fn scan_request(request: &VerifyRequest, report: &Report) -> Result<ScanRequest, Error> {
    let images = report.images.as_ref();
    let of_scan = |value: fn(&ReportedImages) -> Option<String>| images.and_then(value);
    if of_scan(|images| images.labels.clone()).is_some() && request.labels.is_none() {
        return Err(Error::Request(
            "the report was made with labels from a file: give that file with --labels".to_owned(),
        ));
    }
    let split = match of_scan(|images| Some(images.split.clone())).as_deref() {
        Some("train") => Split::Train,
        Some("test") | None => Split::Test,
        Some(other) => {
            return Err(Error::Request(format!(
                "the report names the unknown split {other:?}"
            )));
        }
    };
    Ok(ScanRequest {
        labels: request.labels.clone(),
        class_names: request.class_names.clone(),
        split,
        crop: crop(&report.preprocess)?,
        max_images: images.map(|images| images.max_images.unwrap_or(usize::MAX)),
        seed: report.seed,
        ..ScanRequest::new(&request.model, Some(request.images.clone()))
    })
}

fn crop(preprocess: &Preprocess) -> Result<Crop, Error> {
    match preprocess.crop.as_deref() {
        None => Ok(Crop::None),
        Some("roi") => Ok(Crop::Roi),
        Some(other) => Err(Error::Request(format!(
            "the report names the unknown crop {other:?}"
        ))),
    }
}

/// A replay of nothing, or without the class that matters, must not pass for one that holds.
fn check_complete(report: &Report, findings: &[(&Detection, &UnitFinding)]) -> Result<(), Error> {
    let has = |class: &usize| findings.iter().any(|(_, finding)| finding.class == *class);
    if let Some(class) = report.targets.iter().find(|class| !has(class)) {
        return Err(Error::Request(format!(
            "the report calls class {class} a target but names no trigger file for it: scan with --out DIR and verify \
             DIR/report.json"
        )));
    }
    if findings.is_empty() {
        return Err(Error::Request(
            "the report names no trigger files, so there is nothing to replay: scan with --out DIR and verify \
             DIR/report.json"
                .to_owned(),
        ));
    }
    Ok(())
}
