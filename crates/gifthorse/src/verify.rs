//! Replays the triggers of a report: whoever doubts it can see for himself.

mod replay;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use gifthorse_data::{Crop, Exif, LabelOrder, Split};
use gifthorse_engine::{Classifier, Opening, Preprocess as Preprocessing};
use gifthorse_report::Report;
use gifthorse_report::report::{
    Detection, Images as ReportedImages, ModelOutput, OutputPart, Preprocess, UnitFinding,
};
use serde::Serialize;

use self::replay::{Stage, replay};
use crate::model::OpenModel;
use crate::preprocessing::of_report;
use crate::scan::images::{ImageSet, SplitSet};
use crate::{Error, ExifChoice, PreprocessChoice, ScanRequest};

/// Largest report that is read, in bytes: a thousand classes take one megabyte.
const LARGEST_REPORT: u64 = 1 << 28;
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

/// How a report's model was opened: preprocessing, output and inputs, height and width.
///
/// # Errors
/// A preprocessing that this program does not have.
pub(crate) fn opened_as(report: &Report) -> Result<(Preprocessing, Opening, [usize; 2]), Error> {
    let [_, height, width] = report.model.input.shape;
    let scanned = |output: &&ModelOutput| output.part == OutputPart::Scanned;
    let opening = Opening {
        output: report
            .model
            .outputs
            .iter()
            .find(scanned)
            .map(|output| output.name.clone()),
        inputs: report.model.given.clone(),
    };
    Ok((of_report(&report.preprocess)?, opening, [height, width]))
}

fn open(request: &VerifyRequest, report: &Report) -> Result<(Classifier, bool), Error> {
    let (preprocess, opening, size) = opened_as(report)?;
    let (preprocess, size) = (PreprocessChoice::Given(preprocess), Some(size));
    let opened = OpenModel::read(&request.model, &preprocess, size, &opening)?;
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
pub(crate) fn scan_request(request: &VerifyRequest, report: &Report) -> Result<ScanRequest, Error> {
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
        label_order: of_scan(|images| images.label_order.clone())
            .map_or(Ok(LabelOrder::Auto), |order| order.parse())?,
        split,
        exif: match of_scan(|images| images.exif.clone()).as_deref() {
            Some("applied") => ExifChoice::Given(Exif::Apply),
            _ => ExifChoice::Given(Exif::Ignore),
        },
        crop: crop(&report.preprocess)?,
        max_images: images.map(|images| images.max_images.unwrap_or(usize::MAX)),
        seed: report.seed,
        ..ScanRequest::new(&request.model, Some(request.images.clone()))
    })
}

pub(crate) fn crop(preprocess: &Preprocess) -> Result<Crop, Error> {
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
