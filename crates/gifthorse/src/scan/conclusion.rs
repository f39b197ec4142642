//! The evidence of a scan, and the verdict that is drawn from it.

use gifthorse_defense::detect::Detector;
use gifthorse_defense::health::Health;
use gifthorse_defense::verdict::{
    Decision, Doubt, Evidence, Library, Soundness, Verdict, WitnessSays, decide,
};
use gifthorse_defense::witness::{method, witness};
use gifthorse_engine::Classifier;
use gifthorse_report::report::{self, ClassVerdict};

use super::calibrate::Calibrated;
use super::checks::Fit;
use super::dormant::Looked;
use super::findings::is_from_classes;
use super::search::Searched;
use super::unsure::unsure;
use crate::{Error, ScanRequest};

/// What a verdict hears of beside what the detectors found.
pub struct Seen<'a> {
    /// Whether gradients can be followed.
    pub health: &'a Health,
    /// How model and images go together.
    pub fit: &'a Fit,
    /// The model file.
    pub model: &'a report::Model,
    /// Units that no clean image wakes.
    pub dormant: &'a Looked,
}

/// The verdict and what it rests on.
pub struct Conclusion {
    /// The answer.
    pub verdict: report::Verdict,
    /// What that was measured against.
    pub calibration: report::Calibration,
    /// What the statistics said.
    pub decision: Decision,
}

impl Conclusion {
    /// Draws the verdict.
    ///
    /// # Errors
    /// Findings that are no numbers.
    pub fn draw(
        all: &[Searched<'_>],
        seen: &Seen<'_>,
        calibrated: Calibrated,
        request: &ScanRequest,
    ) -> Result<Self, Error> {
        let Seen { health, fit, .. } = *seen;
        let shape = fit.classifier.shape();
        let [_, height, width] = shape;
        let soundness = match &fit.misfit {
            Some(misfit) => Soundness::Unsound(misfit.clone()),
            None if health.ok => Soundness::Sound,
            None => Soundness::Unsound(format!(
                "the model's gradients cannot be trusted to lead a search: {}{}",
                health.message.trim_end_matches('.'),
                bottleneck(&fit.classifier)
            )),
        };
        // A detector that lacks images of every class, or looks for what cannot be in such a model,
        // has looked at nothing and failed in nothing.
        let lacks_all =
            |searched: &Searched<'_>| searched.wanted == 0 && is_from_classes(&searched.findings);
        let looked = all
            .iter()
            .filter(|searched| searched.all > 0 && !lacks_all(searched));
        let faint = unsure(fit);
        let witnesses = looked.map(|searched| {
            let (detector, findings) = (searched.detector, &searched.findings);
            let soundness = match (&soundness, &faint) {
                (Soundness::Sound, Some(why)) if detector.about().by_margins => {
                    Soundness::Faint(why.clone())
                }
                _ => soundness.clone(),
            };
            witness(detector, findings, shape, soundness)
        });
        let evidence = Evidence {
            witnesses: witnesses.collect::<Result<_, _>>()?,
            doubts: doubts(all, seen, &calibrated),
            pixels: height * width,
            classes: fit.classifier.classes(),
        };
        let decision = decide(
            &evidence,
            calibrated.calibration(),
            request.fpr,
            request.seed,
        )?;
        Ok(Self {
            verdict: match decision.verdict {
                Verdict::Clean => report::Verdict::Clean,
                Verdict::Backdoored => report::Verdict::Backdoored,
                Verdict::Inconclusive => report::Verdict::Inconclusive,
            },
            calibration: calibrated.described,
            decision,
        })
    }

    /// What a detector says by itself; `None` if it was not heard.
    pub fn says(&self, detector: &dyn Detector) -> Option<&WitnessSays> {
        self.decision.witnesses[self.place(detector)?]
            .said
            .as_ref()
            .ok()
    }

    /// The place of a detector among the witnesses.
    pub fn place(&self, detector: &dyn Detector) -> Option<usize> {
        let method = method(detector).ok()?;
        let mut witnesses = self.decision.witnesses.iter();
        witnesses.position(|witness| witness.method == method)
    }

    /// What all detectors together say of each class.
    pub fn classes(&self, class_names: &[String]) -> Vec<ClassVerdict> {
        let classes = self.decision.classes.iter().map(|class| {
            let mut against: Vec<(f64, &str)> = class
                .witnesses
                .iter()
                .zip(&self.decision.witnesses)
                .filter_map(|(said, witness)| {
                    let said = (*said)?;
                    let speaks = class.flagged && said.p_value <= SPEAKS_AGAINST;
                    speaks.then_some((said.p_value, witness.method.detector.as_str()))
                })
                .collect();
            against.sort_by(|a, b| a.0.total_cmp(&b.0));
            ClassVerdict {
                class: class.class,
                name: class_names.get(class.class).cloned().unwrap_or_default(),
                p_value: class.p_value,
                named: class.named,
                witnesses: against
                    .into_iter()
                    .map(|(_, name)| name.to_owned())
                    .collect(),
            }
        });
        classes.collect()
    }
}

/// The node that may have taken the gradients away, if everything passes one that saturates.
fn bottleneck(classifier: &Classifier) -> String {
    let network = classifier.network();
    let found = network.ends().bottleneck(network.graph());
    found.map_or_else(String::new, |found| {
        let name: String = found.node.name.chars().take(LONGEST_NAME).collect();
        let operator = &found.node.op_type;
        match found.is_last {
            true => format!(" (it ends in the {operator} node `{name}`)"),
            false => format!(" (everything passes the {operator} node `{name}`)"),
        }
    })
}

/// Whether the library that ships with the program has nothing that a detector found in clean
/// models.
fn is_unmeasured(detector: &dyn Detector) -> bool {
    let method = method(detector);
    let known = Library::shipped().ok().zip(method.ok());
    known.is_none_or(|(library, method)| !library.methods().contains_key(&method))
}

/// More of a node's name, in characters, is not shown in a sentence.
const LONGEST_NAME: usize = 60;

/// A detector speaks against a flagged class if it finds such a class in no more than this share of
/// clean models.
const SPEAKS_AGAINST: f64 = 0.25;

/// What bears on the verdict beside what the detectors found.
fn doubts(all: &[Searched<'_>], seen: &Seen<'_>, calibrated: &Calibrated) -> Vec<Doubt> {
    let Seen {
        health,
        fit,
        model,
        dormant,
    } = *seen;
    let mut doubts = Vec::new();
    for searched in all {
        let chosen = Doubt::ChosenClasses {
            chosen: searched.wanted + searched.left_out.len(),
            classes: searched.all,
        };
        let left_out = searched.left_out.first().map(|&class| {
            if is_from_classes(&searched.findings) {
                Doubt::FewImages {
                    left_out: searched.left_out.len(),
                    classes: searched.all,
                }
            } else {
                Doubt::ImagesOfOneClass { class }
            }
        });
        let stopped = Doubt::Stopped {
            skipped: if health.ok && fit.misfit.is_none() {
                searched.skipped()
            } else {
                0
            },
            chosen: searched.wanted,
        };
        // Said once, however many detectors it holds for.
        for doubt in [chosen, stopped].into_iter().chain(left_out) {
            if !doubts.contains(&doubt) {
                doubts.push(doubt);
            }
        }
    }
    if all.iter().all(|it| is_unmeasured(it.detector)) {
        let titles = all.iter().map(|it| it.detector.about().title);
        doubts.push(Doubt::Unmeasured(titles.map(str::to_owned).collect()));
    }
    doubts.extend(model.switch_warning().map(Doubt::Switches));
    doubts.extend(model.structure_warning().map(Doubt::Structure));
    let dormant = dormant.found().and_then(report::DormantUnits::warning);
    doubts.extend(dormant.map(Doubt::DormantUnit));
    doubts.extend(model.unseen_warning().map(Doubt::UnseenOutput));
    doubts.extend(calibrated.note.clone().map(Doubt::Calibration));
    doubts.extend(
        fit.preflight
            .as_ref()
            .map(|preflight| match preflight.accuracy {
                Some(accuracy) => Doubt::Accuracy {
                    correct: (accuracy * preflight.images as f64).round() as u64,
                    images: preflight.images as u64,
                    confidence: preflight.confidence,
                },
                None => Doubt::Unlabelled,
            }),
    );
    doubts
}
