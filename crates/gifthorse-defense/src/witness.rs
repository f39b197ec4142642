//! What a detector found, as a witness of the verdict.

use crate::detect::{Choice, Detector};
use crate::error::Error;
use crate::finding::{Finding, Findings, State, Unit};
use crate::verdict::{ClassEvidence, Method, SetAside, Soundness, Witness};

/// The name that libraries know a detector with its settings by.
///
/// # Errors
/// A detector or preset whose name is not one word.
pub fn method(detector: &dyn Detector) -> Result<Method, Error> {
    Ok(Method::new(detector.about().name, detector.preset())?)
}

/// The same of a choice.
///
/// # Errors
/// As [`method`].
pub fn method_of(choice: &Choice) -> Result<Method, Error> {
    Ok(Method::new(&choice.name, &choice.preset)?)
}

/// A witness of what a detector found, on a model whose images have `shape`, channels, height and
/// width. If it could tell for more than half of the classes why nothing was reached, it is not to
/// be heard, for the reason that it gave most often.
///
/// # Errors
/// As [`method`].
pub fn witness(
    detector: &dyn Detector,
    findings: &Findings,
    shape: [usize; 3],
    soundness: Soundness,
) -> Result<Witness, Error> {
    let of_class = |finding: &Finding| {
        let (class, source) = match finding.led() {
            Unit::Class(class) => (class, None),
            Unit::Pair { source, target } => (target, Some(source)),
            // It led nowhere, so that no class is accused by it.
            Unit::Source(source) => (source, Some(source)),
            Unit::Model => (finding.leads_to?, None),
        };
        Some(ClassEvidence {
            class,
            also: finding.led_by_a_class(),
            source,
            value: detector.value(finding.statistic, shape),
            reached: finding.state == State::Reached,
            confirmation: finding.confirmation,
        })
    };
    let stand_ins = findings.stand_ins();
    let soundness = match soundness {
        unsound @ Soundness::Unsound(_) => unsound,
        heard => mostly_failed(findings).map_or(heard, Soundness::Unsound),
    };
    Ok(Witness {
        method: method(detector)?,
        statistic: detector.statistic(shape),
        classes: findings.ended().filter_map(of_class).collect(),
        set_aside: SetAside {
            classes: findings.eliminated(),
            sample: stand_ins
                .iter()
                .filter_map(|unit: &Unit| unit.class_of_search())
                .collect(),
        },
        soundness,
    })
}

/// The reason that a detector gives most often, if it gives one for more than half of the units
/// searched to the end.
fn mostly_failed(findings: &Findings) -> Option<String> {
    let ended = findings.ended().count();
    let reasons = || {
        findings
            .ended()
            .filter_map(|finding| finding.reason.as_deref())
    };
    if 2 * reasons().count() <= ended {
        return None;
    }
    let count = |reason: &str| reasons().filter(|other| *other == reason).count();
    let most = reasons().max_by_key(|reason| (count(reason), std::cmp::Reverse(*reason)))?;
    let mut units = findings.ended().map(|finding| finding.unit);
    Some(match units.any(|unit| unit == Unit::Model) {
        true => most.to_owned(),
        false => format!("for {} of {ended} classes: {most}", count(most)),
    })
}
