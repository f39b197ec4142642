//! Scans the models of a zoo. A scan is given the model, clean images and the names of their
//! classes, and nothing else: the truth is not read here.

use std::path::PathBuf;

use gifthorse_defense::detect::{About, Choice};
use gifthorse_defense::finding::{Finding, Unit};
use gifthorse_defense::verdict::Library;
use gifthorse_report::Report;
use gifthorse_report::html::HtmlOptions;
use gifthorse_report::write_out;

use super::index::{Entry, State, Zoo};
use super::jobs::side_by_side;
use super::kept::{asked_path, scan_folder};
use super::store::{make_folder, write};
use crate::Error;
use gifthorse::hash;
use gifthorse::{ScanObserver, ScanOutcome, ScanRequest, Stage, scan};

/// How to scan a zoo.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanZooRequest {
    /// The folder with `zoo.json`. Reports go to `scans/NAME` in it.
    pub folder: PathBuf,
    /// Scans at a time; by default as many as there are threads.
    pub jobs: Option<usize>,
    /// The detectors to run.
    pub detectors: Vec<Choice>,
    /// The share of clean models that may be called backdoored.
    pub fpr: f64,
    /// Seed of every random choice.
    pub seed: u64,
    /// Scan also models that were scanned already. Searches that were kept are not made again, only
    /// the verdict is drawn anew.
    pub again: bool,
    /// Write also the page and the triggers, not `report.json` alone.
    pub pages: bool,
}

/// Watches the scans of a zoo. Methods are called from several threads at once.
pub trait ScanZooObserver: Sync {
    /// So many models are to be scanned; so many others were before.
    fn planned(&self, _to_scan: usize, _there: usize) {}
    /// A scan begins.
    fn started(&self, _name: &str) {}
    /// The share of a scan that is done, in [0, 1].
    fn progressed(&self, _name: &str, _share: f64) {}
    /// A scan ended.
    fn finished(&self, _name: &str, _report: &Report) {}
    /// A scan failed.
    fn failed(&self, _name: &str, _error: &gifthorse::Error) {}
}

/// Scans the good models of a zoo that were not scanned so before; gives how many scans failed.
///
/// # Errors
/// No `zoo.json`, files that cannot be read or written. A scan that fails is told to the observer
/// and tried again next time.
pub fn scan_zoo(request: &ScanZooRequest, observer: &dyn ScanZooObserver) -> Result<usize, Error> {
    let folder = request.folder.as_path();
    let zoo = Zoo::read(folder)?;
    let mut to_scan = Vec::new();
    let good: Vec<&Entry> = zoo
        .models
        .iter()
        .filter(|it| it.state == State::Good)
        .collect();
    let count = good.len();
    for entry in good {
        let asked = asked(entry, request)?;
        let known = std::fs::read_to_string(asked_path(folder, &entry.name)).ok();
        if request.again || known.as_ref() != Some(&asked) {
            to_scan.push((entry, asked));
        }
    }
    observer.planned(to_scan.len(), count - to_scan.len());
    let failures = std::sync::atomic::AtomicUsize::new(0);
    side_by_side(to_scan, request.jobs, |(entry, asked)| {
        observer.started(&entry.name);
        match scan_one(entry, request, observer) {
            Ok(outcome) => {
                keep(entry, request, &outcome)?;
                write(&asked_path(folder, &entry.name), asked.as_bytes())?;
                observer.finished(&entry.name, &outcome.report);
            }
            Err(error) => {
                failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                observer.failed(&entry.name, &error);
            }
        }
        Ok(())
    })?;
    Ok(failures.into_inner())
}

fn scan_one(
    entry: &Entry,
    request: &ScanZooRequest,
    observer: &dyn ScanZooObserver,
) -> Result<ScanOutcome, gifthorse::Error> {
    let folder = request.folder.as_path();
    let scan_request = ScanRequest {
        class_names: Some(folder.join(&entry.class_names)),
        // The images are the model's own, however little it learnt from them.
        force: true,
        detectors: request.detectors.clone(),
        fpr: request.fpr,
        work: Some(scan_folder(folder, &entry.name).join("work")),
        seed: request.seed,
        ..ScanRequest::new(folder.join(&entry.model), Some(folder.join(&entry.images)))
    };
    scan(&scan_request, &Watch::new(&entry.name, observer))
}

fn keep(entry: &Entry, request: &ScanZooRequest, outcome: &ScanOutcome) -> Result<(), Error> {
    let folder = scan_folder(&request.folder, &entry.name);
    make_folder(&folder)?;
    let report = &outcome.report;
    if request.pages {
        let written = write_out(
            &folder,
            report,
            &outcome.evidence,
            None,
            HtmlOptions::default(),
        );
        written.map_err(|error| Error::Request(error.to_string()))?;
    } else {
        let path = folder.join("report.json");
        let json = report.to_json().map_err(|error| Error::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write(&path, json.as_bytes())?;
    }
    Ok(())
}

/// A hash over all that a scan and its verdict depend on, by which it is known to be done.
fn asked(entry: &Entry, request: &ScanZooRequest) -> Result<String, Error> {
    let hash_of = |file: &str| {
        let path = request.folder.join(file);
        hash::sha256(&path).map_err(|source| Error::System {
            path: path.clone(),
            done: "read",
            source,
        })
    };
    let (model, images) = (hash_of(&entry.model)?, hash_of(&entry.images)?);
    let ScanZooRequest {
        detectors,
        fpr,
        seed,
        ..
    } = request;
    let version = env!("CARGO_PKG_VERSION");
    // What verdicts are calibrated on.
    let library = Library::shipped()?.to_json()?;
    let all = format!("{version} {model} {images} {detectors:?} {fpr} {seed} {library}");
    Ok(hash::digest(all.as_bytes()))
}

/// Makes a share of the updates of all searches of a detector.
struct Watch<'a> {
    name: &'a str,
    observer: &'a dyn ScanZooObserver,
    searches: std::sync::Mutex<Searches>,
}

#[derive(Default)]
struct Searches {
    count: usize,
    shares: std::collections::HashMap<Unit, f64>,
}

impl<'a> Watch<'a> {
    fn new(name: &'a str, observer: &'a dyn ScanZooObserver) -> Self {
        Self {
            name,
            observer,
            searches: std::sync::Mutex::default(),
        }
    }

    fn update(&self, unit: Unit, share: f64) {
        let mut searches = self
            .searches
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        searches.shares.insert(unit, share);
        let sum: f64 = searches.shares.values().sum();
        let share = sum / searches.count.max(1) as f64;
        self.observer.progressed(self.name, share);
    }
}

impl ScanObserver for Watch<'_> {
    fn stage(&self, stage: Stage) {
        if stage == Stage::Verdict {
            self.observer.progressed(self.name, 1.0);
        }
    }

    fn detector(&self, _: &'static About, count: usize, _: std::time::Duration) {
        let mut searches = self
            .searches
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *searches = Searches {
            count,
            ..Searches::default()
        };
    }

    fn search_progressed(&self, unit: Unit, done: usize, at_most: usize) {
        self.update(unit, done as f64 / at_most.max(1) as f64);
    }

    fn search_finished(&self, found: &Finding) {
        self.update(found.unit, 1.0);
    }
}
