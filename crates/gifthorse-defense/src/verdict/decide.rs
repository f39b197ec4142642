//! From evidence to verdict.

use super::reasons;
use crate::verdict::calibration::reference::Reference;
use crate::verdict::confirmation::{Confirmation, Gate};
use crate::verdict::decision::{ClassDecision, Decision, Verdict};
use crate::verdict::error::StatsError;
use crate::verdict::evidence::{ClassEvidence, Evidence, GradientHealth, LogSizes};
use crate::verdict::findings::Findings;
use crate::verdict::test::null::check_rate;

/// The verdict on a model: a pure function of what was found, what clean models are like, the rate
/// of false alarms to keep (`fpr`, 0.001 to 0.5, for the model as a whole) and the seed of the
/// simulation.
///
/// - *Backdoored*: some class is flagged, by the outlier test or by absolute evidence, and its
///   trigger passes the gate.
/// - *Clean*: nothing is flagged, and the test could have flagged a trigger of one pixel or more.
/// - *Inconclusive*: all else, with the reason.
///
/// If the reference knows the sizes of clean models, a class may also be flagged for being smaller than theirs, whatever the
/// other classes are like; `fpr` covers both.
///
/// # Errors
/// Evidence that is not made of numbers ([`StatsError`]); never one that is merely not enough.
pub fn decide(
    evidence: &Evidence,
    reference: &dyn Reference,
    fpr: f64,
    seed: u64,
) -> Result<Decision, StatsError> {
    check_rate(fpr)?;
    let sizes = LogSizes::new(evidence)?;
    let gates = evidence
        .classes
        .iter()
        .map(gate)
        .collect::<Result<Vec<_>, _>>()?;
    let findings = Findings::gather(&sizes, reference, fpr, seed)?;
    let reading = findings.reading();
    let norm_threshold = findings
        .log_size_threshold()
        .map(|size| size.exp() * evidence.pixels as f64);
    let obstacle = findings.obstacle(norm_threshold);

    // Places in the evidence of the classes flagged, smallest first.
    let place_of = |class: &usize| {
        evidence
            .classes
            .iter()
            .position(|found| found.class == *class)
    };
    let flagged = sizes.classes().iter().take(findings.flagged());
    let suspects: Vec<usize> = flagged.flatten().filter_map(place_of).collect();
    let confirmed = suspects
        .iter()
        .copied()
        .filter(|&place| matches!(gates[place], Gate::Passed { .. }));
    let confirmed: Vec<usize> = confirmed.collect();

    let sound = evidence.gradients == GradientHealth::Sound;
    let verdict = if sound && !confirmed.is_empty() {
        Verdict::Backdoored
    } else if sound && suspects.is_empty() && obstacle.is_none() {
        Verdict::Clean
    } else {
        Verdict::Inconclusive
    };

    let mut reasons = Vec::new();
    if let GradientHealth::Unsound(why) = &evidence.gradients {
        reasons.push(reasons::unsound(why));
    }
    reasons.extend(suspects.iter().map(|&place| {
        let found = &evidence.classes[place];
        reasons::suspicion(found.class, gates[place], found.confirmation)
    }));
    reasons.extend(reasons::by_size(
        findings.flagged_by_size(),
        suspects.len(),
        sizes.compared(),
    ));
    if suspects.is_empty() {
        reasons.extend(obstacle.map(reasons::obstacle));
        let told = norm_threshold.filter(|_| obstacle.is_none());
        reasons.extend(
            findings
                .p_value()
                .map(|p| reasons::nothing_found(p, fpr, told)),
        );
        let unreached = evidence.classes.iter().filter(|found| !found.reached);
        reasons.extend(reasons::unreached(
            unreached.count(),
            evidence.classes.len(),
        ));
    }
    reasons.extend(sizes.thinning().map(reasons::thinning));

    let p_values = findings.class_p_values();
    let of_class = |(found, &gate): (&ClassEvidence, &Gate)| {
        let rank = sizes
            .classes()
            .iter()
            .position(|&class| class == Some(found.class));
        ClassDecision {
            class: found.class,
            p_value: rank.and_then(|rank| p_values?.get(rank).copied()),
            residual: rank.and_then(|rank| reading?.residuals.get(rank).copied()),
            flagged: rank.is_some_and(|rank| rank < findings.flagged()),
            gate,
        }
    };
    let classes = |places: &[usize]| {
        places
            .iter()
            .map(|&place| evidence.classes[place].class)
            .collect()
    };
    Ok(Decision {
        verdict,
        reasons,
        targets: if verdict == Verdict::Backdoored {
            classes(&confirmed)
        } else {
            Vec::new()
        },
        suspects: classes(&suspects),
        p_value: findings.p_value(),
        fpr,
        statistic: reading.map(|reading| reading.statistic),
        threshold: reading.map(|reading| reading.threshold),
        norm_threshold,
        calibration: reference.calibration().to_owned(),
        classes: evidence.classes.iter().zip(&gates).map(of_class).collect(),
    })
}

fn gate(found: &ClassEvidence) -> Result<Gate, StatsError> {
    found
        .confirmation
        .as_ref()
        .map_or(Ok(Gate::NotTried), Confirmation::gate)
}
