//! The states that a repair goes through, of which one is kept.

use gifthorse_onnx::Model;

use super::measure::Measured;
use super::{Limits, Patient};
use crate::error::Error;

/// Keeps one of the models that it is shown, by the images to check alone: the last that is within
/// the budget of accuracy and disarms what triggers are known, else the one that comes nearest to
/// that. The last and not the first: a trigger that was recovered is often disarmed long before the
/// one that was planted.
pub(super) struct Candidates<'a> {
    patient: &'a Patient<'a>,
    limits: Limits,
    before: Measured,
    kept: Option<Kept>,
}

/// The model that is kept.
pub(super) struct Kept {
    pub model: Model,
    /// How it came about.
    pub note: String,
    pub distance: f64,
    pub is_good: bool,
}

impl<'a> Candidates<'a> {
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn new(patient: &'a Patient<'a>) -> Result<Self, Error> {
        Ok(Self {
            patient,
            limits: Limits::of(patient),
            before: patient.measured(patient.model)?,
            kept: None,
        })
    }

    /// Looks at a model that is changed more than the one before.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn look(&mut self, model: Model, note: String) -> Result<(), Error> {
        let after = self.patient.measured(&model)?;
        let is_good = self.limits.shortfalls(&self.before, &after).is_empty();
        let distance = self.limits.distance(&self.before, &after);
        let nearer = |kept: &Kept| !kept.is_good && distance < kept.distance;
        let is_better = is_good || self.kept.as_ref().is_none_or(nearer);
        if is_better {
            self.kept = Some(Kept {
                model,
                note,
                distance,
                is_good,
            });
        }
        Ok(())
    }

    /// Whether what is kept is within the limits.
    pub(super) fn is_good(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_good)
    }

    /// What is kept so far.
    pub(super) fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// Goes on from what was kept before.
    pub(super) fn restore(&mut self, kept: Option<Kept>) {
        self.kept = kept;
    }

    /// What was kept, and how it came about.
    pub(super) fn into_kept(self) -> Option<(Model, String)> {
        self.kept.map(|kept| (kept.model, kept.note))
    }
}
