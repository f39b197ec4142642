//! TED (Mo et al. 2024): does an image come to its class the way that clean images do?
//!
//! # What it does
//! Follows an image through up to six layers of the model. In each it ranks clean images by how
//! near they are, and notes the rank of the nearest one of the class that the model gives the image:
//! 0 if the nearest of all is of this class. A clean image is among those of its class early and
//! stays there; a stamped one is among those of its true class until the trigger takes over.
//!
//! # Threat model
//! Triggers of any kind, also for images of single classes and such that differ from image to image,
//! as long as stamped images are told from the target's by some layer. Needs an inside view of the
//! model, but no trigger.
//!
//! # Statistic
//! The sum over layers of `-ln p`, p the share of the clean images of the fit whose rank, each
//! among the others, is as large. The published one gives the ranks to a PCA outlier detector
//! (pyod), for which small ranks are as strange as large ones; here only large ones are, and what
//! a rank says is known without a model of how ranks go together.
//!
//! # Needs
//! Up to 1,000 clean images that the model is right on, ten or more of each class.
//!
//! # Cost
//! The pass that gives the answer, and the distances to the clean images of the fit. The layers are
//! seen as the mean of each channel, over up to four times four parts of the image where channels
//! are few, so that the images of the fit take a few megabytes.
//!
//! # Known failures
//! Clean-label triggers, whose images are of the target's own kind. Nets that tell classes apart
//! only in their last layer: a stamped image passes it with the others. Attackers who train for it
//! (TED-LaST). Images that the model is wrong on go other ways as well, and are flagged first.
//!
//! # References
//! X. Mo, Y. Zhang, L. Y. Zhang, W. Luo, N. Sun, S. Hu, S. Gao, Y. Xiang, "Robust Backdoor Detection
//! for Deep Learning via Topological Evolution Dynamics", IEEE S&P 2024. There layers are flattened;
//! here they are pooled first, without which the images of the fit of a large model fill gigabytes.

mod bank;
mod places;

use gifthorse_engine::{Classifier, Layer, activations, logits_input};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pass::in_parts;
use super::scored::best_other;
use super::{About, Family, Filter, Given, Held, Row, Score, Scored};
use crate::error::Error;
use crate::exact;
use crate::subject::spread_over_classes;
use bank::{Bank, MOST_IMAGES, MOST_NUMBERS};
use places::Places;

/// Layers that an image is followed through, at most.
const LAYERS: usize = 6;

/// A layer is left out in which fewer images than this would fit.
const FEWEST_IMAGES: usize = 100;

/// What it is.
const ABOUT: About = About {
    name: "ted",
    title: "TED (Mo et al. 2024)",
    family: Family::Features,
    needs_trigger: false,
    needs_repaired: false,
    passes: 1.0,
    misses: &[
        "clean-label triggers",
        "triggers of models trained to lead stamped images the way of clean ones",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Ted),
};

#[derive(Debug)]
struct Ted;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Names of the layers.
    layers: Vec<String>,
    /// Class of each image of the fit.
    answers: Vec<usize>,
    /// Of each layer what it gives for them, pooled, `[images, numbers]`.
    rows: Vec<Packed>,
    /// Of each layer the ranks of these images among the others, ascending.
    ranks: Vec<Packed>,
}

/// Numbers, packed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Packed(#[serde(with = "exact::singles")] Vec<f32>);

struct Fitted {
    classifier: Classifier,
    layers: Vec<Layer>,
    places: Vec<Places>,
    bank: Bank,
    /// Of each layer the ranks of the images of the fit among the others, ascending.
    ranks: Vec<Vec<f32>>,
}

impl Filter for Ted {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let classifier = given.held.classifier;
        let labels = given.labels()?;
        let layers = followed(classifier)?;
        let places: Vec<Places> = layers.iter().map(Places::of).collect();
        let numbers: usize = places.iter().map(Places::numbers).sum();
        let answers = classifier.predict(given.images.pixels())?;
        let right = (0..labels.len()).filter(|&image| answers[image] == labels[image]);
        let most = MOST_IMAGES.min(MOST_NUMBERS / numbers.max(1));
        let chosen = spread_over_classes(labels, right, most);
        let answers: Vec<usize> = chosen.iter().map(|&image| labels[image]).collect();
        if chosen.len() < 2 {
            let reason =
                "it compares images with clean ones that the model is right on, and there are none";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        let pixels = given.images.subset(&chosen);
        let seen = seen(classifier, &layers, &places, pixels.pixels())?;
        let of_layer = |layer: usize| seen.iter().flat_map(move |it| &it.rows[layer]).copied();
        let bank = Bank {
            rows: (0..layers.len())
                .map(|layer| of_layer(layer).collect())
                .collect(),
            answers,
        };
        let ranks = bank.ranks();
        Ok(Box::new(Fitted {
            classifier: classifier.clone(),
            layers,
            places,
            bank,
            ranks,
        }))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        let classifier = held.classifier;
        let count = kept.layers.len();
        if count > LAYERS {
            return Err(ABOUT.refused(format!("it follows {count} layers")));
        }
        let layers = kept
            .layers
            .iter()
            .map(|name| Ok(classifier.layer(name)?.clone()));
        let layers = layers.collect::<Result<Vec<Layer>, Error>>()?;
        let places: Vec<Places> = layers.iter().map(Places::of).collect();
        let images = kept.answers.len();
        let fits = |rows: &Packed, places: &Places| rows.0.len() == images * places.numbers();
        let is_sound = (1..=LAYERS).contains(&count)
            && (2..=MOST_IMAGES).contains(&images)
            && kept.rows.len() == count
            && kept
                .rows
                .iter()
                .zip(&places)
                .all(|(rows, places)| fits(rows, places))
            && kept.ranks.len() == count
            && kept
                .ranks
                .iter()
                .all(|ranks| ranks.0.len() == images && ranks.0.is_sorted())
            && kept
                .answers
                .iter()
                .all(|&answer| answer < classifier.classes());
        if !is_sound {
            let reason = "its clean images are none of this model";
            return Err(ABOUT.refused(reason.to_owned()));
        }
        let open = |packed: Vec<Packed>| packed.into_iter().map(|packed| packed.0).collect();
        Ok(Box::new(Fitted {
            classifier: classifier.clone(),
            layers,
            places,
            bank: Bank {
                rows: open(kept.rows),
                answers: kept.answers,
            },
            ranks: open(kept.ranks),
        }))
    }
}

/// The layers that images are followed through, in order: of the activations that everything
/// passes through as many as there may be, evenly over the depth and the last among them; without
/// any, what the logits are made from.
fn followed(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let all = activations(classifier)?.into_iter().rev();
    let is_small = |layer: &Layer| Places::of(layer).numbers() <= MOST_NUMBERS / FEWEST_IMAGES;
    let all = all.map(|hinge| hinge.after).filter(is_small);
    let mut all: Vec<Layer> = all.collect();
    if all.is_empty() {
        all.extend(logits_input(classifier)?.filter(is_small));
    }
    if all.is_empty() {
        let reason = "the model has no layer that all of an image passes through, so that it cannot be followed";
        return Err(Error::CannotFilter(reason.to_owned()));
    }
    let count = all.len().min(LAYERS);
    let last = all.len() - 1;
    let chosen = (0..count).map(|at| last - at * last / (count - 1).max(1));
    let mut layers: Vec<Layer> = chosen.map(|at| all[at].clone()).collect();
    layers.reverse();
    Ok(layers)
}

/// What is seen of one image.
struct Seen {
    logits: Vec<f32>,
    /// Of each layer.
    rows: Vec<Vec<f32>>,
}

fn seen(
    classifier: &Classifier,
    layers: &[Layer],
    places: &[Places],
    pixels: &[f32],
) -> Result<Vec<Seen>, Error> {
    in_parts(classifier, layers, pixels, |passed| {
        let logits = passed.logits.chunks_exact(classifier.classes());
        let of_image = logits.enumerate().map(|(image, logits)| Seen {
            logits: logits.to_vec(),
            rows: (places.iter().zip(&passed.features))
                .map(|(places, values)| places.pooled(values, image))
                .collect(),
        });
        Ok(of_image.collect())
    })
}

/// How surprising a rank is among those of clean images, ascending.
fn surprise(clean: &[f32], rank: f32) -> f64 {
    let smaller = clean.partition_point(|&clean| clean < rank);
    let as_large = clean.len() - smaller;
    -((1 + as_large) as f64 / (1 + clean.len()) as f64).ln()
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let seen = seen(&self.classifier, &self.layers, &self.places, pixels)?;
        let scored = seen.into_iter().map(|seen| {
            let answer = best_other(&seen.logits, None).unwrap_or_default();
            let layers = seen.rows.iter().zip(&self.ranks).enumerate();
            let surprises = layers.map(|(layer, (row, clean))| {
                surprise(clean, self.bank.rank(layer, row, answer, None))
            });
            Scored::new(surprises.sum(), answer)
        });
        Ok(scored.collect())
    }

    fn keep(&self) -> Result<Value, Error> {
        let pack = |numbers: &[Vec<f32>]| numbers.iter().cloned().map(Packed).collect();
        ABOUT.write(&Kept {
            layers: self.layers.iter().map(|it| it.name().to_owned()).collect(),
            answers: self.bank.answers.clone(),
            rows: pack(&self.bank.rows),
            ranks: pack(&self.ranks),
        })
    }
}
