//! CEPA's test-time detection (Li et al. 2024): does the image lie where the trigger moves images?
//!
//! # What it does
//! Takes the mean move of an inner layer's values from clean images to the same under the trigger,
//! the consensus of equation 2, and measures how far an image lies along it: 0 where clean images
//! do on average, 1 for one that has moved by all of it. The paper finds the perturbation of each
//! image by a search; here it is what a known trigger does to it, since the consensus that is
//! searched does not tell stamped images from clean ones in the nets that it was tried on. Of up to
//! four layers that one is taken at which clean images are spread least along the move. The safe
//! label of an image is the best class other than the one that the trigger leads to.
//!
//! # Threat model
//! A trigger that a scan recovered, or that is told, and one that moves images alike inside the
//! model: the planted trigger need not look like it.
//!
//! # Statistic
//! The place along the move; with several triggers the furthest.
//!
//! # Needs
//! A trigger, and clean images that it is for.
//!
//! # Cost
//! The pass that gives the answer, and no more.
//!
//! # Known failures
//! Triggers that were not recovered, nor move images as one that was. Triggers that move images of
//! different classes to different places, as all-to-all do. Small moves, beside how far clean images
//! lie from one another.
//!
//! # References
//! X. Li, H. Wang, D. J. Miller, G. Kesidis, "Universal Post-Training Reverse-Engineering Defense
//! Against Backdoors in Deep Neural Networks", arXiv:2402.02034, 2024, equations 2 and 3: there the
//! consensus serves to find what leads an image to follow it; that an image with the trigger lies
//! along it is what the filter goes by.

use gifthorse_engine::{Classifier, Layer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pass::in_parts;
use super::scored::best_other;
use super::{About, Family, Filter, Given, Held, Row, Score, Scored};
use crate::detect::cepa::{CommonMove, layers};
use crate::error::Error;
use crate::exact;

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
    /// The class that the trigger leads to.
    target: Option<usize>,
}

struct Fitted {
    classifier: Classifier,
    /// Of each trigger its move, and the class that it leads to.
    moves: Vec<(CommonMove, Option<usize>)>,
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
        let layers = layers(classifier)?;
        let mut moves = Vec::new();
        for known in given.triggers {
            let (clean, stamped) = given.stamped(known)?;
            let (from, to) = (
                means(classifier, &layers, &clean)?,
                means(classifier, &layers, &stamped)?,
            );
            let values = from.iter().zip(&to).map(|(from, to)| {
                let pairs = to.iter().zip(from);
                pairs.map(|(to, from)| (to - from) as f32).collect()
            });
            let new = layers.iter().zip(values);
            let new =
                new.filter_map(|(layer, values)| CommonMove::known(layer.clone(), values, 0.0));
            let narrowest = narrowest(classifier, new.collect(), given.images.pixels())?;
            moves.extend(narrowest.map(|it| (it, known.target)));
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
            let is_class = kept
                .target
                .is_none_or(|target| target < classifier.classes());
            let known = known.filter(|_| is_class).ok_or_else(|| {
                let reason =
                    "it has a move of another layer, or a class that the model does not have";
                ABOUT.refused(reason.to_owned())
            })?;
            Ok((known, kept.target))
        });
        let moves = moves.collect::<Result<Vec<_>, Error>>()?;
        if moves.is_empty() {
            return Err(ABOUT.refused("it has no move".to_owned()));
        }
        Ok(Box::new(Fitted {
            classifier: classifier.clone(),
            moves,
        }))
    }
}

/// The mean of each layer's values over images, number by number.
fn means(
    classifier: &Classifier,
    layers: &[Layer],
    pixels: &[f32],
) -> Result<Vec<Vec<f64>>, Error> {
    // The sums of a part, not its values: those of all images of a wide layer would not fit.
    let sums = in_parts(classifier, layers, pixels, |passed| {
        let of_layer = |values: &Vec<f32>| {
            let size = values.len() / passed.images.max(1);
            let mut sums = vec![0.0f64; size];
            for row in values.chunks_exact(size.max(1)) {
                let both = sums.iter_mut().zip(row);
                both.for_each(|(sum, value)| *sum += f64::from(*value));
            }
            sums
        };
        let sums: Vec<Vec<f64>> = passed.features.iter().map(of_layer).collect();
        Ok(vec![(passed.images, sums)])
    })?;
    let images = sums.iter().map(|(images, _)| images).sum::<usize>().max(1) as f64;
    let mut means: Vec<Vec<f64>> = layers
        .iter()
        .map(|layer| vec![0.0; layer.shape().iter().product()])
        .collect();
    for (_, sums) in &sums {
        for (mean, sum) in means.iter_mut().flatten().zip(sums.iter().flatten()) {
            *mean += sum / images;
        }
    }
    Ok(means)
}

/// Of some moves that one along which clean images are spread least, with their mean place.
fn narrowest(
    classifier: &Classifier,
    moves: Vec<CommonMove>,
    pixels: &[f32],
) -> Result<Option<CommonMove>, Error> {
    let layers: Vec<Layer> = moves.iter().map(|it| it.layer().clone()).collect();
    let shifts = shifts(classifier, &layers, pixels, |at, row| moves[at].shift(row))?;
    let count = shifts.len().max(1) as f64;
    let mut best: Option<(f64, CommonMove)> = None;
    for (at, (known, layer)) in moves.iter().zip(layers).enumerate() {
        let of_images = || shifts.iter().map(|shifts| shifts[at]);
        let centre = of_images().sum::<f64>() / count;
        let spread = of_images()
            .map(|shift| (shift - centre).powi(2))
            .sum::<f64>()
            / count;
        let is_narrower = best.as_ref().is_none_or(|(least, _)| spread < *least);
        if let (true, Some(new)) = (
            is_narrower,
            CommonMove::known(layer, known.values().to_vec(), centre),
        ) {
            best = Some((spread, new));
        }
    }
    Ok(best.map(|(_, it)| it))
}

/// Of each image what `shift` makes of the values of each layer, by its number.
fn shifts(
    classifier: &Classifier,
    layers: &[Layer],
    pixels: &[f32],
    shift: impl Fn(usize, &[f32]) -> f64 + Sync,
) -> Result<Vec<Vec<f64>>, Error> {
    in_parts(classifier, layers, pixels, |passed| {
        let of_image = |image: usize| {
            let each = passed.features.iter().enumerate();
            let each = each.map(|(at, values)| {
                let size = values.len() / passed.images.max(1);
                shift(at, &values[image * size..(image + 1) * size])
            });
            each.collect()
        };
        Ok((0..passed.images).map(of_image).collect())
    })
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let layers: Vec<Layer> = self
            .moves
            .iter()
            .map(|(it, _)| it.layer().clone())
            .collect();
        in_parts(&self.classifier, &layers, pixels, |passed| {
            let logits = passed.logits.chunks_exact(self.classifier.classes());
            let scored = logits.enumerate().map(|(image, logits)| {
                let of_moves = self.moves.iter().zip(&passed.features);
                let shifts = of_moves.map(|((known, target), values)| {
                    let size = known.values().len();
                    (
                        known.shift(&values[image * size..(image + 1) * size]),
                        *target,
                    )
                });
                let furthest = shifts.max_by(|a, b| a.0.total_cmp(&b.0));
                let (score, target) = furthest.unwrap_or((f64::NAN, None));
                let answer = best_other(logits, None).unwrap_or_default();
                let safe = target.and_then(|target| best_other(logits, Some(target)));
                Scored::new(score, answer).with_safe_label(safe)
            });
            Ok(scored.collect())
        })
    }

    fn keep(&self) -> Result<Value, Error> {
        let moves = self.moves.iter().map(|(known, target)| OfTrigger {
            layer: known.layer().name().to_owned(),
            values: known.values().to_vec(),
            centre: known.centre(),
            target: *target,
        });
        ABOUT.write(&Kept {
            moves: moves.collect(),
        })
    }
}
