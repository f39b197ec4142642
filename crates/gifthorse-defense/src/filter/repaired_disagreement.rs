//! Disagreement with the repaired model: is that still of the model's opinion?
//!
//! # What it does
//! Asks the repaired model of an image what it is as well. A repair that took the backdoor away
//! leaves clean images their answers, so that an image on which the two are of different opinions
//! carries the trigger, or is one that the repair cost. The safe label of an image is the repaired
//! model's answer.
//!
//! # Threat model
//! Whatever the repair took away; no trigger has to be known.
//!
//! # Statistic
//! The margin of the model's answer in the model less that in the repaired one: its logit less the
//! largest other one. BaDExpert, which compares a model with one that was made from it in the same
//! way, goes by probabilities, which are 1 for most answers; margins are not.
//!
//! # Needs
//! A repaired model of the same images and classes, as `gifthorse repair` writes it.
//!
//! # Cost
//! Two passes, and nothing to fit. Written as ONNX, the repaired model lies in the same file.
//!
//! # Known failures
//! Whatever the repair left. A repair that cost accuracy: the images that it gets wrong now are
//! flagged first.
//!
//! # References
//! T. Xie, X. Qi, P. He, Y. Li, J. T. Wang, P. Mittal, "BaDExpert: Extracting Backdoor Functionality
//! for Accurate Backdoor Input Detection", ICLR 2024, whose clean side is a repaired model.

use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::disagreement::{Safe, disagreements, export};
use super::scored::best_other;
use super::{About, Exported, Family, Filter, Given, Held, Row, Score, Scored};
use crate::error::Error;

/// Begins the names of the repaired model's values in the model's file.
const REPAIRED: &str = "gifthorse.repaired.";

/// What it is.
const ABOUT: About = About {
    name: "repaired_disagreement",
    title: "Disagreement with the repaired model (after Xie et al. 2024)",
    family: Family::Disagreement,
    needs_trigger: false,
    needs_repaired: true,
    passes: 2.0,
    misses: &["what the repair left of a backdoor"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(RepairedDisagreement),
};

#[derive(Debug)]
struct RepairedDisagreement;

/// What is kept: nothing but what the two models are to have in common.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    classes: usize,
}

struct Fitted {
    classifier: Classifier,
    repaired: Classifier,
}

impl Filter for RepairedDisagreement {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        Ok(Box::new(Fitted::new(&given.held)?))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        let fitted = Fitted::new(held)?;
        if kept.classes != fitted.classifier.classes() {
            return Err(ABOUT.refused("it is for a model of other classes".to_owned()));
        }
        Ok(Box::new(fitted))
    }
}

impl Fitted {
    /// # Errors
    /// [`Error::CannotFilter`] without a repaired model, or with one of other images or classes.
    fn new(held: &Held<'_>) -> Result<Self, Error> {
        let Some(repaired) = held.repaired else {
            let reason =
                "it goes by a repaired model, and there is none: give the file that a repair wrote";
            return Err(Error::CannotFilter(reason.to_owned()));
        };
        let of = |model: &Classifier| (model.shape(), model.classes());
        if of(repaired) != of(held.classifier) {
            let reason =
                "the repaired model takes other images or gives other classes than the model";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        Ok(Self {
            classifier: held.classifier.clone(),
            repaired: repaired.clone(),
        })
    }
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let both = (&self.classifier, &self.repaired);
        disagreements(both, pixels, |repaired, _| best_other(repaired, None))
    }

    fn export(&self, model: &mut Model, repaired: Option<&Model>) -> Result<Exported, Error> {
        let Some(part) = repaired else {
            let reason = "the repaired model that the filter asks is not there";
            return Err(Error::CannotFilter(reason.to_owned()));
        };
        let part = (part, &self.repaired, REPAIRED);
        export(model, &self.classifier, part, Safe::Answer)
    }

    fn asks_repaired(&self) -> bool {
        true
    }

    fn keep(&self) -> Result<Value, Error> {
        ABOUT.write(&Kept {
            classes: self.classifier.classes(),
        })
    }
}
