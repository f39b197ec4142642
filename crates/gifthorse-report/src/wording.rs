//! A report's verdict in plain words, the same in every rendering.

mod baseline;
mod witnesses;

pub use baseline::baseline;
pub use witnesses::{accused, target, witnesses};

use crate::{
    escape::Shown,
    format::{count, number, percent},
    report::{Calibration, Detection, FindingState, Report, UnitFinding, Verdict},
};

/// The verdict in plain words. Untrusted names in it are written with [`Shown`].
pub struct Wording {
    /// The verdict in one short sentence.
    pub headline: &'static str,
    /// What it means for whoever wants to use the model.
    pub meaning: String,
    /// How sure it is; none where no probability could be had.
    pub confidence: Option<String>,
    /// What to do next.
    pub next: Vec<&'static str>,
}

/// Puts the verdict of `report` in words.
pub fn wording(report: &Report) -> Wording {
    let (headline, meaning, next): (_, _, &[_]) = match report.verdict {
        Verdict::Backdoored => (
            "This model carries a backdoor.",
            backdoored(report),
            &[
                "Do not put the model to use, and tell whoever supplied it.",
                checking(report),
            ],
        ),
        Verdict::Clean => (
            "No backdoor was found.",
            clean(report),
            &[
                "Read under Coverage what was not tested before you rely on this verdict.",
                "Scan again whenever the model file changes: the verdict holds for the SHA-256 given here.",
            ],
        ),
        Verdict::Inconclusive => (
            "The scan cannot tell.",
            inconclusive(report),
            &[
                "Treat the model as unchecked; this is not a pass.",
                "Remove the obstacle that the reasons name, then scan again.",
            ],
        ),
    };
    Wording {
        headline,
        meaning,
        confidence: confidence(report),
        next: next.to_vec(),
    }
}

/// How the evidence of a backdoor is checked.
fn checking(report: &Report) -> &'static str {
    let findings = report.detectors.iter().flat_map(|found| &found.findings);
    if findings
        .into_iter()
        .any(|finding| finding.success_rate.is_some())
    {
        "Let a colleague check the evidence: `gifthorse verify` replays the triggers of this report on the model."
    } else {
        "Let a colleague look at the evidence, and scan again with clean images: a trigger can then be searched for and replayed."
    }
}

fn backdoored(report: &Report) -> String {
    let Some(&first) = report.targets.first() else {
        return "A backdoor changes the model's answers.".to_owned();
    };
    let mut text = target(report, first);
    if let others @ 1.. = report.targets.len() - 1 {
        text += &format!(
            " {} are reached just as suspiciously.",
            count(others, "more class", "more classes")
        );
    }
    text
}

fn clean(report: &Report) -> String {
    match report.coverage.largest_trigger {
        Some(size) => format!(
            "No class stands out by what the scan looked for. This speaks for triggers that cover up to {} of the image \
             ({} pixels) and for the kinds of backdoor listed under Coverage, not for others.",
            percent(size.share),
            number(size.pixels)
        ),
        None => "No class stands out by what the scan looked for. This speaks for the kinds of backdoor listed under \
                 Coverage, not for others, and the scan could not establish up to which size of a trigger."
            .to_owned(),
    }
}

fn inconclusive(report: &Report) -> String {
    let reason = report
        .reasons
        .first()
        .map(|reason| format!(" {}", Shown(reason)))
        .unwrap_or_default();
    format!("It says neither that the model is clean nor that it is backdoored.{reason}")
}

fn confidence(report: &Report) -> Option<String> {
    let p_value = report.p_value?;
    let (probability, limit) = (number(p_value), number(report.fpr));
    Some(match &report.calibration {
        Calibration::EqualClasses => format!(
            "A clean model would look at least this suspicious with probability p = {probability}, if all its classes were \
             equally hard to reach; below {limit} counts as a backdoor. Real classes are not equally hard, so false alarms \
             are likelier than that."
        ),
        Calibration::Library { .. } | Calibration::References { .. } => format!(
            "A clean model would look at least this suspicious with probability p = {probability}, judged by {}; up to \
             {limit} counts as a backdoor.",
            calibration(&report.calibration)
        ),
    })
}

/// What the p-value was measured against, in words that go on a sentence.
pub fn calibration(calibration: &Calibration) -> String {
    match calibration {
        Calibration::EqualClasses => {
            "simulated clean models whose classes are all equally hard to reach".to_owned()
        }
        Calibration::Library { models, version } => {
            format!(
                "{models} clean models that were scanned before (library {})",
                Shown(version)
            )
        }
        Calibration::References {
            models,
            library_models,
        } => {
            let own = count(models.len(), "clean model", "clean models");
            match library_models {
                0 => format!("{own} of your own"),
                library => format!("{own} of your own and {library} that were scanned before"),
            }
        }
    }
}

/// The verdict in one word.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => "clean",
        Verdict::Backdoored => "backdoored",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// The state of a search in one word.
pub fn state(state: FindingState) -> &'static str {
    match state {
        FindingState::Reached => "reached",
        FindingState::Unreached => "unreached",
        FindingState::Eliminated => "eliminated",
        FindingState::Skipped => "skipped",
    }
}

/// The findings of a detector with the most suspicious first: the targets in their order, then by
/// the statistic, then what has none.
pub fn by_suspicion<'a>(report: &Report, detection: &'a Detection) -> Vec<&'a UnitFinding> {
    let rank = |finding: &UnitFinding| {
        let mut targets = report.targets.iter();
        let target = targets.position(|&target| target == finding.class);
        target.unwrap_or(usize::MAX)
    };
    let suspicious = detection.unit_statistic.suspicious;
    let mut sorted: Vec<_> = detection.findings.iter().collect();
    sorted.sort_by(|a, b| {
        let by_statistic = suspicious.compare(a.statistic, b.statistic);
        rank(a).cmp(&rank(b)).then(by_statistic)
    });
    sorted
}
