//! Where the scans of a zoo are kept, and what is there.

use std::path::{Path, PathBuf};

use gifthorse_report::Report;

use super::index::Entry;
use crate::Error;

/// The folder of the scan of a model.
pub fn scan_folder(folder: &Path, name: &str) -> PathBuf {
    folder.join("scans").join(name)
}

/// The file that says what was asked of the scan of a model. It is written last: without it the
/// scan did not end.
pub fn asked_path(folder: &Path, name: &str) -> PathBuf {
    scan_folder(folder, name).join("asked")
}

/// The report of a model, if it was scanned.
pub fn report_of(folder: &Path, entry: &Entry) -> Result<Option<Report>, Error> {
    if !asked_path(folder, &entry.name).exists() {
        return Ok(None);
    }
    let path = scan_folder(folder, &entry.name).join("report.json");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::System {
            path,
            done: "read",
            source,
        }),
        Ok(text) => Report::from_json(&text)
            .map(Some)
            .map_err(|error| Error::Damaged {
                path,
                reason: error.to_string(),
            }),
    }
}
