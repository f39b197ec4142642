//! How the model differs from that of an earlier report: whether a fine-tune, say, added a
//! backdoor.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Detection, Report, Unit, Verdict};

/// What changed since an earlier report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// Path of the earlier report, as it was given.
    pub path: String,
    /// SHA-256 of the model that it is about.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Targets that it does not have, in the order of `targets`.
    pub added: Vec<usize>,
    /// Targets that it has too.
    pub kept: Vec<usize>,
    /// Targets that only it has.
    pub gone: Vec<usize>,
    /// What each detector measured then and now, for the detectors that ran both times with the
    /// same preset.
    pub detectors: Vec<DetectorChange>,
    /// What makes the two scans hard to compare, a sentence each.
    pub caveats: Vec<String>,
}

/// What one detector measured then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectorChange {
    /// Name of the detector.
    pub detector: String,
    /// The units that have a statistic both times, the one whose statistic changed most towards
    /// the suspicious end first.
    pub changes: Vec<StatisticChange>,
}

/// The statistic of a unit then and now, in the detector's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatisticChange {
    /// Index of the class.
    pub class: usize,
    /// Index of the source class where the unit is a pair of classes; null for all the others.
    pub source: Option<usize>,
    /// The statistic then.
    pub before: f64,
    /// The same now.
    pub now: f64,
}

impl StatisticChange {
    /// How many times the earlier statistic the present one is; 1 where both are 0.
    pub fn factor(&self) -> f64 {
        if self.before == self.now {
            1.0
        } else {
            self.now / self.before
        }
    }
}

impl Baseline {
    /// Compares `report` with `earlier`, which was read from `path`. Both are taken to be of models
    /// with the same classes.
    pub fn compare(report: &Report, earlier: &Report, path: &str) -> Self {
        let (kept, added) = report
            .targets
            .iter()
            .partition(|target| earlier.targets.contains(target));
        let gone = |target: &&usize| !report.targets.contains(target);
        Self {
            path: path.to_owned(),
            sha256: earlier.model.sha256.clone(),
            verdict: earlier.verdict,
            added,
            kept,
            gone: earlier.targets.iter().filter(gone).copied().collect(),
            detectors: changes(report, earlier),
            caveats: caveats(report, earlier),
        }
    }
}

/// What the detectors that ran both times with the same preset measured.
fn changes(report: &Report, earlier: &Report) -> Vec<DetectorChange> {
    let both = report.detectors.iter().filter_map(|now| {
        let same = |before: &&Detection| is_same_search(now, before);
        Some((now, earlier.detectors.iter().find(same)?))
    });
    both.map(|(now, before)| DetectorChange {
        detector: now.name.clone(),
        changes: statistics(now, before),
    })
    .collect()
}

fn statistics(now: &Detection, before: &Detection) -> Vec<StatisticChange> {
    let known: BTreeMap<Unit, f64> = before
        .findings
        .iter()
        .filter_map(|finding| Some((finding.unit(), finding.statistic?)))
        .collect();
    let mut changes: Vec<StatisticChange> = now
        .findings
        .iter()
        .filter_map(|finding| {
            Some(StatisticChange {
                class: finding.class,
                source: finding.source,
                before: *known.get(&finding.unit())?,
                now: finding.statistic?,
            })
        })
        .collect();
    let suspicious = now.unit_statistic.suspicious;
    changes.sort_by(|a, b| suspicious.compare(Some(a.factor()), Some(b.factor())));
    changes
}

fn is_same_search(a: &Detection, b: &Detection) -> bool {
    (&a.name, &a.preset) == (&b.name, &b.preset)
}

/// Whether a detector ran both times, but with another preset.
fn searched_otherwise(report: &Report, earlier: &Report) -> bool {
    report.detectors.iter().any(|now| {
        let mut before = earlier.detectors.iter();
        before.any(|before| before.name == now.name && before.preset != now.preset)
    })
}

/// Whether a detector of one report is missing in the other. A scan that ended before its search
/// has none, which says nothing about the settings.
fn other_detectors(report: &Report, earlier: &Report) -> bool {
    let names = |report: &Report| -> BTreeSet<String> {
        let names = report.detectors.iter().map(|found| found.name.clone());
        names.collect()
    };
    let (now, before) = (names(report), names(earlier));
    !now.is_empty() && !before.is_empty() && now != before
}

fn caveats(report: &Report, earlier: &Report) -> Vec<String> {
    let images = |report: &Report| report.images.as_ref().map(|images| images.sha256.clone());
    let mut caveats = Vec::new();
    let mut note = |differs: bool, text: &str| {
        if differs {
            caveats.push(text.to_owned());
        }
    };
    note(
        report.model.sha256 == earlier.model.sha256,
        "Both reports are about the same model file.",
    );
    note(
        earlier.verdict == Verdict::Inconclusive,
        "The earlier scan could not tell, so a backdoor that is new here may have been there before.",
    );
    note(
        images(report) != images(earlier),
        "The scans used different images.",
    );
    note(
        other_detectors(report, earlier),
        "The scans ran different detectors.",
    );
    note(
        searched_otherwise(report, earlier),
        "The scans searched with different settings.",
    );
    note(
        report.preprocess != earlier.preprocess,
        "The scans prepared the images differently.",
    );
    note(
        report.fpr != earlier.fpr,
        "The scans were allowed different false-positive rates.",
    );
    note(
        report.calibration != earlier.calibration,
        "The verdicts are calibrated on different clean models.",
    );
    caveats
}
