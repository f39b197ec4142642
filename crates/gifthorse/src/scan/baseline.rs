//! The earlier report that a scan is compared with.

use gifthorse_engine::Classifier;
use gifthorse_report::Report;
use gifthorse_report::report::Baseline;

use crate::verify::read_report;
use crate::{Error, ScanRequest};

/// An earlier report, and where it was read from.
pub struct Earlier {
    report: Report,
    path: String,
}

impl Earlier {
    /// Reads the report that `request` wants to compare with, if any.
    ///
    /// # Errors
    /// A file that is no report, or the report of a model with other classes.
    pub fn read(request: &ScanRequest, classifier: &Classifier) -> Result<Option<Self>, Error> {
        let Some(path) = &request.baseline else {
            return Ok(None);
        };
        let report = read_report(path)?;
        let path = path.display().to_string();
        let (before, now) = (report.model.classes, classifier.classes());
        if before != now {
            return Err(Error::Request(format!(
                "the report {path} is about a model with {before} classes, but this one has {now}: give one of the same task \
                 (--baseline)"
            )));
        }
        Ok(Some(Self { report, path }))
    }

    /// What changed between it and `report`.
    pub fn compare(&self, report: &Report) -> Baseline {
        Baseline::compare(report, &self.report, &self.path)
    }
}
