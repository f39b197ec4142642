//! From evidence to verdict.

use super::calibration::Calibration;
use super::confirmation::Gate;
use super::decision::{Decision, Verdict};
use super::doubt::{Doubt, Effect};
use super::error::StatsError;
use super::evidence::Evidence;
use super::faintness::{AloneSuspect, suspects_of};
use super::obstacle;
use super::reasons::Grounds;
use super::remedies::remedies;
use super::test::null::check_rate;
use super::trial::{Charge, Trials};

/// The verdict on a model: a pure function of what was found, what clean models are like, the rate
/// of false alarms to keep (`fpr`, 0.001 to 0.5, for the model as a whole) and the seed of the
/// simulation. Nothing after it changes a verdict.
///
/// - *Backdoored*: some class is flagged by all witnesses together, and still is by those that need
///   no trigger to convict or whose trigger passes the gate.
/// - *Clean*: nothing is flagged, some witness could have flagged something, none failed in its
///   search, and no doubt stands against it; and if some witnesses are faint, none of the others
///   flags a class by itself.
/// - *Inconclusive*: all else, with the reason.
///
/// # Errors
/// Evidence that is not made of numbers ([`StatsError`]); never one that is merely not enough.
pub fn decide(
    evidence: &Evidence,
    calibration: &dyn Calibration,
    fpr: f64,
    seed: u64,
) -> Result<Decision, StatsError> {
    check_rate(fpr)?;
    check_methods(evidence)?;
    let doubts = doubts(evidence)?;
    let gates = gates(evidence)?;
    let Trials {
        together: trial,
        apart,
    } = Trials::hear(evidence, calibration, fpr, seed)?;
    let charges = trial.charges(&gates);
    let alone = apart.iter().flat_map(|trial| suspects_of(trial, &gates));
    let alone: Vec<AloneSuspect> = alone.collect();
    let obstacles = trial.obstacles();

    let suspects: Vec<&Charge> = charges.iter().filter(|charge| charge.named).collect();
    let targets = suspects.iter().filter(|charge| charge.convicted);
    let targets: Vec<usize> = targets.map(|charge| charge.class).collect();
    let doubted = doubts.iter().any(|(_, effect)| *effect == Effect::NotClean);
    let verdict = if !targets.is_empty() {
        Verdict::Backdoored
    } else if suspects.is_empty()
        && alone.is_empty()
        && !doubted
        && !obstacle::stand_against_clean(&obstacles)
    {
        Verdict::Clean
    } else {
        Verdict::Inconclusive
    };
    let grounds = Grounds {
        evidence,
        trial: &trial,
        alone: (!apart.is_empty()).then_some(&alone),
        charges: &charges,
        gates: &gates,
        obstacles: &obstacles,
        doubts: &doubts,
    };
    let mut suspects: Vec<usize> = suspects.iter().map(|charge| charge.class).collect();
    if suspects.is_empty() {
        suspects.extend(alone.iter().map(|suspect| suspect.class));
        suspects.sort_unstable();
        suspects.dedup();
    }
    Ok(Decision {
        verdict,
        reasons: grounds.reasons(),
        remedies: remedies(&grounds),
        targets,
        suspects,
        p_value: trial.p_value(&charges),
        fpr,
        calibration: calibration.name().to_owned(),
        witnesses: trial.witnesses(evidence),
        classes: trial.decisions(evidence, &charges, &gates),
    })
}

/// What came of each class's trigger on held-out images: for each witness, in the order of its
/// classes.
pub(super) type Gates = Vec<Vec<Gate>>;

fn gates(evidence: &Evidence) -> Result<Gates, StatsError> {
    let of_witness = evidence.witnesses.iter().map(|witness| {
        let rate = witness.statistic.conviction.rate();
        let tried = witness
            .classes
            .iter()
            .map(|found| found.confirmation.as_ref());
        tried
            .map(|tried| tried.map_or(Ok(Gate::NotTried), |tried| tried.gate(rate)))
            .collect()
    });
    of_witness.collect()
}

/// The doubts that are some, with what they do.
fn doubts(evidence: &Evidence) -> Result<Vec<(&Doubt, Effect)>, StatsError> {
    let mut doubts = Vec::new();
    for doubt in &evidence.doubts {
        if let Some(effect) = doubt.effect()? {
            doubts.push((doubt, effect));
        }
    }
    Ok(doubts)
}

fn check_methods(evidence: &Evidence) -> Result<(), StatsError> {
    let witnesses = &evidence.witnesses;
    for (place, witness) in witnesses.iter().enumerate() {
        if witnesses[..place]
            .iter()
            .any(|other| other.method == witness.method)
        {
            return Err(StatsError::DuplicateMethod(witness.method.to_string()));
        }
    }
    Ok(())
}
