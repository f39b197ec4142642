//! I-BAU (Zeng et al. 2022): implicit backdoor adversarial unlearning.
//!
//! # What it does
//! Looks for the one change that, added to all clean images, takes most of them from their classes,
//! and moves the weights so that the worst such change does as little as possible. A round is a
//! search for the change, and one pass over the images with an update of the weights for each batch.
//! The gradient of an update minds that the worst change moves with the weights: the second
//! derivatives for this are differences of first ones. Weights are moved as the model is used, with
//! the statistics of batch normalisations as they are. Where triggers are known, each search begins
//! at one of them in turn.
//!
//! # Threat model
//! A backdoor whose trigger is near to a change that is the same for all images: patches, blends,
//! added patterns. No trigger has to be known.
//!
//! # Needs
//! Labelled clean images, a few hundred.
//!
//! # Cost
//! Up to five rounds, at each of two rates at most; an update costs about twelve passes of a batch
//! forwards and backwards.
//!
//! # Known failures
//! Triggers that differ from image to image, or lead only some images; two to five points of accuracy
//! in the leaderboard of BackdoorBench, where 12 to 26 of 100 stamped images stay at the target.
//! Rounds within the budget are kept, which may be the first alone. The released program measures
//! attack success on stamped versions of the very images that it unlearned with; here it is measured
//! on others.
//!
//! # References
//! Y. Zeng, S. Chen, W. Park, Z. M. Mao, M. Jin, R. Jia, "Adversarial Unlearning of Backdoors via
//! Implicit Hypergradient", ICLR 2022, algorithm 1: Adam at 0.001, five fixed-point iterations, a
//! ball of radius 10. The released program adds the change to one image of a hundred in an update,
//! and does not keep it in the ball.

mod hypergradient;
mod rounds;

use super::adjustable::Adjustable;
use super::candidates::Candidates;
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;
use crate::subject::spread_over_classes;
use rounds::Rounds;

/// Images that it learns from.
const IMAGES: usize = 1000;
/// Images of a batch.
const BATCH: usize = 50;
/// Rounds.
const ROUNDS: usize = 5;
/// Rates of Adam, tried in this order.
const RATES: [f32; 2] = [1e-3, 3e-4];

/// What it is.
const ABOUT: About = About {
    name: "i_bau",
    title: "I-BAU (Zeng et al. 2022)",
    needs_trigger: false,
    in_auto: true,
    changes: "all weights",
    misses: &["triggers that differ from image to image"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(IBau),
};

#[derive(Debug)]
struct IBau;

impl Repair for IBau {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        let chosen = spread_over_classes(labels, 0..labels.len(), IMAGES);
        let batch = BATCH.min(chosen.len());
        if batch < 2 {
            return Err(Error::CannotRepair("there are too few clean images to learn from".to_owned()));
        }
        let model = Adjustable::new(patient, patient.model, batch)?;
        let mut candidates = Candidates::new(patient)?;
        for rate in RATES {
            let mut rounds = Rounds::new(patient, &model, (&chosen, batch), rate)?;
            let mut is_done = false;
            for round in 1..=ROUNDS {
                rounds.round(observer)?;
                let note = format!(
                    "unlearned the worst changes of {} clean images in {} rounds at a rate of {rate}",
                    chosen.len(),
                    round
                );
                is_done = candidates.look(model.model(rounds.weights())?, note)?;
                if is_done {
                    break;
                }
            }
            if is_done || candidates.is_good() {
                break;
            }
        }
        let (model, note) = candidates
            .into_kept()
            .ok_or_else(|| Error::CannotRepair("no round was made".to_owned()))?;
        Ok(Repaired::new(model, note))
    }
}

