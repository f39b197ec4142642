//! The contract of `report.json`.
//!
//! Field names are part of the contract: a program that reads reports relies on them, and
//! `schema/report.schema.json` is generated from these types. Adding a field keeps
//! [`SCHEMA_VERSION`]; renaming, removing or redefining one raises it.
//!
//! Numbers that may be undefined are `Option<f64>` and `null` in JSON. JSON knows no infinity and
//! no NaN: such a value in an optional field is written as `null`, in a required field it is an
//! error that names the field.

mod baseline;
mod detection;
mod dormant;
mod effect;
mod finding;
mod health;
mod inputs;
mod json;
mod measure;
mod model;
mod policy;
mod preflight;
mod structure;
mod verdict;

pub use baseline::{Baseline, DetectorChange, StatisticChange};
pub use detection::{Detection, PublishedRule};
pub use dormant::{DormantUnit, DormantUnits};
pub use effect::{Effect, LayerEffect, Neuron, Performance, Share, SourceEffect};
pub use finding::{FindingState, Move, TriggerFile, TriggerKind, Unit, UnitFinding};
pub use health::GradientHealth;
pub use inputs::{ChosenBy, Images, PassedOver, Preprocess};
pub use json::{JsonError, json_schema};
pub use measure::{Measure, Tail, UnitStatistic};
pub use model::{
    Branch, BranchScope, Layout, Model, ModelFile, ModelInput, ModelOutput, OutputPart,
};
pub use policy::PolicyOutcome;
pub use preflight::{Alternative, LabelOrder, Preflight};
pub use structure::{Region, StructureFinding, StructureRule};
pub use verdict::{Calibration, ClassVerdict, Coverage, ReferenceModel, TriggerSize, Verdict};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the contract that this crate writes and reads.
pub const SCHEMA_VERSION: u32 = 3;

/// A confidence interval `[low, high]`.
pub type Interval = [f64; 2];

/// Everything that a scan found, and everything needed to judge and to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this format, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The answer.
    pub verdict: Verdict,
    /// Why the verdict is what it is, one plain sentence each, the most important first.
    pub reasons: Vec<String>,
    /// Indices of the classes that a backdoor leads to, the most suspicious first; empty unless
    /// backdoored.
    pub targets: Vec<usize>,
    /// Probability that a clean model looks at least this suspicious, in (0, 1]; null where none
    /// could be had.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p_value: Option<f64>,
    /// The false-positive rate that was asked for, for the model as a whole.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fpr: f64,
    /// What `p_value` was measured against.
    pub calibration: Calibration,
    /// What changed since an earlier report; null if none was given.
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// What the user's policy says; null if none was given.
    #[serde(default)]
    pub policy: Option<PolicyOutcome>,
    /// What was tested and what was not.
    pub coverage: Coverage,
    /// The model file.
    pub model: Model,
    /// The clean images; null for a scan without any.
    pub images: Option<Images>,
    /// How pixels were turned into the model's input.
    pub preprocess: Preprocess,
    /// Whether the model works on these images at all; null without images, or if the scan ended
    /// before it.
    pub preflight: Option<Preflight>,
    /// Whether the model's gradients can be searched with; null without images, or if the scan
    /// ended before the check.
    pub health: Option<GradientHealth>,
    /// Units that no clean image wakes, and what they do once awake; null where that was not looked
    /// at, as without images or where gradients cannot be followed, and in reports from before it
    /// was.
    #[serde(default)]
    pub dormant_units: Option<DormantUnits>,
    /// What all detectors together say of each class, in class order; empty where there was no
    /// verdict on classes.
    pub classes: Vec<ClassVerdict>,
    /// What each detector found, each by itself.
    pub detectors: Vec<Detection>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Threads used; the findings do not depend on it.
    pub threads: usize,
    /// Wall-clock time of the whole scan, in seconds.
    #[schemars(range(min = 0.0))]
    pub seconds: f64,
    /// When the scan started, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub started: String,
    /// Version of the program that made the report.
    pub version: String,
}

impl Report {
    /// The report with every time set to zero, `started` to the epoch and `threads` to 0: what
    /// remains must be equal for two scans with the same inputs and the same seed, whatever the
    /// number of threads.
    pub fn without_times(mut self) -> Self {
        self.seconds = 0.0;
        self.threads = 0;
        self.started = "1970-01-01T00:00:00Z".to_owned();
        for detection in &mut self.detectors {
            detection.seconds = 0.0;
            for finding in &mut detection.findings {
                finding.seconds = 0.0;
            }
        }
        self
    }

    /// The name of class `index` as the report has it; `class N` where it has none.
    ///
    /// Names come from the model or from folders and are not to be trusted: escape them wherever
    /// they are shown.
    pub fn class_name(&self, index: usize) -> String {
        let verdicts = self.classes.iter().map(|class| (class.class, &class.name));
        let findings = self
            .detectors
            .iter()
            .flat_map(|detection| &detection.findings)
            .map(|finding| (finding.class, &finding.name));
        verdicts
            .chain(findings)
            .find(|(class, name)| *class == index && !name.is_empty())
            .map_or_else(|| format!("class {index}"), |(_, name)| name.clone())
    }

    /// What all detectors together say of class `index`, if there was a verdict on classes.
    pub fn class_verdict(&self, index: usize) -> Option<&ClassVerdict> {
        self.classes.iter().find(|class| class.class == index)
    }

    /// The detections that speak against class `index`: those that the verdict on the class names
    /// or, where there was no such verdict, those that flag the model and have a finding for the
    /// class.
    pub fn witnesses(&self, index: usize) -> Vec<&Detection> {
        let detectors = self.detectors.iter();
        match self.class_verdict(index) {
            Some(class) => detectors
                .filter(|detection| class.witnesses.contains(&detection.name))
                .collect(),
            None => detectors
                .filter(|detection| detection.flagged && detection.of_class(index).is_some())
                .collect(),
        }
    }
}
