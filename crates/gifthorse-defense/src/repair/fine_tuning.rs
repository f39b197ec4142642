//! Fine-tuning on clean images alone: what other repairs are measured against (Wang et al. 2019,
//! table IV, last column).
//!
//! # What it does
//! Trains the model on with clean images and their labels.
//!
//! # Threat model
//! Backdoors that fade when nothing holds them up.
//!
//! # Needs
//! A few hundred labelled clean images.
//!
//! # Cost
//! Ten epochs and at least 200 updates.
//!
//! # Known failures
//! Most backdoors: clean images do not touch what clean images do not use. On CIFAR-10 it leaves 39
//! of 100 stamped images at the target in the mean of ten attacks (Zhu et al. 2023).
//!
//! # References
//! B. Wang et al., "Neural Cleanse", IEEE S&P 2019. M. Zhu, S. Wei, L. Shen, Y. Fan, B. Wu,
//! "Enhancing Fine-Tuning Based Backdoor Defense with Sharpness-Aware Minimization", ICCV 2023.

use super::tuning::Tuning;
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;

/// What it is.
const ABOUT: About = About {
    name: "fine_tuning",
    title: "Fine-tuning on clean images",
    needs_trigger: false,
    in_auto: false,
    changes: "all weights",
    misses: &["most backdoors, which clean images do not touch"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(FineTuning),
};

#[derive(Debug)]
struct FineTuning;

impl Repair for FineTuning {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let tuning = Tuning {
            name: ABOUT.name,
            epochs: 10,
            fewest_updates: 200,
            learning_rate: 0.01,
            stamped: 0.0,
            smoothing: 0.0,
            sharpness: None,
            only_labels: false,
        };
        let tuned = tuning.run(patient, patient.model, observer)?;
        let images = patient.fit.len();
        let note = format!("trained on with {images} clean images{}", tuned.how);
        Ok(Repaired::new(tuned.model, note))
    }
}
