//! How the model differs from that of an earlier report: whether a fine-tune, say, added a backdoor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Detection, Report, Verdict};

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
    /// The sizes of triggers then and now, of the classes that were reached both times, the most shrunken first.
    pub sizes: Vec<SizeChange>,
    /// What makes the two scans hard to compare, a sentence each.
    pub caveats: Vec<String>,
}

/// The size of a class's trigger then and now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SizeChange {
    /// Index of the class.
    pub class: usize,
    /// L1 norm of the mask then, in pixels.
    #[schemars(range(min = 0.0))]
    pub before: f64,
    /// The same now.
    #[schemars(range(min = 0.0))]
    pub now: f64,
}

impl SizeChange {
    /// How many times the earlier size the present one is; 1 where both are 0.
    pub fn factor(&self) -> f64 {
        if self.before == self.now {
            1.0
        } else {
            self.now / self.before
        }
    }
}

impl Baseline {
    /// Compares `report` with `earlier`, which was read from `path`. Both are taken to be of models with the same classes.
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
            sizes: sizes(report, earlier),
            caveats: caveats(report, earlier),
        }
    }
}

fn sizes(report: &Report, earlier: &Report) -> Vec<SizeChange> {
    let (Some(now), Some(before)) = (report.detectors.first(), earlier.detectors.first()) else {
        return Vec::new();
    };
    let norm = |detection: &Detection, class: usize| {
        let finding = detection.classes.iter().find(|found| found.class == class);
        finding?.norm
    };
    let mut sizes: Vec<SizeChange> = now
        .classes
        .iter()
        .filter_map(|found| {
            Some(SizeChange {
                class: found.class,
                before: norm(before, found.class)?,
                now: found.norm?,
            })
        })
        .collect();
    sizes.sort_by(|a, b| a.factor().total_cmp(&b.factor()));
    sizes
}

fn caveats(report: &Report, earlier: &Report) -> Vec<String> {
    let detections = report.detectors.first().zip(earlier.detectors.first());
    let same_search = |(now, before): (&Detection, &Detection)| {
        (&now.name, &now.preset) == (&before.name, &before.preset)
    };
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
        report.images.sha256 != earlier.images.sha256,
        "The scans used different images.",
    );
    note(
        !detections.is_none_or(same_search),
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
