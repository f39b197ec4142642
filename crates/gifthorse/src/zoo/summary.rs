//! The verdicts on a zoo beside the truth.
//!
//! This is the only place where the two meet, after the scans are done.

use std::collections::BTreeMap;
use std::path::Path;

use gifthorse_defense::stats::interval::clopper_pearson;
use gifthorse_report::Report;
use gifthorse_report::report::Verdict;
use serde::Serialize;

use super::ZooError;
use super::index::{Entry, State, Zoo};
use super::roc::{Auroc, auroc};
use super::scan::scan_folder;
use super::truth::Planted;

/// So many of so many, with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Exact 95 % confidence interval of the share (Clopper and Pearson).
    pub interval: [f64; 2],
}

/// What the scans of a group of models came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What the models have in common.
    pub group: String,
    /// Pixels that the trigger changes, where it is one size in the whole group and does not cover the image.
    pub trigger_pixels: Option<f64>,
    /// Models called backdoored: true positives among backdoored models, false ones among clean models.
    pub flagged: Share,
    /// Models of which the scan could not tell.
    pub inconclusive: usize,
    /// Flagged models whose targets are exactly those planted; `null` for clean models.
    pub targets_right: Option<Share>,
    /// How well the p-value tells these models from all clean ones; no p-value counts as 1. `null` for clean models.
    pub auroc: Option<Auroc>,
    /// Likewise the statistic; none counts as the smallest.
    pub auroc_of_statistic: Option<Auroc>,
    /// Mean share of clean test images that the models give their label.
    pub clean_accuracy: f64,
    /// Mean share of images that triggers lead to their target; `null` for clean models.
    pub attack_success: Option<f64>,
    /// Mean time of a scan, in seconds.
    pub seconds: f64,
}

/// The verdicts on a zoo, summed up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The false-positive rates that the scans were asked to keep.
    pub fpr: Vec<f64>,
    /// Good models of the zoo that were not scanned.
    pub not_scanned: Vec<String>,
    /// Models that collapsed or could not be made, which no row counts.
    pub left_out: Vec<String>,
    /// Clean models, all and by data set.
    pub clean: Vec<Row>,
    /// Backdoored models, all, by attack and by size of the trigger.
    pub backdoored: Vec<Row>,
    /// Every model that was scanned.
    pub models: Vec<Judged>,
}

/// One model beside its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// Its data set.
    pub data: String,
    /// What was planted; `null` in a clean model.
    pub attack: Option<String>,
    /// The truth about that.
    pub planted: Option<Planted>,
    /// Share of clean test images that it gives their label.
    pub clean_accuracy: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// The targets that the scan named.
    pub targets: Vec<usize>,
    /// The p-value of the verdict.
    pub p_value: Option<f64>,
    /// The statistic of the detector.
    pub statistic: Option<f64>,
    /// Time of the scan, in seconds.
    pub seconds: f64,
}

/// Reads the reports and truths of a zoo and sums them up.
///
/// # Errors
/// No `zoo.json`, or files that are damaged.
pub fn summarise(folder: &Path) -> Result<Summary, ZooError> {
    let zoo = Zoo::read(folder)?;
    let (mut judged, mut not_scanned, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    let mut fpr: Vec<f64> = Vec::new();
    for entry in &zoo.models {
        if entry.state != State::Good {
            left_out.push(entry.name.clone());
            continue;
        }
        let Some(report) = report_of(folder, entry)? else {
            not_scanned.push(entry.name.clone());
            continue;
        };
        if !fpr.contains(&report.fpr) {
            fpr.push(report.fpr);
        }
        judged.push(judge(folder, entry, &report)?);
    }
    let (clean, backdoored): (Vec<&Judged>, Vec<&Judged>) =
        judged.iter().partition(|model| model.planted.is_none());
    let rows = Rows { clean: &clean };
    Ok(Summary {
        clean: rows.of(&clean, &[by_data])?,
        backdoored: rows.of(&backdoored, &[by_attack, by_data, by_size, by_targets])?,
        fpr,
        not_scanned,
        left_out,
        models: judged,
    })
}

/// The report of a model, if it was scanned.
pub(super) fn report_of(folder: &Path, entry: &Entry) -> Result<Option<Report>, ZooError> {
    let folder = scan_folder(folder, &entry.name);
    // Written last: without it the scan did not end.
    if !folder.join("asked").exists() {
        return Ok(None);
    }
    let path = folder.join("report.json");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ZooError::System {
            path,
            done: "read",
            source,
        }),
        Ok(text) => Report::from_json(&text)
            .map(Some)
            .map_err(|error| ZooError::Damaged {
                path,
                reason: error.to_string(),
            }),
    }
}

fn judge(folder: &Path, entry: &Entry, report: &Report) -> Result<Judged, ZooError> {
    let planted = match &entry.attack {
        None => None,
        Some(_) => {
            let (shape, classes) = (report.model.input.shape, report.model.classes);
            Some(Planted::read(folder, entry, shape, classes)?)
        }
    };
    Ok(Judged {
        name: entry.name.clone(),
        data: entry.data.clone(),
        attack: entry.attack.clone(),
        planted,
        clean_accuracy: entry.clean_accuracy.unwrap_or_default(),
        verdict: report.verdict,
        targets: report.targets.clone(),
        p_value: report.p_value,
        statistic: report
            .detectors
            .first()
            .and_then(|detector| detector.statistic),
        seconds: report.seconds,
    })
}

/// Triggers by the pixels that they change, the smallest first.
fn by_size(model: &Judged) -> (usize, String) {
    match model
        .planted
        .as_ref()
        .and_then(|planted| planted.trigger_pixels)
    {
        Some(pixels) => (pixels as usize, format!("trigger of {pixels} pixels")),
        None => (usize::MAX, "trigger over the whole image".to_owned()),
    }
}

/// By the number of classes that triggers lead to.
fn by_targets(model: &Judged) -> (usize, String) {
    match model
        .planted
        .as_ref()
        .map_or(0, |planted| planted.targets.len())
    {
        1 => (1, "1 infected label".to_owned()),
        targets => (targets, format!("{targets} infected labels")),
    }
}

fn by_data(model: &Judged) -> (usize, String) {
    (0, format!("data {}", model.data))
}

fn by_attack(model: &Judged) -> (usize, String) {
    (
        0,
        format!("attack {}", model.attack.as_deref().unwrap_or_default()),
    )
}

/// Makes rows against the clean models of the zoo.
struct Rows<'a> {
    clean: &'a [&'a Judged],
}

impl Rows<'_> {
    /// A row of all models, and rows for each way to group them, unless that is one group alone.
    fn of(
        &self,
        models: &[&Judged],
        groupings: &[fn(&Judged) -> (usize, String)],
    ) -> Result<Vec<Row>, ZooError> {
        if models.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = vec![self.row("all".to_owned(), models)?];
        for grouping in groupings {
            let mut groups: BTreeMap<(usize, String), Vec<&Judged>> = BTreeMap::new();
            for model in models {
                groups.entry(grouping(model)).or_default().push(model);
            }
            for ((_, group), models) in groups {
                rows.push(self.row(group, &models)?);
            }
        }
        Ok(rows)
    }

    fn row(&self, group: String, models: &[&Judged]) -> Result<Row, ZooError> {
        let planted = models.iter().any(|model| model.planted.is_some());
        let flagged: Vec<&&Judged> = models
            .iter()
            .filter(|model| model.verdict == Verdict::Backdoored)
            .collect();
        let right = flagged.iter().filter(|model| model.targets_right()).count();
        let pixels = |model: &Judged| model.planted.as_ref().and_then(|it| it.trigger_pixels);
        let first = models.first().and_then(|model| pixels(model));
        let suspicion = |model: &Judged| 1.0 - model.p_value.unwrap_or(1.0);
        let statistic = |model: &Judged| model.statistic.unwrap_or(f64::NEG_INFINITY);
        let area = |number: &dyn Fn(&Judged) -> f64| {
            let clean: Vec<f64> = self.clean.iter().map(|model| number(model)).collect();
            let these: Vec<f64> = models.iter().map(|model| number(model)).collect();
            auroc(&clean, &these).filter(|_| planted)
        };
        let mean = |number: &dyn Fn(&Judged) -> f64| {
            models.iter().map(|model| number(model)).sum::<f64>() / models.len() as f64
        };
        let inconclusive = models
            .iter()
            .filter(|model| model.verdict == Verdict::Inconclusive)
            .count();
        let success = |model: &Judged| {
            let planted = model.planted.as_ref();
            planted.map_or(0.0, |planted| planted.attack_success)
        };
        Ok(Row {
            group,
            trigger_pixels: first.filter(|_| models.iter().all(|model| pixels(model) == first)),
            flagged: share(flagged.len(), models.len())?,
            inconclusive,
            targets_right: match planted {
                true => Some(share(right, flagged.len())?),
                false => None,
            },
            auroc: area(&suspicion),
            auroc_of_statistic: area(&statistic),
            clean_accuracy: mean(&|model| model.clean_accuracy),
            attack_success: planted.then(|| mean(&success)),
            seconds: mean(&|model| model.seconds),
        })
    }
}

impl Judged {
    /// Whether the scan named exactly the targets that were planted.
    #[must_use]
    pub fn targets_right(&self) -> bool {
        let mut named = self.targets.clone();
        named.sort_unstable();
        let planted = self.planted.as_ref();
        planted.is_some_and(|planted| planted.targets == named)
    }
}

fn share(count: usize, of: usize) -> Result<Share, ZooError> {
    let (count, of) = (count as u64, of as u64);
    let interval = clopper_pearson(count, of, 0.95)?;
    Ok(Share {
        count,
        of,
        interval: [interval.lower, interval.upper],
    })
}
