//! Repairs the models of a zoo, each by several methods, and measures what was really planted before
//! and after.

use std::path::PathBuf;

use gifthorse::repair::RepairRequest;
use gifthorse::repair::record::{Origin, RepairRecord, Share};
use gifthorse::{hash, repair};
use gifthorse_defense::detect::Choice;
use gifthorse_defense::repair::Silent;
use serde::{Deserialize, Serialize};

use super::finding::{ASKED, Finding, is_as_asked};
use super::index::{Entry, Zoo};
use super::jobs::side_by_side;
use super::store::{make_folder, read_json, write, write_json};
use crate::Error;
use crate::planted::planted;

/// The folder of repairs in a zoo's.
const REPAIRS: &str = "repairs";
/// What stands for the repairs that fit.
pub const AUTO: &str = "auto";

/// How to repair a zoo.
#[derive(Debug, Clone, PartialEq)]
pub struct RepairZooRequest {
    /// The folder with `zoo.json`. Records go to `repairs/NAME/METHOD` in it.
    pub folder: PathBuf,
    /// Models at a time; by default as many as there are threads.
    pub jobs: Option<usize>,
    /// The detectors that find out what to repair.
    pub detectors: Vec<Choice>,
    /// Repairs by name, each by itself; `auto` for the choice among those that fit.
    pub methods: Vec<String>,
    /// Whether the target is told, so that repairs are measured apart from detection: only it is
    /// searched, and whatever was planted is taken for found; not where there are several targets.
    /// Clean models are left out.
    pub told: bool,
    /// How far clean accuracy may fall, in [0, 1].
    pub budget: f64,
    /// At most so many images.
    pub max_images: Option<usize>,
    /// Seed of every random choice.
    pub seed: u64,
}

/// What a repair of a model came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZooRepair {
    /// The model.
    pub name: String,
    /// Its data set.
    pub data: String,
    /// What was planted; null in a clean model.
    pub attack: Option<String>,
    /// The repair that was asked for.
    pub method: String,
    /// The one that was taken last; null if nothing was done.
    pub taken: Option<String>,
    /// Whether the record says repaired.
    pub repaired: bool,
    /// Clean accuracy before and after; null if nothing was done.
    pub clean: Option<[f64; 2]>,
    /// Success of what was planted before and after, of the trigger that works best after it.
    pub success: Option<[f64; 2]>,
    /// Accuracy on images stamped with that before and after.
    pub robust: Option<[f64; 2]>,
    /// Images that it was measured on.
    pub images: Option<u64>,
    /// Time taken, in seconds, without the scan.
    pub seconds: f64,
}

/// Watches the repairs of a zoo. Methods are called from several threads at once.
pub trait RepairZooObserver: Sync {
    /// So many repairs are to be made; so many others were before.
    fn planned(&self, _to_do: usize, _there: usize) {}
    /// A repair ended.
    fn finished(&self, _repair: &ZooRepair) {}
    /// A repair failed.
    fn failed(&self, _name: &str, _error: &gifthorse::Error) {}
}

/// Repairs the good models of a zoo by each method, those that were not repaired so before, and
/// gives what all came to, also kept as `repairs/summary.json`.
///
/// # Errors
/// No `zoo.json`, files that cannot be read or written. A repair that fails is told to the observer
/// and tried again next time.
pub fn repair_zoo(
    request: &RepairZooRequest,
    observer: &dyn RepairZooObserver,
) -> Result<Vec<ZooRepair>, Error> {
    let folder = request.folder.as_path();
    let zoo = Zoo::read(folder)?;
    let good = zoo.good(request.told);
    let pairs = good
        .iter()
        .flat_map(|&entry| request.methods.iter().map(move |method| (entry, method)));
    let (mut there, mut to_do) = (0, Vec::new());
    for (entry, method) in pairs {
        match known(request, entry, method)? {
            Some(_) => there += 1,
            None => to_do.push((entry, method)),
        }
    }
    observer.planned(to_do.len(), there);
    // Methods of one model share its scan, so that they come one after the other.
    let by_model = good.iter().map(|&entry| {
        let methods = to_do.iter().filter(|(of, _)| of.name == entry.name);
        (
            entry,
            methods.map(|(_, method)| *method).collect::<Vec<_>>(),
        )
    });
    let by_model: Vec<_> = by_model
        .filter(|(_, methods)| !methods.is_empty())
        .collect();
    side_by_side(by_model, request.jobs, |(entry, methods)| {
        for method in methods {
            match repair_one(request, entry, method)? {
                Ok(record) => observer.finished(&row(entry, method, &record)),
                Err(error) => observer.failed(&entry.name, &error),
            }
        }
        Ok(())
    })?;
    let mut rows = Vec::new();
    for entry in good {
        for method in &request.methods {
            if let Some(record) = known(request, entry, method)? {
                rows.push(row(entry, method, &record));
            }
        }
    }
    write_json(&folder.join(REPAIRS).join("summary.json"), &rows)?;
    Ok(rows)
}

impl RepairZooRequest {
    fn finding(&self) -> Finding<'_> {
        Finding {
            detectors: &self.detectors,
            told: self.told,
            seed: self.seed,
        }
    }
}

fn folder_of(request: &RepairZooRequest, entry: &Entry) -> PathBuf {
    let how = request.finding().how();
    request.folder.join(REPAIRS).join(how).join(&entry.name)
}

/// All that a repair of a model depends on beside its files, in words that are kept beside it.
fn asked_of_repair(request: &RepairZooRequest) -> String {
    let most = request.max_images;
    format!("{}most images {most:?}\n", request.finding().asked())
}

/// The record of a repair, if it was made as it is asked for now.
fn known(
    request: &RepairZooRequest,
    entry: &Entry,
    method: &str,
) -> Result<Option<RepairRecord>, Error> {
    let folder = folder_of(request, entry).join(method);
    let record: Option<RepairRecord> = read_json(&folder.join("repair.json"))?;
    let model = request.folder.join(&entry.model);
    let hash = hash::sha256(&model).map_err(|source| Error::System {
        path: model.clone(),
        done: "read",
        source,
    })?;
    Ok(record.filter(|record| {
        record.model.sha256 == hash
            && (record.budget - request.budget).abs() < f64::EPSILON
            && is_as_asked(&folder, &asked_of_repair(request))
    }))
}

fn repair_one(
    request: &RepairZooRequest,
    entry: &Entry,
    method: &str,
) -> Result<Result<RepairRecord, gifthorse::Error>, Error> {
    let folder = request.folder.as_path();
    let out = folder_of(request, entry).join(method);
    make_folder(&out)?;
    let truth = folder.join(&entry.truth);
    let found = match request.finding().of(folder, entry)? {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let wanted = RepairRequest {
        report: Some(found.report),
        target: found.target,
        planted: planted(&truth, request.seed)?,
        methods: Vec::from_iter((method != AUTO).then(|| method.to_owned())),
        budget: request.budget,
        // With one class searched there is nothing to compare the repaired model's with.
        rescan: !request.told,
        max_images: request.max_images,
        out: out.clone(),
        ..RepairRequest::new(found.scan, out.join("repaired.onnx"))
    };
    let record = repair(&wanted, &gifthorse::Silent, &Silent);
    if record.is_ok() {
        write(&out.join(ASKED), asked_of_repair(request).as_bytes())?;
    }
    Ok(record)
}

fn row(entry: &Entry, method: &str, record: &RepairRecord) -> ZooRepair {
    let proof = record.proof.as_ref();
    let pair = |before: &Share, after: &Share| [before.rate, after.rate];
    let planted = proof.into_iter().flat_map(|proof| &proof.triggers);
    let worst = planted
        .filter(|trigger| trigger.origin == Origin::Planted)
        .max_by(|a, b| a.success.after.rate.total_cmp(&b.success.after.rate));
    let attempts = record.rounds.iter().flat_map(|round| &round.attempts);
    ZooRepair {
        name: entry.name.clone(),
        data: entry.data.clone(),
        attack: entry.attack.clone(),
        method: method.to_owned(),
        taken: record.rounds.last().and_then(|round| round.taken.clone()),
        repaired: record.repaired,
        clean: proof.map(|proof| pair(&proof.clean.before, &proof.clean.after)),
        success: worst.map(|it| pair(&it.success.before, &it.success.after)),
        robust: worst.map(|it| pair(&it.robust.before, &it.robust.after)),
        images: proof.map(|proof| proof.clean.before.of),
        seconds: attempts.map(|attempt| attempt.seconds).sum(),
    }
}
