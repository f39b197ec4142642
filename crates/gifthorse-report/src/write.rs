//! A scan's output folder: `report.json`, `report.html`, `report.sarif`, `triggers/CLASS.npz` and `triggers/CLASS.png`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use image::ImageError;
use thiserror::Error;

use crate::{
    Evidence, Report,
    evidence::{Truth, trigger_path, write_trigger},
    html::{self, HtmlOptions, ScanPage},
    report::JsonError,
    sarif,
};

/// Why a report could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The file system said no.
    #[error("cannot write {}: {source}; name a folder that can be written to", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A trigger has no picture.
    #[error("cannot write {}: {source}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ImageError,
    },
    /// The report has no JSON.
    #[error("cannot write {}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: JsonError,
    },
}

/// Writes `report` and `evidence` to `folder`, which is made if it is missing; files of the same names are replaced.
///
/// The written report names the trigger files of the classes that `evidence` has, and no others. `report.json` comes
/// last, so that a folder with it is complete. Gives the report as it was written.
///
/// # Errors
/// [`WriteError`] names the path that could not be written.
pub fn write_out(
    folder: &Path,
    report: &Report,
    evidence: &Evidence,
    truth: Option<&Truth>,
    options: HtmlOptions,
) -> Result<Report, WriteError> {
    let triggers = folder.join("triggers");
    fs::create_dir_all(&triggers).map_err(|source| WriteError::Io {
        path: triggers,
        source,
    })?;
    for class in &evidence.classes {
        let path = folder.join(trigger_path(class.class));
        let bytes = write_trigger(&class.trigger).map_err(|source| WriteError::Io {
            path: path.clone(),
            source,
        })?;
        write(&path, bytes)?;
        let path = path.with_extension("png");
        let bytes = class
            .trigger
            .on_grey()
            .to_png()
            .map_err(|source| WriteError::Picture {
                path: path.clone(),
                source,
            })?;
        write(&path, bytes)?;
    }
    let report = with_trigger_paths(report, evidence);
    let title = Path::new(&report.model.path).file_name().map_or_else(
        || report.model.path.clone(),
        |name| name.to_string_lossy().into_owned(),
    );
    let page = ScanPage {
        title: &title,
        report: &report,
        evidence,
        truth,
    };
    write(&folder.join("report.html"), html::render(&page, options))?;
    write_json(&folder.join("report.sarif"), sarif::render(&report))?;
    write_json(&folder.join("report.json"), report.to_json())?;
    Ok(report)
}

/// The report with the trigger files named that the evidence makes.
fn with_trigger_paths(report: &Report, evidence: &Evidence) -> Report {
    let mut report = report.clone();
    for finding in report
        .detectors
        .iter_mut()
        .flat_map(|detection| &mut detection.classes)
    {
        finding.trigger = evidence
            .of(finding.class)
            .map(|_| trigger_path(finding.class));
    }
    report
}

fn write_json(path: &Path, text: Result<String, JsonError>) -> Result<(), WriteError> {
    let text = text.map_err(|source| WriteError::Json {
        path: path.to_owned(),
        source,
    })?;
    write(path, text)
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
    fs::write(path, bytes).map_err(|source| WriteError::Io {
        path: path.to_owned(),
        source,
    })
}
