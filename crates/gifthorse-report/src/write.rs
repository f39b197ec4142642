//! A scan's output folder: `report.json`, `report.html`, `report.sarif`, and for each unit of each
//! detector `triggers/DETECTOR/CLASS.npz` and `triggers/DETECTOR/CLASS.png`.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use image::ImageError;
use thiserror::Error;

use crate::{
    Evidence, Report,
    evidence::{TriggerPathError, Truth, UnitEvidence, trigger_path, write_recovered},
    heads::Heads,
    html::{self, HtmlOptions, ScanPage},
    report::{JsonError, TriggerFile},
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
    /// A detector's name makes no folder.
    #[error("cannot write what was recovered: {0}")]
    Name(#[from] TriggerPathError),
    /// Two pieces of evidence would have the same file.
    #[error(
        "{path:?} would be written twice: give each detector of a report a name of its own, and each unit one trigger"
    )]
    Twice {
        /// The file, relative to the report.
        path: String,
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

/// Writes `report` and `evidence` to `folder`, which is made if it is missing; files of the same
/// names are replaced.
///
/// The written report names the trigger files of the classes that `evidence` has, and no others.
/// `report.json` comes last, so that a folder with it is complete. Gives the report as it was
/// written.
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
    let files = paths(report, evidence)?;
    for (relative, unit) in &files {
        write_unit(&folder.join(relative), unit)?;
    }
    make(folder)?;
    let report = with_trigger_files(report, &files);
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
    write_json(&folder.join("report.sarif"), sarif::render(&[&report]))?;
    write_json(&folder.join("report.json"), report.to_json())?;
    Ok(report)
}

/// Writes what came of several outputs of a file to `folder`: `report.json` with all reports, and
/// `report.sarif` with a run for each. Their own folders are written by [`write_out`].
///
/// # Errors
/// [`WriteError`] names the path that could not be written.
pub fn write_heads(folder: &Path, heads: &Heads) -> Result<(), WriteError> {
    make(folder)?;
    write_json(
        &folder.join("report.sarif"),
        sarif::render(&heads.reports()),
    )?;
    write_json(&folder.join("report.json"), heads.to_json())
}

/// The path of each piece of evidence, relative to the report.
fn paths<'a>(
    report: &Report,
    evidence: &'a Evidence,
) -> Result<Vec<(String, &'a UnitEvidence)>, WriteError> {
    let mut names = BTreeSet::new();
    let mut twice = report.detectors.iter().map(|detection| &detection.name);
    if let Some(name) = twice.find(|name| !names.insert(*name)) {
        let path = format!("triggers/{name}");
        return Err(WriteError::Twice { path });
    }
    let mut taken = BTreeSet::new();
    let of_unit = |unit: &'a UnitEvidence| {
        let path = trigger_path(&unit.detector, unit.unit)?;
        if taken.insert(path.clone()) {
            Ok((path, unit))
        } else {
            Err(WriteError::Twice { path })
        }
    };
    evidence.units.iter().map(of_unit).collect()
}

/// Writes what was recovered for one unit, and its picture beside it.
fn write_unit(path: &Path, unit: &UnitEvidence) -> Result<(), WriteError> {
    if let Some(folder) = path.parent() {
        make(folder)?;
    }
    let bytes = write_recovered(&unit.recovered).map_err(|source| WriteError::Io {
        path: path.to_owned(),
        source,
    })?;
    write(path, bytes)?;
    let path = path.with_extension("png");
    let bytes = unit.recovered.picture().to_png();
    let bytes = bytes.map_err(|source| WriteError::Picture {
        path: path.clone(),
        source,
    })?;
    write(&path, bytes)
}

/// The report with exactly the trigger files named that were written.
fn with_trigger_files(report: &Report, files: &[(String, &UnitEvidence)]) -> Report {
    let mut report = report.clone();
    for detection in &mut report.detectors {
        for finding in &mut detection.findings {
            let of_finding = |(_, unit): &&(String, &UnitEvidence)| {
                unit.detector == detection.name && unit.unit == finding.unit()
            };
            finding.trigger = files
                .iter()
                .find(of_finding)
                .map(|(path, unit)| TriggerFile {
                    path: path.clone(),
                    kind: unit.recovered.kind(),
                });
        }
    }
    report
}

fn make(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(|source| WriteError::Io {
        path: folder.to_owned(),
        source,
    })
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
