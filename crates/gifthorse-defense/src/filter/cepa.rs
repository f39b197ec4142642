//! CEPA's test-time detection (Li et al. 2024): does the image lie where the trigger moves images?
//!
//! # What it does
//! Measures how far an image lies along a move of an inner layer's values that images make on their
//! way to the target: 0 where clean images do on average, 1 for one that has moved by all of it.
//! The first choice is the paper's consensus (equation 2), of perturbations that lead each clean
//! image to the target and move all of them alike, found by the search of the detector
//! [`cepa`](crate::detect::cepa) at its last layer. In small nets it leads by another way than the
//! trigger; so the mean move from clean images to the same under the known trigger is looked at too,
//! in up to four layers, the last in front, and the first of all these is taken that tells the
//! stamped images of the fit from all clean ones as well as any. The safe label of an image is the
//! best class other than the one that the trigger leads to.
//!
//! # Threat model
//! A trigger of any kind that a scan recovered, or that is told, and one that moves images alike
//! inside the model: the planted trigger need not look like it.
//!
//! # Statistic
//! The place along the move, 0 in the middle of clean images and 1 where they become rare; with
//! several triggers the furthest.
//!
//! # Needs
//! A trigger, and clean images that it is for.
//!
//! # Cost
//! The pass that gives the answer, and no more. Fitting takes up to 300 passes of 48 images forwards
//! and backwards for each trigger.
//!
//! # Known failures
//! Triggers that were not recovered, nor move images as one that was; least where the move is that
//! of an early layer, which sees what a trigger looks like. Triggers that move images of
//! different classes to different places, as all-to-all do. Small moves, beside how far clean images
//! lie from one another.
//!
//! # References
//! X. Li, H. Wang, D. J. Miller, G. Kesidis, "Universal Post-Training Reverse-Engineering Defense
//! Against Backdoors in Deep Neural Networks", arXiv:2402.02034, 2024, equations 1 to 3: there the
//! consensus serves to find what leads an image to follow it; that an image with the trigger lies
//! along it is what the filter goes by.

mod export;
mod moves;

use gifthorse_engine::{Classifier, Layer};
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pass::in_parts;
use super::scale::Scale;
use super::scored::best_other;
use super::{About, Exported, Family, Filter, Given, Held, Row, Score, Scored};
use crate::detect::cepa::CommonMove;
use crate::error::Error;
use crate::exact;
use export::export;
use moves::{best, of_image};

/// More triggers than this are no filter that was fitted.
const MOST_TRIGGERS: usize = 4096;

/// What it is.
const ABOUT: About = About {
    name: "cepa",
    title: "CEPA's test-time detection (Li et al. 2024)",
    family: Family::Trigger,
    needs_trigger: true,
    needs_repaired: false,
    passes: 1.0,
    misses: &[
        "triggers that were not recovered, nor move images as one that was",
        "all-to-all",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Cepa),
};

#[derive(Debug)]
struct Cepa;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    moves: Vec<OfTrigger>,
}

/// The move of a trigger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTrigger {
    /// Name of the layer.
    layer: String,
    /// How its values move, for one image.
    #[serde(with = "exact::singles")]
    values: Vec<f32>,
    /// The mean place of clean images along the move.
    #[serde(with = "exact::double")]
    centre: f64,
    /// Where clean images lie along it.
    scale: Scale,
    /// The class that the trigger leads to.
    target: Option<usize>,
}

/// The move of a trigger.
struct Move {
    common: CommonMove,
    /// Where clean images lie along it.
    scale: Scale,
    /// The class that the trigger leads to.
    target: Option<usize>,
}

struct Fitted {
    classifier: Classifier,
    moves: Vec<Move>,
}

impl Filter for Cepa {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let classifier = given.held.classifier;
        if given.triggers.is_empty() {
            let reason = "it goes by a trigger, and none is known: give the report of a scan that found one, or a trigger";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        let mut moves = Vec::new();
        for known in given.triggers {
            moves.extend(best(known, given)?.map(|(common, scale)| Move {
                common,
                scale,
                target: known.target,
            }));
        }
        if moves.is_empty() {
            let reason = "no trigger moves images at any of the layers that are looked at";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        Ok(Box::new(Fitted {
            classifier: classifier.clone(),
            moves,
        }))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        let classifier = held.classifier;
        let moves = kept.moves.into_iter().map(|kept| {
            let layer = classifier.layer(&kept.layer)?.clone();
            let known = CommonMove::known(layer, kept.values, kept.centre);
            let classes = classifier.classes();
            let is_class = kept.target.is_none_or(|target| target < classes);
            let is_sound = is_class && kept.scale.is_sound();
            let common = known.filter(|_| is_sound).ok_or_else(|| {
                let reason =
                    "it has a move of another layer, or a class that the model does not have";
                ABOUT.refused(reason.to_owned())
            })?;
            Ok(Move {
                common,
                scale: kept.scale,
                target: kept.target,
            })
        });
        let moves = moves.collect::<Result<Vec<_>, Error>>()?;
        if moves.is_empty() || moves.len() > MOST_TRIGGERS {
            let count = moves.len();
            return Err(ABOUT.refused(format!("it has {count} moves")));
        }
        Ok(Box::new(Fitted {
            classifier: classifier.clone(),
            moves,
        }))
    }
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let moves = || self.moves.iter().map(|one| &one.common);
        let layers: Vec<Layer> = moves().map(|one| one.layer().clone()).collect();
        in_parts(&self.classifier, &layers, pixels, |passed| {
            let rows = passed.logits.chunks_exact(self.classifier.classes());
            let scored = rows.enumerate().map(|(image, row)| {
                let shifts = of_image(moves(), passed, image).into_iter();
                let shifts = shifts.zip(&self.moves);
                let shifts = shifts.map(|(shift, one)| one.scale.apply(shift));
                // What is no number is as far as can be.
                let shifts = shifts.map(|shift| if shift.is_nan() { f64::INFINITY } else { shift });
                let with_target = shifts.zip(self.moves.iter().map(|one| one.target));
                let furthest = with_target.max_by(|a, b| a.0.total_cmp(&b.0));
                let (score, target) = furthest.unwrap_or((f64::NAN, None));
                let answer = best_other(row, None).unwrap_or_default();
                let safe = target.and_then(|target| best_other(row, Some(target)));
                Scored::new(score, answer).with_safe_label(safe)
            });
            Ok(scored.collect())
        })
    }

    fn export(&self, model: &mut Model, _: Option<&Model>) -> Result<Exported, Error> {
        export(model, &self.classifier, &self.moves)
    }

    fn keep(&self) -> Result<Value, Error> {
        let moves = self.moves.iter().map(|one| OfTrigger {
            layer: one.common.layer().name().to_owned(),
            values: one.common.values().to_vec(),
            centre: one.common.centre(),
            scale: one.scale,
            target: one.target,
        });
        ABOUT.write(&Kept {
            moves: moves.collect(),
        })
    }
}
