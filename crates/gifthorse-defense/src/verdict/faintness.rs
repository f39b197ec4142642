//! Detectors that hear little in a model, and what others say there by themselves (decision 22).

use super::decide::Gates;
use super::evidence::{Evidence, Soundness, Witness};
use super::trial::{Charge, Trial};

/// A class that a sound witness finds too suspicious by itself.
#[derive(Debug)]
pub(super) struct AloneSuspect {
    /// The place of the witness.
    place: usize,
    /// Class index.
    pub class: usize,
    /// The p-value of the class, by this witness.
    p_value: f64,
}

/// The classes that the only witness of a trial names.
pub(super) fn suspects_of(trial: &Trial<'_>, gates: &Gates) -> Vec<AloneSuspect> {
    let Some(hearing) = trial.hearings.first() else {
        return Vec::new();
    };
    let charges = trial.charges(gates).into_iter();
    let named = charges.filter(|charge| charge.named);
    let suspect = |charge: Charge| AloneSuspect {
        place: hearing.place,
        class: charge.class,
        p_value: trial.p_alone(0, charge.class),
    };
    named.map(suspect).collect()
}

/// That detectors by margins hear little in this model, and what the others find by themselves;
/// `alone` is `None` where none of them was heard so.
pub(super) fn faintness(evidence: &Evidence, alone: Option<&[AloneSuspect]>) -> Option<String> {
    let faint = |witness: &Witness| match &witness.soundness {
        Soundness::Faint(why) => Some((why.clone(), witness.method.detector.clone())),
        _ => None,
    };
    let faint: Vec<_> = evidence.witnesses.iter().filter_map(faint).collect();
    let (why, _) = faint.first()?;
    let names: Vec<&str> = faint.iter().map(|(_, name)| name.as_str()).collect();
    let found = |suspect: &AloneSuspect| {
        format!(
            "{} finds class {} too suspicious for a clean model (p = {:.3})",
            evidence.witnesses[suspect.place].method.detector, suspect.class, suspect.p_value
        )
    };
    let others = match alone {
        None => String::new(),
        Some([]) => " None of the others finds a class too suspicious by itself.".to_owned(),
        Some(suspects) => format!(
            " By itself {}, and that those do not agree says nothing.",
            suspects
                .iter()
                .map(found)
                .collect::<Vec<_>>()
                .join(", and ")
        ),
    };
    Some(format!(
        "Detectors that go by margins ({}) hear little in this model: {}.{others}",
        names.join(", "),
        why.trim_end_matches('.')
    ))
}
