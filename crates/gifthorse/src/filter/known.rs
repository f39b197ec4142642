//! How a model is opened and what triggers are known of it: from the report of a scan, or told.

use std::path::{Path, PathBuf};

use gifthorse_defense::repair::KnownTrigger;
use gifthorse_engine::Classifier;
use gifthorse_report::Report;

use super::FitFilter;
use super::seen::Seen;
use crate::explain::from_file;
use crate::repair::known::of_report;
use crate::scan::images::{ImageSet, SplitSet};
use crate::verify::{opened_as, read_report, scan_request};
use crate::{Error, PreprocessChoice, ScanRequest, VerifyRequest};

/// What is known of a model.
pub(super) struct Knowledge {
    /// The report, if there is one.
    report: Option<Report>,
    /// The scan that opens the model as it was opened for the report, or as asked for.
    pub scan: ScanRequest,
}

impl Knowledge {
    /// Reads the report, if there is one.
    ///
    /// # Errors
    /// A file that is no report.
    pub fn of(request: &FitFilter) -> Result<Self, Error> {
        let Some(path) = &request.report else {
            return Ok(Self {
                report: None,
                scan: request.scan.clone(),
            });
        };
        let report = read_report(path)?;
        let (preprocess, opening, size) = opened_as(&report)?;
        let asked = &request.scan;
        // Images are read, cropped and turned as they were for the report, and drawn by its seed.
        let drawn = match (&report.images, &asked.images) {
            (Some(_), Some(images)) => scan_request(&replay(asked, images), &report)?,
            _ => asked.clone(),
        };
        Ok(Self {
            scan: ScanRequest {
                preprocess: PreprocessChoice::Given(preprocess),
                opening,
                input_size: Some(size),
                max_images: asked.max_images,
                force: asked.force,
                ..drawn
            },
            report: Some(report),
        })
    }

    /// Refuses the report of another model.
    ///
    /// # Errors
    /// [`Error::OtherModel`], unless forced.
    pub fn check_same(&self, path: &Path, sha256: &str, force: bool) -> Result<(), Error> {
        match &self.report {
            Some(report) if report.model.sha256 != sha256 && !force => Err(Error::OtherModel {
                path: path.to_owned(),
                expected: report.model.sha256.clone(),
                found: sha256.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The images that the triggers were searched with, and what a user should know of that.
    ///
    /// # Errors
    /// Images that cannot be read; labels from a file that is not given.
    pub fn searched(
        &self,
        images: &Path,
        classifier: &Classifier,
        triggers: &[KnownTrigger],
    ) -> Result<(Seen, Option<String>), Error> {
        let untold = |why: &str| {
            let note = format!(
                "{why}: if it was, the threshold may be set by some of these and flag a little less than it says"
            );
            Ok((Seen::default(), Some(note)))
        };
        let (Some(report), false) = (&self.report, triggers.is_empty()) else {
            return match triggers {
                [] => Ok((Seen::default(), None)),
                _ => untold(
                    "whether the trigger was searched with some of these images is not known",
                ),
            };
        };
        let Some(described) = &report.images else {
            return Ok((Seen::default(), None));
        };
        let scan = scan_request(&replay(&self.scan, images), report)?;
        let set = ImageSet::load(&scan, images, classifier)?;
        if set.about.sha256 != described.sha256 {
            return untold(
                "these are not the images of the report, and whether its triggers were searched with some of them is not known",
            );
        }
        let predictions = classifier.predict(set.images.pixels())?;
        let SplitSet { search, .. } = set.split(&predictions, scan.seed)?;
        Ok((Seen::of(&search), None))
    }

    /// The triggers: the one told, or those of the report that lead to its targets, or to the one
    /// told.
    ///
    /// # Errors
    /// A trigger file that cannot be read; a class that the model does not have.
    pub fn triggers(
        &self,
        request: &FitFilter,
        classifier: &Classifier,
    ) -> Result<Vec<KnownTrigger>, Error> {
        let classes = classifier.classes();
        if let Some(target) = request.target.filter(|&target| target >= classes) {
            return Err(Error::Request(format!(
                "the model has the classes 0 to {}, and no class {target} (--target)",
                classes - 1
            )));
        }
        if let Some(path) = &request.trigger {
            return Ok(vec![KnownTrigger {
                target: request.target,
                source: None,
                trigger: from_file(path, classifier.shape())?,
            }]);
        }
        let (Some(report), Some(path)) = (&self.report, &request.report) else {
            return Ok(Vec::new());
        };
        let targets = match request.target {
            Some(target) => vec![target],
            None => report.targets.clone(),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        of_report(report, folder, &targets, classifier)
    }
}

/// What draws the images of a report again.
fn replay(scan: &ScanRequest, images: &Path) -> VerifyRequest {
    VerifyRequest {
        report: PathBuf::new(),
        model: scan.model.clone(),
        images: images.to_owned(),
        labels: scan.labels.clone(),
        class_names: scan.class_names.clone(),
        force: scan.force,
    }
}
