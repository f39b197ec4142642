//! The states that a repair goes through, of which one is kept.

use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

use super::measure::Measured;
use super::{Limits, Patient};
use crate::error::Error;
use crate::exact;

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
struct Kept {
    model: Model,
    how: How,
}

/// What is known of the model that is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct How {
    /// How it came about.
    note: String,
    #[serde(with = "exact::double")]
    distance: f64,
    is_good: bool,
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
        let nearer = |kept: &Kept| !kept.how.is_good && distance < kept.how.distance;
        let is_better = is_good || self.kept.as_ref().is_none_or(nearer);
        if is_better {
            let how = How {
                note,
                distance,
                is_good,
            };
            self.kept = Some(Kept { model, how });
        }
        Ok(())
    }

    /// Whether what is kept is within the limits.
    pub(super) fn is_good(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.how.is_good)
    }

    /// What is kept so far, to be saved: its model as bytes, none without one.
    ///
    /// # Errors
    /// A model that is too large.
    pub(super) fn saved(&self) -> Result<(Option<How>, Vec<u8>), Error> {
        Ok(match &self.kept {
            Some(kept) => (Some(kept.how.clone()), kept.model.to_bytes()?),
            None => (None, Vec::new()),
        })
    }

    /// Goes on from what was kept before.
    ///
    /// # Errors
    /// In words, for bytes that are no model.
    pub(super) fn restore(&mut self, how: Option<How>, model: &[u8]) -> Result<(), String> {
        self.kept = match how {
            Some(how) => {
                let model = Model::from_bytes(model.to_vec(), None);
                let model = model.map_err(|error| error.to_string())?;
                Some(Kept { model, how })
            }
            None => None,
        };
        Ok(())
    }

    /// What was kept, and how it came about.
    pub(super) fn into_kept(self) -> Option<(Model, String)> {
        self.kept.map(|kept| (kept.model, kept.how.note))
    }
}
