//! What is wrong with a model: a scan says it, the report of one, or the caller.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gifthorse_defense::repair::KnownTrigger;
use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;
use gifthorse_report::report::Verdict;
use gifthorse_report::{Report, write_out};

use super::RepairRequest;
use super::known::of_report;
use super::time::Time;
use crate::explain::from_file;
use crate::hash::of_model;
use crate::scan::images::FEWEST;
use crate::verify::{opened_as, read_report, scan_request};
use crate::{Error, PreprocessChoice, ScanObserver, ScanRequest, VerifyRequest, scan};

/// What is known of a model.
pub(super) struct Diagnosis {
    /// The report, if there is one, and the folder that its trigger files are in.
    pub report: Option<(Report, PathBuf)>,
    /// The scan that opens model and images as they were opened for the report.
    pub scan: ScanRequest,
}

/// The triggers to repair.
pub(super) struct Known {
    pub triggers: Vec<KnownTrigger>,
    /// What a reader should know of them, in sentences.
    pub told: Vec<String>,
}

impl Diagnosis {
    /// Reads the report, or scans the model, unless the trigger is told.
    ///
    /// # Errors
    /// As a scan; a report of another model.
    pub(super) fn find(
        request: &RepairRequest,
        time: &Time,
        observer: &dyn ScanObserver,
    ) -> Result<Self, Error> {
        let path = match &request.report {
            Some(path) => path.clone(),
            None if request.trigger.is_some() => {
                if matches!(request.scan.preprocess, PreprocessChoice::Auto { .. }) {
                    return Err(Error::Request(
                        "with --trigger no scan finds out how pixels become the model's input: say it (--range, --mean, \
                         --std), or leave --trigger out"
                            .to_owned(),
                    ));
                }
                return Ok(Self {
                    report: None,
                    scan: request.scan.clone(),
                });
            }
            None => {
                let work = request.work.as_ref().map(|work| work.join("scan"));
                let asked = ScanRequest {
                    work,
                    max_time: time.of_scan(),
                    // Where fewer images are asked for than a scan takes, it has no more either.
                    max_images: request.max_images.filter(|&most| most < FEWEST),
                    ..request.scan.clone()
                };
                let outcome = scan(&asked, observer)?;
                let folder = request.out.join("before");
                write_out(
                    &folder,
                    &outcome.report,
                    &outcome.evidence,
                    None,
                    request.pictures(),
                )?;
                folder.join("report.json")
            }
        };
        let report = read_report(&path)?;
        check_same(&report, request)?;
        let replay = VerifyRequest {
            report: path.clone(),
            model: request.scan.model.clone(),
            images: request.images()?.to_owned(),
            labels: request.scan.labels.clone(),
            class_names: request.scan.class_names.clone(),
            force: request.force,
        };
        let (preprocess, opening, size) = opened_as(&report)?;
        let scan = ScanRequest {
            preprocess: PreprocessChoice::Given(preprocess),
            opening,
            input_size: Some(size),
            detectors: request.scan.detectors.clone(),
            fpr: request.scan.fpr,
            references: request.scan.references.clone(),
            classes: request.scan.classes.clone(),
            force: request.scan.force,
            ..scan_request(&replay, &report)?
        };
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        let folder = match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder,
        };
        Ok(Self {
            report: Some((report, folder)),
            scan,
        })
    }

    /// The classes that are to be repaired.
    pub(super) fn targets(&self, request: &RepairRequest) -> Vec<usize> {
        match (request.target, &self.report) {
            (Some(target), _) => vec![target],
            (None, Some((report, _))) if request.every_class => with_trigger(report),
            (None, Some((report, _))) => report.targets.clone(),
            (None, None) => Vec::new(),
        }
    }

    /// Why nothing is to be done, if so.
    pub(super) fn nothing_to_do(&self, request: &RepairRequest) -> Option<String> {
        let (report, _) = self.report.as_ref()?;
        if request.force || request.target.is_some() || request.every_class {
            return None;
        }
        match report.verdict {
            Verdict::Backdoored => None,
            Verdict::Clean => Some(
                "the scan found no backdoor: there is nothing to repair, and nothing was changed (--force repairs \
                 all the same)"
                    .to_owned(),
            ),
            Verdict::Inconclusive => Some(
                "the scan could not say whether there is a backdoor, so nothing was changed: see its reasons, or say what \
                 to repair (--target, or --force)"
                    .to_owned(),
            ),
        }
    }

    /// The triggers to repair: the one told, or those of the report that lead to its targets.
    ///
    /// # Errors
    /// A trigger file that cannot be read.
    pub(super) fn triggers(
        &self,
        request: &RepairRequest,
        classifier: &Classifier,
    ) -> Result<Known, Error> {
        if let Some(target) = request
            .target
            .filter(|&target| target >= classifier.classes())
        {
            return Err(Error::Request(format!(
                "the model has the classes 0 to {}, and no class {target} (--target)",
                classifier.classes() - 1
            )));
        }
        let targets = self.targets(request);
        let mut told = Vec::new();
        let triggers = match (&request.trigger, &self.report) {
            (Some(path), _) => vec![KnownTrigger {
                target: request.target,
                source: None,
                trigger: from_file(path, classifier.shape())?,
            }],
            (None, Some((report, folder))) => of_report(report, folder, &targets, classifier)?,
            (None, None) => Vec::new(),
        };
        for target in &targets {
            // One that leads each class to another leads there as well.
            let leads_there =
                |known: &KnownTrigger| known.target.is_none_or(|found| found == *target);
            if !triggers.iter().any(leads_there) {
                told.push(format!(
                    "class {target} has no trigger that can be stamped on images: only repairs that need none can mend it, \
                     and only the second scan can tell"
                ));
            }
        }
        Ok(Known { triggers, told })
    }
}

/// The classes that a report has a trigger file for, ascending.
fn with_trigger(report: &Report) -> Vec<usize> {
    let findings = report.detectors.iter().flat_map(|it| &it.findings);
    let reached = findings.filter(|finding| finding.trigger.is_some());
    let classes: BTreeSet<usize> = reached.map(|finding| finding.class).collect();
    classes.into_iter().collect()
}

/// Refuses the report of another model.
fn check_same(report: &Report, request: &RepairRequest) -> Result<(), Error> {
    let path = &request.scan.model;
    let model = Model::read(path).map_err(|source| Error::Model {
        path: path.clone(),
        source: Box::new(source),
    })?;
    let found = of_model(path, &model)?;
    if found == report.model.sha256 || request.force {
        return Ok(());
    }
    Err(Error::OtherModel {
        path: path.clone(),
        expected: report.model.sha256.clone(),
        found,
    })
}
