//! The verdict of a scan: that of the statistics, kept from saying more than was searched.

use gifthorse_defense::detect::neural_cleanse::{ClassFinding, State};
use gifthorse_defense::health::Health;
use gifthorse_defense::verdict::{
    ClassEvidence, Decision, Evidence, GradientHealth, SetAside, Verdict, decide,
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
    /// What the statistics said; `None` if no class was searched to the end, or none of those that stand for the
    /// eliminated ones.
    pub decision: Option<Decision>,
}

impl Conclusion {
    /// Draws the verdict. Where not every class was searched, or the model switches itself by the image (decision 0007), "clean"
    /// becomes "inconclusive"; a backdoor that was found stays one.
    ///
    /// # Errors
    /// Findings that are no numbers.
    pub fn draw(
        searched: &Searched,
        health: &Health,
        fit: &Fit,
        model: &report::Model,
        yardstick: Yardstick,
        request: &ScanRequest,
    ) -> Result<Self, Error> {
        let [_, height, width] = fit.classifier.shape();
        let evidence = Evidence {
            classes: searched.ended().map(class_evidence).collect(),
            set_aside: SetAside {
                classes: searched.eliminated(),
                sample: searched.stand_ins(),
            },
            pixels: height * width,
            gradients: if health.ok {
                GradientHealth::Sound
            } else {
                GradientHealth::Unsound(health.message.clone())
            },
        };
        let unrepresented = evidence.set_aside.classes > 0 && evidence.set_aside.sample.is_empty();
        let decision = if evidence.classes.is_empty() || unrepresented {
            None
        } else {
            Some(decide(
                &evidence,
                yardstick.reference(),
                request.fpr,
                request.seed,
            )?)
        };
        let mut conclusion = Self::of_decision(decision, yardstick.calibration);
        if !health.ok {
            conclusion.reasons.push(format!(
                "The model's gradients cannot be trusted to lead a search, so none was made: {}.",
                health.message.trim_end_matches('.')
            ));
        }
        let mut gaps = gaps(searched, health);
        gaps.extend(model.switch_warning());
        conclusion.limit(gaps, health);
        conclusion.reasons.extend(yardstick.note);
        if !fit.labelled {
            conclusion.reasons.push(
                "The images have no labels; the model's own predictions stood in for them."
                    .to_owned(),
            );
        }
        Ok(conclusion)
    }

    fn of_decision(decision: Option<Decision>, calibration: report::Calibration) -> Self {
        let said = decision.as_ref();
        Self {
            verdict: match said.map(|decision| decision.verdict) {
                Some(Verdict::Clean) => report::Verdict::Clean,
                Some(Verdict::Backdoored) => report::Verdict::Backdoored,
                Some(Verdict::Inconclusive) | None => report::Verdict::Inconclusive,
            },
            reasons: said.map_or_else(Vec::new, |decision| decision.reasons.clone()),
            targets: said.map_or_else(Vec::new, |decision| decision.targets.clone()),
            p_value: said.and_then(|decision| decision.p_value),
            calibration,
            decision,
        }
    }

    /// Takes back "clean" where there are gaps, and names them: before what the statistics say of the classes that were
    /// searched, unless those are suspicious or the gradients were found wanting.
    fn limit(&mut self, gaps: Vec<String>, health: &Health) {
        if gaps.is_empty() {
            return;
        }
        if self.verdict == report::Verdict::Clean {
            self.verdict = report::Verdict::Inconclusive;
        }
        let decision = self.decision.as_ref();
        let suspicious = decision.is_some_and(|decision| !decision.suspects.is_empty());
        let place = if suspicious || !health.ok {
            self.reasons.len()
        } else {
            0
        };
        self.reasons.splice(place..place, gaps);
    }
}

/// What was left out of the searches, in sentences.
fn gaps(searched: &Searched, health: &Health) -> Vec<String> {
    let mut gaps = Vec::new();
    if searched.wanted < searched.classes {
        gaps.push(format!(
            "Only {} of {} classes were to be searched, and they were compared with one another alone: a backdoor that \
             leads to any other class was not looked for.",
            searched.wanted, searched.classes
        ));
    }
    let skipped = searched.wanted - searched.ended().count() - searched.eliminated();
    if health.ok && skipped > 0 {
        gaps.push(format!(
            "The searches were stopped before {skipped} of {} classes were done; give them more time (--max-time).",
            searched.wanted
        ));
    }
    gaps
}

fn class_evidence(finding: &ClassFinding) -> ClassEvidence {
    ClassEvidence {
        class: finding.class,
        norm: finding.norm,
        reached: finding.state == State::Reached,
        confirmation: finding.holdout,
    }
}
