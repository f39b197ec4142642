//! The verdicts on a zoo beside the truth.
//!
//! This is the only place where the two meet, after the scans are done.

mod rows;

use std::path::Path;

use gifthorse_report::Report;
use gifthorse_report::report::Verdict;
use serde::Serialize;

use super::index::{Entry, State, Zoo};
use super::kept::report_of;
use super::truth::Planted;
use crate::Error;
use gifthorse_defense::roc::Auroc;
use rows::{Rows, by_attack, by_data, by_size, by_targets};

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
    /// Pixels that the trigger changes, where it is one size in the whole group and does not cover
    /// the image.
    pub trigger_pixels: Option<f64>,
    /// Models called backdoored: true positives among backdoored models, false ones among clean
    /// models.
    pub flagged: Share,
    /// Models of which the scan could not tell.
    pub inconclusive: usize,
    /// Flagged models whose targets are exactly those planted; `null` for clean models.
    pub targets_right: Option<Share>,
    /// How well the p-value tells these models from all clean ones; no p-value counts as 1. `null`
    /// for clean models.
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
    /// Backdoored models: all, by attack, by data set, by size of the trigger and by number of
    /// infected labels.
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
pub fn summarise(folder: &Path) -> Result<Summary, Error> {
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
    let rows = Rows::against(&clean);
    Ok(Summary {
        clean: rows.of(&clean, &[by_data])?,
        backdoored: rows.of(&backdoored, &[by_attack, by_data, by_size, by_targets])?,
        fpr,
        not_scanned,
        left_out,
        models: judged,
    })
}

fn judge(folder: &Path, entry: &Entry, report: &Report) -> Result<Judged, Error> {
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
