//! What a scan finds in a model of a zoo, for what is done about it: once for each model, however
//! many repairs and filters go by it.

use std::path::{Path, PathBuf};

use gifthorse::{ScanRequest, hash, scan};
use gifthorse_attack::plant::Truth;
use gifthorse_defense::detect::Choice;
use gifthorse_report::html::HtmlOptions;
use gifthorse_report::write_out;

use super::index::Entry;
use super::store::{read_json, write};
use crate::Error;

/// The folder of these scans in a zoo's.
const FINDINGS: &str = "findings";
/// The file that says what a folder was asked for with.
pub(super) const ASKED: &str = "asked.txt";

/// How a model is scanned.
pub(super) struct Finding<'a> {
    /// The detectors.
    pub detectors: &'a [Choice],
    /// Whether the target is told: only it is searched, and whatever was planted is taken for found;
    /// not where there are several targets.
    pub told: bool,
    /// Seed of every random choice.
    pub seed: u64,
}

/// What was found.
pub(super) struct Found {
    /// The scan that was made.
    pub scan: ScanRequest,
    /// Its report.
    pub report: PathBuf,
    /// The target, if it was told.
    pub target: Option<usize>,
}

impl Finding<'_> {
    /// The folder for what comes of it.
    pub fn how(&self) -> &'static str {
        if self.told { "told" } else { "found" }
    }

    /// All that the scan depends on beside the model's files, in words that are kept beside it.
    pub fn asked(&self) -> String {
        let Self {
            detectors,
            told,
            seed,
        } = self;
        format!("{detectors:?}, told {told}, seed {seed}\n")
    }

    /// Scans a model of the zoo in `folder`, unless it was scanned so before.
    ///
    /// # Errors
    /// Files that cannot be read or written; within, why the scan failed.
    pub fn of(
        &self,
        folder: &Path,
        entry: &Entry,
    ) -> Result<Result<Found, gifthorse::Error>, Error> {
        let target = match (self.told, &entry.attack) {
            (true, Some(_)) => target(&folder.join(&entry.truth))?,
            _ => None,
        };
        let scanned = ScanRequest {
            class_names: Some(folder.join(&entry.class_names)),
            force: true,
            detectors: self.detectors.to_vec(),
            classes: target.map(|target| vec![target]),
            seed: self.seed,
            ..ScanRequest::new(folder.join(&entry.model), Some(folder.join(&entry.images)))
        };
        let model = folder.join(&entry.model);
        let model = hash::sha256(&model).map_err(|source| Error::System {
            path: model,
            done: "read",
            source,
        })?;
        let asked = format!("{}model {model}\n", self.asked());
        let out = folder.join(FINDINGS).join(self.how()).join(&entry.name);
        if !is_as_asked(&out, &asked) {
            let outcome = match scan(&scanned, &gifthorse::Silent) {
                Ok(outcome) => outcome,
                Err(error) => return Ok(Err(error)),
            };
            let pages = HtmlOptions::default();
            let written = write_out(&out, &outcome.report, &outcome.evidence, None, pages);
            written.map_err(|error| Error::Request(error.to_string()))?;
            write(&out.join(ASKED), asked.as_bytes())?;
        }
        Ok(Ok(Found {
            scan: scanned,
            report: out.join("report.json"),
            target,
        }))
    }
}

/// Whether a folder holds what is asked for now.
pub(super) fn is_as_asked(folder: &Path, asked: &str) -> bool {
    std::fs::read_to_string(folder.join(ASKED)).is_ok_and(|kept| kept == asked)
}

/// The only class that everything planted leads to, if it is one.
fn target(truth: &Path) -> Result<Option<usize>, Error> {
    let truth: Option<Truth> = read_json(truth)?;
    let planted = truth.map(|truth| truth.backdoors).unwrap_or_default();
    let mut targets = planted.iter().map(|planted| planted.labels.target());
    let first = targets.next().flatten();
    Ok(first.filter(|_| targets.all(|target| target == first)))
}
