//! From evidence to verdict.

use super::calibration::Calibration;
use super::confirmation::Gate;
use super::decision::{ClassDecision, Decision, Verdict};
use super::doubt::{Doubt, Effect};
use super::error::StatsError;
use super::evidence::Evidence;
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
///   search, and no doubt stands against it.
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
    let Trials { together, apart } = Trials::hear(evidence, calibration, fpr, seed)?;
    let mut heaviest = (&together, together.charges(&gates));
    let mut p_value = together.p_value(&heaviest.1);
    for trial in &apart {
        let charges = trial.charges(&gates);
        let p = trial.p_value(&charges);
        let is_smaller = p.is_some_and(|p| p_value.is_none_or(|known| p < known));
        let weights = (weight(&charges), weight(&heaviest.1));
        if weights.0 > weights.1 || (weights.0 == weights.1 && weights.0 > 0 && is_smaller) {
            heaviest = (trial, charges);
        }
        if is_smaller {
            p_value = p;
        }
    }
    let (trial, charges) = heaviest;
    let obstacles = trial.obstacles();

    let suspects: Vec<&Charge> = charges.iter().filter(|charge| charge.named).collect();
    let targets = suspects.iter().filter(|charge| charge.convicted);
    let targets: Vec<usize> = targets.map(|charge| charge.class).collect();
    let doubted = doubts.iter().any(|(_, effect)| *effect == Effect::NotClean);
    let verdict = if !targets.is_empty() {
        Verdict::Backdoored
    } else if suspects.is_empty() && !doubted && !obstacle::stand_against_clean(&obstacles) {
        Verdict::Clean
    } else {
        Verdict::Inconclusive
    };
    let grounds = Grounds {
        evidence,
        trial,
        p_value,
        charges: &charges,
        gates: &gates,
        obstacles: &obstacles,
        doubts: &doubts,
    };
    // What each witness says of a class is what it says beside all others.
    let said = together.decisions(evidence, &charges, &gates);
    let classes = trial.decisions(evidence, &charges, &gates).into_iter();
    let classes = classes.zip(said).map(|(class, said)| ClassDecision {
        witnesses: said.witnesses,
        ..class
    });
    Ok(Decision {
        verdict,
        reasons: grounds.reasons(),
        remedies: remedies(&grounds),
        targets,
        suspects: suspects.iter().map(|charge| charge.class).collect(),
        p_value,
        fpr,
        calibration: calibration.name().to_owned(),
        witnesses: together.witnesses(evidence),
        classes: classes.collect(),
    })
}

/// How much charges weigh: 2 if a class is convicted, 1 if one is flagged.
fn weight(charges: &[Charge]) -> u8 {
    let any = |is_so: fn(&Charge) -> bool| u8::from(charges.iter().any(is_so));
    any(|charge| charge.flagged) + any(|charge| charge.named && charge.convicted)
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
