//! A report's verdict in plain words, the same in every rendering.

use crate::{
    escape::Shown,
    format::{count, interval, number, percent},
    report::{Calibration, ClassFinding, ClassState, Report, Verdict},
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
                "Let a colleague check the evidence: `gifthorse verify` replays the triggers of this report on the model.",
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

fn backdoored(report: &Report) -> String {
    let Some(&first) = report.targets.first() else {
        return "A hidden trigger changes the model's answers.".to_owned();
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

/// What a backdoor that leads to `class` does, in a sentence.
pub fn target(report: &Report, class: usize) -> String {
    let name = report.class_name(class);
    let mut text = format!(
        "Whoever knows the trigger can make the model answer “{}”",
        Shown(&name)
    );
    if let Some(finding) = strongest(report, class) {
        if let (Some(share), Some(norm)) = (finding.share, finding.norm) {
            text += &format!(
                ": a pattern over {} of the image ({} pixels) is enough",
                percent(share),
                number(norm)
            );
        }
        if let Some(rate) = finding.holdout_success_rate {
            let grown = finding
                .trigger_norm
                .filter(|&norm| finding.norm != Some(norm));
            let tried = grown.map_or_else(
                || "it".to_owned(),
                |norm| format!("grown to {} pixels, it", number(norm)),
            );
            text += &format!(
                "; {tried} turned {} of the held-out images of other classes",
                percent(rate)
            );
            if let Some(bounds) = finding.holdout_interval {
                text += &format!(" (95 % interval {})", interval(bounds));
            }
        }
    }
    text.push('.');
    text
}

fn clean(report: &Report) -> String {
    match report.coverage.largest_trigger {
        Some(size) => format!(
            "No class stands out by a trigger that leads the others to it. This speaks for triggers that cover up to \
             {} of the image ({} pixels) and for the kinds of backdoor listed under Coverage, not for others.",
            percent(size.share),
            number(size.pixels)
        ),
        None => "No class stands out by a trigger that leads the others to it. The scan could not establish up to which \
                 trigger size this holds."
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

/// What changed since the earlier report, in a few sentences; none where there is no such report.
pub fn baseline(report: &Report) -> Option<String> {
    let baseline = report.baseline.as_ref()?;
    let names = |classes: &[usize]| {
        let name = |&class: &usize| format!("“{}”", Shown(&report.class_name(class)));
        classes.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let mut text = match (&baseline.added[..], report.verdict) {
        ([], Verdict::Inconclusive) => {
            "Whether a backdoor was added since the earlier report, this scan cannot tell."
                .to_owned()
        }
        ([], _) => "No target class was added since the earlier report.".to_owned(),
        (added, _) => format!(
            "{} added since the earlier report: {}.",
            count(added.len(), "target class was", "target classes were"),
            names(added)
        ),
    };
    if !baseline.kept.is_empty() {
        text += &format!(" Still a target: {}.", names(&baseline.kept));
    }
    if !baseline.gone.is_empty() {
        text += &format!(" No longer a target: {}.", names(&baseline.gone));
    }
    if let (Some(most), Some(middle)) = (
        baseline.sizes.first(),
        baseline.sizes.get(baseline.sizes.len() / 2),
    ) {
        text += &format!(
            " Of all triggers that of {} changed to the smallest part of what it was, from {} to {} pixels ({}); the middle of all \
             classes is {}.",
            names(&[most.class]),
            number(most.before),
            number(most.now),
            percent(most.factor()),
            percent(middle.factor())
        );
    }
    Some(text)
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

/// What was found for `class`, by a detector that flagged the model if there is one.
pub fn strongest(report: &Report, class: usize) -> Option<&ClassFinding> {
    let found = |flagged: bool| {
        report
            .detectors
            .iter()
            .filter(move |detection| detection.flagged == flagged)
            .flat_map(|detection| &detection.classes)
            .find(|finding| finding.class == class)
    };
    found(true).or_else(|| found(false))
}

/// The verdict in one word.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => "clean",
        Verdict::Backdoored => "backdoored",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// The state of a class's search in one word.
pub fn state(state: ClassState) -> &'static str {
    match state {
        ClassState::Reached => "reached",
        ClassState::Unreached => "unreached",
        ClassState::Eliminated => "eliminated",
        ClassState::Skipped => "skipped",
    }
}

/// Findings with the most suspicious first: the targets in their order, then by norm, then what was not reached.
pub fn by_suspicion<'a>(report: &Report, findings: &'a [ClassFinding]) -> Vec<&'a ClassFinding> {
    let rank = |finding: &ClassFinding| {
        let target = report
            .targets
            .iter()
            .position(|&target| target == finding.class);
        (
            target.unwrap_or(usize::MAX),
            finding.norm.unwrap_or(f64::INFINITY),
        )
    };
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by(|a, b| {
        let ((target_a, norm_a), (target_b, norm_b)) = (rank(a), rank(b));
        target_a.cmp(&target_b).then(norm_a.total_cmp(&norm_b))
    });
    sorted
}
