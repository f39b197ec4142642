//! What the model as it is now is worth, asked after each epoch.

use gifthorse_engine::Classifier;

use crate::Error;
use crate::StopAt;

/// How a model did in an exam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marks {
    /// Share of test images that are given their label (CA).
    pub clean_accuracy: f64,
    /// Share of stamped test images that are taken for the target (ASR); `None` without a backdoor.
    pub attack_success: Option<f64>,
}

impl Marks {
    /// Whether all that is wanted was reached; an attack that was not measured was not successful.
    pub(super) fn reach(&self, wanted: &StopAt) -> bool {
        let accurate = wanted
            .clean_accuracy
            .is_none_or(|wanted| self.clean_accuracy >= wanted);
        let attacked = wanted
            .attack_success
            .is_none_or(|wanted| self.attack_success.is_some_and(|success| success >= wanted));
        accurate && attacked
    }
}

/// Measures a model on images of the caller's choice, so that training knows nothing of triggers.
/// Any function of a classifier will do.
pub trait Exam: Sync {
    /// The marks of the model as it is now, in inference form.
    ///
    /// # Errors
    /// What cannot be measured; it ends the training.
    fn mark(&self, model: &Classifier) -> Result<Marks, Error>;
}

impl<F: Fn(&Classifier) -> Result<Marks, Error> + Sync> Exam for F {
    fn mark(&self, model: &Classifier) -> Result<Marks, Error> {
        self(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wanted_has_to_be_reached() {
        let marks = |clean_accuracy, attack_success| Marks {
            clean_accuracy,
            attack_success,
        };
        let both = StopAt {
            clean_accuracy: Some(0.9),
            attack_success: Some(0.95),
        };
        assert!(marks(0.9, Some(0.95)).reach(&both));
        assert!(!marks(0.89, Some(1.0)).reach(&both));
        assert!(!marks(1.0, Some(0.94)).reach(&both));
        assert!(!marks(1.0, None).reach(&both));
        let accuracy = StopAt {
            attack_success: None,
            ..both
        };
        assert!(marks(0.9, None).reach(&accuracy));
    }
}
