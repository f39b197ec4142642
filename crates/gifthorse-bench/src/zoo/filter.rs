//! Fits filters to the models of a zoo, and holds each against what was really planted.

use std::path::{Path, PathBuf};

use gifthorse::filter::Evaluation;
use gifthorse::{EvalFilter, FitFilter, ScanRequest, eval_filter, fit_filter, hash};
use gifthorse_defense::detect::Choice;
use gifthorse_defense::filter::named;
use serde::{Deserialize, Serialize};

use super::finding::{ASKED, Finding, Found, is_as_asked};
use super::index::{Entry, Zoo};
use super::jobs::side_by_side;
use super::store::{make_folder, read_json, write, write_json};
use crate::Error;
use crate::planted::planted;

/// The folder of filters in a zoo's.
const FILTERS: &str = "filters";

/// How to fit filters to a zoo.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterZooRequest {
    /// The folder with `zoo.json`. What comes out goes to `filters/HOW/NAME/METHOD` in it.
    pub folder: PathBuf,
    /// Models at a time; by default as many as there are threads.
    pub jobs: Option<usize>,
    /// The detectors that find the triggers that filters go by.
    pub detectors: Vec<Choice>,
    /// Filters by name.
    pub methods: Vec<String>,
    /// Whether the target is told, so that filters are measured apart from detection. Clean models
    /// are left out.
    pub told: bool,
    /// The false-positive rates, the first of which filters are fitted for.
    pub rates: Vec<f64>,
    /// Images that a filter and its threshold have between them; the others of a model measure it.
    pub images: usize,
    /// Folder of repaired models, `NAME/repaired.onnx` for each that there is, for filters that ask
    /// one.
    pub repaired: Option<PathBuf>,
    /// Seed of every random choice.
    pub seed: u64,
}

/// What a filter does on a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZooFilter {
    /// The model.
    pub name: String,
    /// Its data set.
    pub data: String,
    /// What was planted; null in a clean model.
    pub attack: Option<String>,
    /// The filter.
    pub method: String,
    /// SHA-256 of the model.
    pub sha256: String,
    /// Why it could not be fitted; null if it was.
    pub failed: Option<String>,
    /// What it does; null if it could not be fitted.
    pub evaluation: Option<Evaluation>,
}

/// Watches the filters of a zoo. Methods are called from several threads at once.
pub trait FilterZooObserver: Sync {
    /// So many filters are to be fitted; so many others were before.
    fn planned(&self, _to_do: usize, _there: usize) {}
    /// A filter was measured, or could not be fitted.
    fn finished(&self, _filter: &ZooFilter) {}
    /// A model could not be scanned.
    fn failed(&self, _name: &str, _error: &gifthorse::Error) {}
}

/// Fits each filter to the good models of a zoo, those that it was not fitted to so before, and
/// gives what all do, also kept as `filters/told.json` or `filters/found.json`.
///
/// # Errors
/// No `zoo.json`, a filter that there is not, files that cannot be read or written.
pub fn filter_zoo(
    request: &FilterZooRequest,
    observer: &dyn FilterZooObserver,
) -> Result<Vec<ZooFilter>, Error> {
    for method in &request.methods {
        named(method).map_err(|error| Error::Request(error.to_string()))?;
    }
    let folder = request.folder.as_path();
    let zoo = Zoo::read(folder)?;
    let good = zoo.good(request.told);
    let mut there = 0;
    let mut to_do: Vec<(&Entry, Vec<&str>)> = Vec::new();
    for &entry in &good {
        let mut methods = Vec::new();
        for method in &request.methods {
            match known(request, entry, method)? {
                Some(_) => there += 1,
                None => methods.push(method.as_str()),
            }
        }
        if !methods.is_empty() {
            to_do.push((entry, methods));
        }
    }
    let count = to_do.iter().map(|(_, methods)| methods.len()).sum();
    observer.planned(count, there);
    side_by_side(to_do, request.jobs, |(entry, methods)| {
        let found = request.finding().of(folder, entry)?;
        let found = match found {
            Ok(found) => found,
            // Tried again next time.
            Err(error) => {
                observer.failed(&entry.name, &error);
                return Ok(());
            }
        };
        for method in methods {
            let (failed, evaluation) = match filter_one(request, entry, method, &found)? {
                Ok(evaluation) => (None, Some(evaluation)),
                Err(why) => (Some(why), None),
            };
            let row = ZooFilter {
                name: entry.name.clone(),
                data: entry.data.clone(),
                attack: entry.attack.clone(),
                method: method.to_owned(),
                sha256: sha256(&folder.join(&entry.model))?,
                failed,
                evaluation,
            };
            let out = folder_of(request, entry, method);
            make_folder(&out)?;
            // An old question must not stand beside a new answer.
            write(&out.join(ASKED), b"")?;
            write_json(&out.join("evaluation.json"), &row)?;
            write(&out.join(ASKED), request.asked().as_bytes())?;
            observer.finished(&row);
        }
        Ok(())
    })?;
    let mut rows = Vec::new();
    for entry in good {
        for method in &request.methods {
            rows.extend(known(request, entry, method)?);
        }
    }
    let summary = format!("{}.json", request.finding().how());
    write_json(&folder.join(FILTERS).join(summary), &rows)?;
    Ok(rows)
}

impl FilterZooRequest {
    fn finding(&self) -> Finding<'_> {
        Finding {
            detectors: &self.detectors,
            told: self.told,
            seed: self.seed,
        }
    }

    /// All that a filter depends on beside the model's files, in words that are kept beside it.
    fn asked(&self) -> String {
        let (rates, images) = (&self.rates, self.images);
        format!(
            "{}rates {rates:?}, images {images}\n",
            self.finding().asked()
        )
    }
}

fn folder_of(request: &FilterZooRequest, entry: &Entry, method: &str) -> PathBuf {
    let how = request.finding().how();
    let of_model = request.folder.join(FILTERS).join(how).join(&entry.name);
    of_model.join(method)
}

/// What a filter does on a model, if it was measured as it is asked for now.
fn known(
    request: &FilterZooRequest,
    entry: &Entry,
    method: &str,
) -> Result<Option<ZooFilter>, Error> {
    let folder = folder_of(request, entry, method);
    if !is_as_asked(&folder, &request.asked()) {
        return Ok(None);
    }
    let row: Option<ZooFilter> = read_json(&folder.join("evaluation.json"))?;
    let hash = sha256(&request.folder.join(&entry.model))?;
    Ok(row.filter(|row| row.sha256 == hash))
}

fn sha256(path: &Path) -> Result<String, Error> {
    hash::sha256(path).map_err(|source| Error::System {
        path: path.to_owned(),
        done: "read",
        source,
    })
}

/// Fits and measures one; within, why it could not be fitted.
fn filter_one(
    request: &FilterZooRequest,
    entry: &Entry,
    method: &str,
    found: &Found,
) -> Result<Result<Evaluation, String>, Error> {
    let repaired = request.repaired.as_ref();
    let repaired = repaired.map(|folder| folder.join(&entry.name).join("repaired.onnx"));
    let wanted = FitFilter {
        report: Some(found.report.clone()),
        target: found.target,
        repaired: repaired.filter(|path| path.exists()),
        fpr: request.rates.first().copied().unwrap_or(0.05),
        method: Some(method.to_owned()),
        ..FitFilter::new(ScanRequest {
            max_images: Some(request.images),
            ..found.scan.clone()
        })
    };
    let fitted = match fit_filter(&wanted) {
        Ok(fitted) => fitted,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let out = folder_of(request, entry, method);
    make_folder(&out)?;
    let path = out.join("filter.json");
    let written = fitted.write(&path);
    written.map_err(|error| Error::Request(error.to_string()))?;
    let evaluation = eval_filter(&EvalFilter {
        filter: path.clone(),
        model: None,
        scan: ScanRequest {
            max_images: None,
            ..found.scan.clone()
        },
        repaired: None,
        planted: planted(&request.folder.join(&entry.truth), request.seed)?,
        rates: request.rates.clone(),
    });
    // What it has kept are mostly images, and a zoo is large.
    std::fs::remove_file(&path).map_err(|source| Error::System {
        path,
        done: "remove",
        source,
    })?;
    Ok(evaluation.map_err(|error| error.to_string()))
}
