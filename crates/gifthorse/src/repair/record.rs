//! What a repair comes to, as plain data: `repair.json`.

use std::path::Path;

use gifthorse_defense::count::Count;
use gifthorse_defense::repair::measure::Effect;
use gifthorse_defense::repair::{Attempt, CurvePoint, Outcome};
use gifthorse_onnx::ModelDiff;
use gifthorse_report::Report;
use gifthorse_report::html::{PruningCurve, render_pruning};
use gifthorse_report::report::Verdict;
use serde::{Deserialize, Serialize};

use super::diagnosis::Diagnosis;
use super::shown::Shown;
use super::{RepairRequest, page};
use crate::hash::sha256;
use crate::{Error, replace_file};

/// Version of the format of `repair.json`.
pub const RECORD_VERSION: u32 = 1;

/// Everything that a repair did and that shows whether it worked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairRecord {
    /// Version of this format, [`RECORD_VERSION`].
    pub record_version: u32,
    /// Whether the model is repaired: accuracy within the budget, no known trigger works, and the
    /// second scan does not call it backdoored. False where nothing was to be repaired.
    pub repaired: bool,
    /// Why it is not, and then what else a reader should know, in sentences.
    pub reasons: Vec<String>,
    /// The model as it came.
    pub model: ModelFile,
    /// The repaired file; null if none was written.
    pub fixed: Option<ModelFile>,
    /// The classes that were to be repaired.
    pub targets: Vec<usize>,
    /// How far clean accuracy was allowed to fall, in [0, 1].
    pub budget: f64,
    /// Numbers of images; null if none were read.
    pub images: Option<ImageParts>,
    /// The scan before; null if the trigger was told.
    pub before: Option<Scanned>,
    /// Each round of repair and scan.
    pub rounds: Vec<Round>,
    /// What was measured on images that nothing has seen; null if nothing was repaired.
    pub proof: Option<Measurements>,
    /// What is different in the repaired model; null if there is none.
    pub changes: Option<ModelDiff>,
    /// What a reader might look for here and nobody measured, in sentences.
    #[serde(default)]
    pub not_measured: Vec<String>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Wall-clock time of all of it, in seconds.
    pub seconds: f64,
    /// Version of the program.
    pub version: String,
}

/// A file and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Its path.
    pub path: String,
    /// SHA-256 of it, or of the list of hashes of all files that it is read from.
    pub sha256: String,
}

/// How many images there are for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageParts {
    /// To learn from.
    pub fit: usize,
    /// To choose by.
    pub check: usize,
    /// To prove it on.
    pub proof: usize,
    /// Whether they have labels of their own; else the model's predictions before the repair stand
    /// in.
    pub labelled: bool,
}

/// What a scan said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scanned {
    /// Its verdict.
    pub verdict: Verdict,
    /// The classes that a backdoor leads to.
    pub targets: Vec<usize>,
    /// Its p-value, if it had one.
    pub p_value: Option<f64>,
    /// The folder with its report.
    pub folder: String,
}

/// A round: repairs tried, and the scan of what was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Triggers that were known.
    pub triggers: usize,
    /// What was tried, in order.
    pub attempts: Vec<Attempted>,
    /// Name of the repair that was taken; null if none could be done.
    pub taken: Option<String>,
    /// Why that one.
    pub why: String,
    /// The scan of the repaired model; null if it was not scanned.
    pub scan: Option<Scanned>,
}

/// A repair that was tried, measured on the images to choose by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempted {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Why it could not be done; null if it was.
    pub failed: Option<String>,
    /// Clean accuracy after it; null if it could not be done.
    pub clean: Option<Share>,
    /// How much more often images go where a trigger leads with it than without, of the trigger of
    /// which that is most; null if it could not be done.
    pub excess: Option<f64>,
    /// In what it falls short, in sentences.
    pub shortfalls: Vec<String>,
    /// What was done, in sentences.
    pub notes: Vec<String>,
    /// Of pruning: what each number of channels came to.
    pub curve: Vec<CurvePoint>,
    /// Time taken, in seconds.
    pub seconds: f64,
}

/// A share of cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// How often it happened.
    pub hits: u64,
    /// In how many cases.
    pub of: u64,
    /// The share, in [0, 1].
    pub rate: f64,
    /// Its 95 % confidence interval.
    pub interval: [f64; 2],
}

/// What was measured before and after, on the same images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// Clean accuracy (CA).
    pub clean: BeforeAfter,
    /// Each trigger.
    pub triggers: Vec<TriggerProof>,
    /// Attack success after the repaired model was trained on clean images and five stamped ones
    /// for five epochs, for each known trigger of which that was tried; empty if it was not asked
    /// for.
    pub came_back: Vec<Share>,
}

/// A share before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeforeAfter {
    /// Of the model as it came.
    pub before: Share,
    /// Of the repaired one.
    pub after: Share,
}

/// Where a trigger comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A search found it in the model as it came.
    Recovered,
    /// A search found it in a repaired model.
    Fresh,
    /// It was planted; the repair was not told of it.
    Planted,
    /// The caller gave it.
    Told,
}

/// What one trigger does before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerProof {
    /// Where it comes from.
    pub origin: Origin,
    /// What it is called.
    pub name: String,
    /// The class that it leads to; null if that is another one for each class.
    pub target: Option<usize>,
    /// Stamped images that go where it leads (ASR).
    pub success: BeforeAfter,
    /// The same images that go there without it.
    pub without: BeforeAfter,
    /// Stamped images that are given their own label (RA).
    pub robust: BeforeAfter,
}

impl Origin {
    /// What such a trigger is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Recovered => "recovered trigger",
            Self::Fresh => "trigger found after a repair",
            Self::Planted => "planted trigger",
            Self::Told => "given trigger",
        }
    }
}

impl Share {
    /// A count as a share.
    ///
    /// # Errors
    /// More hits than cases.
    pub fn of(count: Count) -> Result<Self, Error> {
        let interval = count.interval()?;
        Ok(Self {
            hits: count.hits,
            of: count.trials,
            rate: count.rate().unwrap_or(0.0),
            interval: [interval.lower, interval.upper],
        })
    }
}

impl BeforeAfter {
    /// Two counts as shares.
    ///
    /// # Errors
    /// More hits than cases.
    pub fn of(before: Count, after: Count) -> Result<Self, Error> {
        Ok(Self {
            before: Share::of(before)?,
            after: Share::of(after)?,
        })
    }
}

impl TriggerProof {
    /// What a trigger does, from what was counted.
    ///
    /// # Errors
    /// More hits than cases.
    pub fn of(
        (origin, name): (Origin, String),
        before: &Effect,
        after: &Effect,
    ) -> Result<Self, Error> {
        Ok(Self {
            origin,
            name,
            target: before.target,
            success: BeforeAfter::of(before.success, after.success)?,
            without: BeforeAfter::of(before.without, after.without)?,
            robust: BeforeAfter::of(before.robust, after.robust)?,
        })
    }
}

impl Attempted {
    pub(super) fn of(attempt: &Attempt) -> Result<Self, Error> {
        let tried = Self {
            name: attempt.name.to_owned(),
            title: attempt.title.to_owned(),
            failed: None,
            clean: None,
            excess: None,
            shortfalls: Vec::new(),
            notes: Vec::new(),
            curve: Vec::new(),
            seconds: attempt.seconds,
        };
        Ok(match &attempt.outcome {
            Outcome::Failed(why) => Self {
                failed: Some(why.clone()),
                ..tried
            },
            Outcome::Changed {
                measured,
                shortfalls,
                notes,
                curve,
            } => Self {
                clean: Some(Share::of(measured.clean)?),
                excess: Some(measured.worst_excess()),
                shortfalls: shortfalls.iter().map(ToString::to_string).collect(),
                notes: notes.clone(),
                curve: curve.clone(),
                ..tried
            },
        })
    }
}

impl Scanned {
    pub(super) fn of(report: &Report, folder: &Path) -> Self {
        Self {
            verdict: report.verdict,
            targets: report.targets.clone(),
            p_value: report.p_value,
            folder: folder.to_string_lossy().into_owned(),
        }
    }

    /// Whether the model was called backdoored.
    #[must_use]
    pub fn is_backdoored(&self) -> bool {
        self.verdict == Verdict::Backdoored
    }
}

impl RepairRecord {
    /// A record of nothing but what is to be repaired.
    pub(super) fn begin(request: &RepairRequest, diagnosis: &Diagnosis) -> Result<Self, Error> {
        let path = &request.scan.model;
        let hash = match &diagnosis.report {
            Some((report, _)) => report.model.sha256.clone(),
            None => sha256(path).map_err(|source| Error::Read {
                path: path.clone(),
                source,
            })?,
        };
        let before = diagnosis.report.as_ref();
        Ok(Self {
            record_version: RECORD_VERSION,
            repaired: false,
            reasons: Vec::new(),
            model: ModelFile {
                path: path.to_string_lossy().into_owned(),
                sha256: hash,
            },
            fixed: None,
            targets: diagnosis.targets(request),
            budget: request.budget,
            images: None,
            before: before.map(|(report, folder)| Scanned::of(report, folder)),
            rounds: Vec::new(),
            proof: None,
            changes: None,
            not_measured: Vec::new(),
            seed: request.scan.seed,
            seconds: 0.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// What a reader might look for and nobody measured, of a model that was changed.
    pub(super) fn left_out(&self) -> Vec<String> {
        let mut left_out = Vec::new();
        let mut say = |sentence: &str| left_out.push(sentence.to_owned());
        let triggers = self.proof.iter().flat_map(|proof| &proof.triggers);
        let origins: Vec<Origin> = triggers.map(|trigger| trigger.origin).collect();
        if origins.is_empty() {
            say(
                "attack success: no trigger is known that could be stamped on images; only the second scan speaks of the backdoor",
            );
        } else if !origins.contains(&Origin::Planted) {
            say(
                "the trigger that was really planted: nobody told it (--truth), and what a search recovers is its likeness, so \
                 that more of it may be left",
            );
        }
        if self.rounds.iter().all(|round| round.scan.is_none()) {
            say("other triggers: the repaired model was not scanned again");
        }
        let came_back = self
            .proof
            .iter()
            .map(|proof| proof.came_back.len())
            .sum::<usize>();
        if came_back == 0 && !origins.is_empty() {
            say(
                "how fast the backdoor comes back when the repaired model is trained on (--retune; it takes a trigger that leads to \
                 a class, five images for it beside a hundred others, and time)",
            );
        }
        if self.images.is_some_and(|images| !images.labelled) {
            say(
                "accuracy: the images have no labels, and what stands for it is how far the model agrees with what it said before",
            );
        }
        left_out
    }

    /// As JSON, with a line break at the end.
    ///
    /// # Errors
    /// A number that JSON does not have.
    pub fn to_json(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| Error::Request(format!("the record has no JSON: {error}")));
        Ok(text? + "\n")
    }

    /// Writes it to the folder of the repair as JSON and as a page, with a picture of what pruning
    /// came to. `repair.json` comes last, so that a folder with it is complete.
    pub(super) fn kept(self, request: &RepairRequest, shown: &Shown) -> Result<Self, Error> {
        let write = |name: &str, text: &str| {
            let path = request.out.join(name);
            replace_file(&path, text.as_bytes()).map_err(|source| Error::Write { path, source })
        };
        let curves = self.pruned();
        if !curves.is_empty() {
            write("pruning.svg", &render_pruning(&curves))?;
        }
        write("repair.html", &page::of(&self, request, shown, &curves))?;
        write("repair.json", &self.to_json()?)?;
        Ok(self)
    }

    /// The curves of all pruning, a layer after the other: each begins with nothing switched off.
    fn pruned(&self) -> Vec<PruningCurve> {
        let attempts = self.rounds.iter().flat_map(|round| &round.attempts);
        let mut curves: Vec<PruningCurve> = Vec::new();
        for point in attempts.flat_map(|attempt| &attempt.curve) {
            let at = (point.off, point.clean_accuracy, point.excess);
            match curves.last_mut() {
                Some(curve) if point.off > 0 => curve.points.push(at),
                _ => curves.push(PruningCurve {
                    layer: point.layer.clone(),
                    neurons: point.neurons,
                    points: vec![at],
                }),
            }
        }
        curves
    }
}
