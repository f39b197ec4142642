//! Unlearning (Wang et al. 2019, section VI-C).
//!
//! # What it does
//! Trains the model on with clean images, a fifth of which carry the trigger that was found, all
//! with their true labels: it learns that the trigger means nothing. With several triggers each
//! stamped image carries one of them; no image carries one that leads to its own class. With the
//! triggers of all classes it is the paper's *patching of all labels* (section VII-C). If learning
//! the labels costs more accuracy than the budget allows, as for a model that is often wrong, the
//! model's own answers to the clean images, with all that it holds likely, are learnt in their
//! place, with half of the images stamped.
//!
//! A trigger that leads each class to another, as where all lead to all, is stamped on images of
//! every class.
//!
//! # Threat model
//! A backdoor whose trigger was recovered, or one near enough to it.
//!
//! # Needs
//! A trigger that can be stamped; a few hundred labelled clean images.
//!
//! # Cost
//! At least 200 updates, usually a minute for nets of 32 pixels; up to 800 more, of 64 images each,
//! where answers are learnt.
//!
//! # Known failures
//! Triggers that are far from the one that was recovered: the model forgets what it was shown.
//! Neural Cleanse's patches may be a part of a large trigger, or another way to the same class.
//!
//! # References
//! B. Wang, Y. Yao, S. Shan, H. Li, B. Viswanath, H. Zheng, B. Zhao, "Neural Cleanse", IEEE S&P
//! 2019: one epoch on a tenth of the training data, a fifth of it stamped. Rate and optimiser are
//! not given there.

use super::answers::with_its_own_answers;
use super::tuning::{Judge, Tuning};
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;

/// What it is.
const ABOUT: About = About {
    name: "unlearning",
    title: "Unlearning (Wang et al. 2019)",
    needs_trigger: true,
    in_auto: true,
    changes: "all weights",
    misses: &["triggers that are far from those that were recovered"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Unlearning),
};

#[derive(Debug)]
struct Unlearning;

impl Repair for Unlearning {
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
            epochs: 1,
            fewest_updates: 200,
            learning_rate: 0.01,
            stamped: 0.2,
            smoothing: 0.0,
            sharpness: None,
            only_labels: true,
        };
        let by_labels = match tuning.run(patient, patient.model, observer) {
            // Answers may be learnt where labels throw a model off its course.
            Err(error) if error.is_divergence() => {
                return with_its_own_answers(ABOUT.name, patient, observer);
            }
            other => other?,
        };
        if !by_labels.is_good && !observer.stop() {
            match with_its_own_answers(ABOUT.name, patient, observer) {
                Ok(by_answers) => {
                    let judge = Judge::of(patient)?;
                    let Repaired { model, .. } = &by_answers;
                    let judged = judge.judged(model.clone(), String::new())?;
                    if judged.is_good || judged.distance < by_labels.distance {
                        return Ok(by_answers);
                    }
                }
                Err(error) if error.is_of_work() => return Err(error),
                // What the labels came to is still there.
                Err(error) => {
                    observer.came_of(&format!("its own answers could not be learnt: {error}"));
                }
            }
        }
        let note = format!(
            "trained on with {} images{}, a fifth of them stamped with a trigger that was found",
            patient.fit.len(),
            by_labels.how
        );
        Ok(Repaired::new(by_labels.model, note))
    }
}
