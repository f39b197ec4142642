//! The verdict of a scan: what was found and what is known of the scan, handed to the statistics.

use gifthorse_defense::detect::neural_cleanse::{Preset, statistic};
use gifthorse_defense::health::Health;
use gifthorse_defense::verdict::{
    Decision, Doubt, Evidence, SetAside, Soundness, Verdict, Witness, decide,
};
use gifthorse_report::report;

use super::checks::Fit;
use super::search::Searched;
use super::yardstick::Yardstick;
use crate::{Error, ScanRequest};

/// The verdict and what it rests on.
pub struct Conclusion {
    /// The answer.
    pub verdict: report::Verdict,
    /// Why, the weightiest first.
    pub reasons: Vec<String>,
    /// Target classes, the most suspicious first.
    pub targets: Vec<usize>,
    /// Probability that a clean model looks at least as suspicious.
    pub p_value: Option<f64>,
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
        searched: &Searched,
        health: &Health,
        fit: &Fit,
        model: &report::Model,
        yardstick: Yardstick,
        (preset, request): (Preset, &ScanRequest),
    ) -> Result<Self, Error> {
        let [_, height, width] = fit.classifier.shape();
        let pixels = height * width;
        let witness = Witness {
            method: preset.method(),
            statistic: statistic(pixels),
            classes: searched
                .ended()
                .map(|found| found.evidence(pixels))
                .collect(),
            set_aside: SetAside {
                classes: searched.eliminated(),
                sample: searched.stand_ins(),
            },
            soundness: if health.ok {
                Soundness::Sound
            } else {
                Soundness::Unsound(format!(
                    "the model's gradients cannot be trusted to lead a search, so none was made: {}",
                    health.message
                ))
            },
        };
        let evidence = Evidence {
            witnesses: vec![witness],
            doubts: doubts(searched, health, fit, model, yardstick.note.clone()),
            pixels,
            classes: searched.classes,
        };
        let decision = decide(
            &evidence,
            yardstick.calibration(),
            request.fpr,
            request.seed,
        )?;
        Ok(Self {
            verdict: match decision.verdict {
                Verdict::Clean => report::Verdict::Clean,
                Verdict::Backdoored => report::Verdict::Backdoored,
                Verdict::Inconclusive => report::Verdict::Inconclusive,
            },
            reasons: decision.reasons.clone(),
            targets: decision.targets.clone(),
            p_value: decision.p_value,
            calibration: yardstick.described,
            decision,
        })
    }
}

/// What is known of the scan beside what was found.
fn doubts(
    searched: &Searched,
    health: &Health,
    fit: &Fit,
    model: &report::Model,
    note: Option<String>,
) -> Vec<Doubt> {
    let mut doubts = vec![Doubt::ChosenClasses {
        chosen: searched.wanted,
        classes: searched.classes,
    }];
    if health.ok {
        doubts.push(Doubt::Stopped {
            skipped: searched.wanted - searched.ended().count() - searched.eliminated(),
            chosen: searched.wanted,
        });
    }
    doubts.extend(model.switch_warning().map(Doubt::Switches));
    doubts.extend(note.map(Doubt::Calibration));
    if !fit.labelled {
        doubts.push(Doubt::Unlabelled);
    }
    doubts
}
