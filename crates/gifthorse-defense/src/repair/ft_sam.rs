//! FT-SAM (Zhu et al. 2023), with unlearning in it.
//!
//! # What it does
//! Trains the model on with clean images, each update with the gradient from where the loss is
//! worst nearby, as far as each weight is large: sharpness-aware minimisation, scaled by the
//! weights. The neurons of a backdoor have large weights in the mean, so that they move most. Where
//! triggers are known, a fifth of the images carries one, with its true label.
//!
//! # Threat model
//! Any backdoor, also one whose trigger is not known.
//!
//! # Needs
//! Labelled clean images: 5 % of the training set in the paper's main table, 1 % at a cost of two
//! points of accuracy.
//!
//! # Cost
//! Thirty epochs of two passes each, and at least 600 updates.
//!
//! # Known failures
//! Without a trigger, clean-label and blended backdoors keep up to 5 % of their success in the
//! paper. Few images: accuracy falls.
//!
//! # References
//! M. Zhu, S. Wei, L. Shen, Y. Fan, B. Wu, "Enhancing Fine-Tuning Based Backdoor Defense with
//! Sharpness-Aware Minimization", ICCV 2023: radius 2 on CIFAR-10 and 8 on GTSRB, label smoothing
//! 0.1, rate 0.01, 100 epochs. Unlearning within it is ours.

use super::tuning::Tuning;
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;

/// What it is.
const ABOUT: About = About {
    name: "ft_sam",
    title: "FT-SAM (Zhu et al. 2023)",
    needs_trigger: false,
    in_auto: true,
    changes: "all weights",
    misses: &["some clean-label and blended backdoors, where no trigger is known"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(FtSam),
};

#[derive(Debug)]
struct FtSam;

impl Repair for FtSam {
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
            epochs: 30,
            fewest_updates: 600,
            learning_rate: 0.01,
            stamped: 0.2,
            smoothing: 0.1,
            sharpness: Some(2.0),
            only_labels: false,
        };
        let tuned = tuning.run(patient, patient.model, observer)?;
        let with = match patient.triggers {
            [] => "",
            _ => ", a fifth of them stamped with a trigger that was found",
        };
        let note = format!(
            "trained on with {} images{}, sharpness-aware{with}",
            patient.fit.len(),
            tuned.how
        );
        Ok(Repaired::new(tuned.model, note))
    }
}
