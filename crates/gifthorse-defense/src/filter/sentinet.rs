//! SentiNet (Chou et al. 2020): does the part of the image that the answer rests on rule other images
//! as well?
//!
//! # What it does
//! Finds the region that an image's answer rests on by Grad-CAM, the 15 % of its pixels that speak
//! most for it in the last three layers of maps together, and pastes it on clean images: how many of
//! them get the answer of the image? Noise is pasted in the same place, to see how much it matters
//! that something lies there: how sure is the model still? A trigger rules the images that it is
//! pasted on, and is small enough to leave the model sure of others. The safe label of an image is
//! its best other class with the region made noise.
//!
//! # Threat model
//! A trigger that fills a small connected part of the image and leads images of all classes to a
//! target. No trigger has to be known, nor where it is.
//!
//! # Statistic
//! How far the share of images that are led to the answer lies above a curve over the mean
//! confidence under noise: a parabola through the largest shares of clean images, one for each
//! stretch of 0.02 of confidence. Images that have the answer anyway are not counted.
//!
//! # Needs
//! Clean images: some that regions are pasted on, and others that the curve is drawn by.
//!
//! # Cost
//! Two passes for each of fifty images that a region is pasted on, and three forwards and backwards.
//! Fitting takes as much for each of the images that the curve is drawn by.
//!
//! # Known failures
//! Triggers that are larger than the region, or spread over the image; warps and filters. Clean
//! images of classes that a small part decides. Networks trained to keep Grad-CAM off the trigger
//! (Bagdasaryan and Shmatikov 2021).
//!
//! # References
//! E. Chou, F. Tramèr, G. Pellegrino, "SentiNet: Detecting Localized Universal Attacks Against Deep
//! Learning Systems", IEEE Deep Learning and Security Workshop 2020. There classes are proposed by
//! segmentation as well, regions are pasted on a hundred images, and distances to the curve are the
//! shortest. Here the region is that of the answer alone, half as many images tell as much, and the
//! distance is straight up. There Grad-CAM looks at the last layer of maps, whose heat may lie
//! beside a trigger at the edge of the image; the layers before it see it where it is.

mod curve;
mod region;

use std::collections::BTreeMap;

use gifthorse_engine::{Classifier, Layer, activations, last_maps};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::logits::probability;
use super::scored::best_other;
use super::{About, Family, Filter, Given, Held, Row, Score, Scored};
use crate::error::Error;
use crate::exact;
use crate::explain::grad_cam;
use crate::subject::spread_over_classes;
use curve::Curve;
use region::region;

/// Images that a region is pasted on, at most.
const PASTED: usize = 50;
/// Layers of maps that Grad-CAM looks at, the last ones.
const LAYERS: usize = 3;
/// Images that the curve is drawn by, at most.
const DRAWN_BY: usize = 150;
/// Numbers of all images that are kept, at most: sixteen mebibytes.
const MOST_NUMBERS: usize = 1 << 22;

/// What it is.
const ABOUT: About = About {
    name: "sentinet",
    title: "SentiNet (Chou et al. 2020)",
    family: Family::Attribution,
    needs_trigger: false,
    needs_repaired: false,
    passes: 2.0 + (LAYERS + 2 * PASTED) as f64,
    misses: &[
        "triggers that are large or spread over the image",
        "triggers that Grad-CAM does not show",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(SentiNet),
};

#[derive(Debug)]
struct SentiNet;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// The images that regions are pasted on, `[images, channels, height, width]`.
    #[serde(with = "exact::singles")]
    under: Vec<f32>,
    /// What regions are replaced by, `[channels, height, width]`.
    #[serde(with = "exact::singles")]
    noise: Vec<f32>,
    /// The curve of clean images.
    curve: Curve,
}

/// Where regions are pasted and how.
struct Board {
    classifier: Classifier,
    layers: Vec<Layer>,
    under: Vec<f32>,
    /// The answers to these as they are.
    answers: Vec<usize>,
    noise: Vec<f32>,
}

struct Fitted {
    board: Board,
    curve: Curve,
}

impl Filter for SentiNet {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let (classifier, labels) = (given.held.classifier, given.labels()?);
        let size: usize = classifier.shape().iter().product();
        let pasted = PASTED.min(MOST_NUMBERS / size).max(1);
        let chosen = spread_over_classes(labels, 0..labels.len(), pasted + DRAWN_BY);
        let under = under(chosen.iter().map(|&image| labels[image]), pasted);
        let part = |wanted: bool| {
            let places = chosen
                .iter()
                .zip(&under)
                .filter(|(_, under)| **under == wanted);
            let places: Vec<usize> = places.map(|(&image, _)| image).collect();
            given.images.subset(&places).pixels().to_vec()
        };
        let (under, suspects) = (part(true), part(false));
        if under.is_empty() || suspects.is_empty() {
            let reason = "it pastes regions of clean images on others, and there are too few";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(given.seed);
        let noise = (0..size).map(|_| rng.random()).collect();
        let board = Board::new(classifier, under, noise)?;
        let points = board.points(&suspects)?;
        let points: Vec<[f64; 2]> = points.iter().map(|it| [it.confidence, it.fooled]).collect();
        Ok(Box::new(Fitted {
            board,
            curve: Curve::above(&points),
        }))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        let size: usize = held.classifier.shape().iter().product();
        let pixels = || kept.under.iter().chain(&kept.noise);
        let is_sound = !kept.under.is_empty()
            && kept.under.len().is_multiple_of(size)
            && kept.under.len() / size <= PASTED
            && kept.noise.len() == size
            && pixels().all(|pixel| (0.0..=1.0).contains(pixel));
        if !is_sound {
            return Err(ABOUT.refused("its images are none of this model".to_owned()));
        }
        Ok(Box::new(Fitted {
            board: Board::new(held.classifier, kept.under, kept.noise)?,
            curve: kept.curve,
        }))
    }
}

/// Of each image, by its label, whether it is pasted on, `pasted` of as many and [`DRAWN_BY`]; the
/// others draw the curve. Of each class there are some of both: where all that is pasted on were of
/// the target, no region would fool anybody.
fn under(labels: impl Iterator<Item = usize>, pasted: usize) -> Vec<bool> {
    let mut of_class = BTreeMap::<usize, usize>::new();
    labels
        .map(|label| {
            let rank = of_class.entry(label).or_insert(label);
            *rank += 1;
            (*rank * pasted) % (pasted + DRAWN_BY) < pasted
        })
        .collect()
}

/// The last activations whose channels are maps; without any, the last such layer of any kind.
fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let after = activations(classifier)?
        .into_iter()
        .map(|hinge| hinge.after);
    let is_map = |layer: &Layer| matches!(layer.shape(), [_, height, width] if height * width > 1);
    let layers: Vec<Layer> = after.filter(is_map).take(LAYERS).collect();
    match layers.is_empty() {
        true => Ok(last_maps(classifier)?.into_iter().collect()),
        false => Ok(layers),
    }
}

/// What is seen of one image.
struct Point {
    answer: usize,
    safe_label: Option<usize>,
    /// The share of images that are led to the answer by the region.
    fooled: f64,
    /// The mean probability of the answers where noise is pasted there.
    confidence: f64,
}

impl Board {
    /// # Errors
    /// [`Error::CannotFilter`] for a model without maps.
    fn new(classifier: &Classifier, under: Vec<f32>, noise: Vec<f32>) -> Result<Self, Error> {
        let layers = layers(classifier)?;
        if layers.is_empty() {
            let reason =
                "the model has no layer of maps in which regions of an image could be found";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        Ok(Self {
            answers: classifier.predict(&under)?,
            classifier: classifier.clone(),
            layers,
            under,
            noise,
        })
    }

    fn points(&self, pixels: &[f32]) -> Result<Vec<Point>, Error> {
        let size = self.noise.len();
        let answers = self.classifier.predict(pixels)?;
        let mut points = Vec::with_capacity(answers.len());
        let part = Classifier::EVALUATION_BATCH;
        for (pixels, answers) in pixels.chunks(part * size).zip(answers.chunks(part)) {
            let maps = self.maps(pixels, answers)?;
            for ((image, &answer), map) in pixels.chunks_exact(size).zip(answers).zip(&maps) {
                points.push(self.point(image, answer, &region(map))?);
            }
        }
        Ok(points)
    }

    /// For each image what in it speaks for its answer, `[height, width]`: the sum of what Grad-CAM
    /// sees in each layer.
    fn maps(&self, pixels: &[f32], answers: &[usize]) -> Result<Vec<Vec<f32>>, Error> {
        let mut all: Vec<Vec<f32>> = Vec::new();
        for layer in &self.layers {
            let maps = grad_cam(&self.classifier, layer, pixels, answers)?;
            if all.is_empty() {
                all = maps;
                continue;
            }
            let both = all.iter_mut().flatten().zip(maps.iter().flatten());
            both.for_each(|(sum, heat)| *sum += heat);
        }
        Ok(all)
    }

    /// `region` says of each pixel, `[height, width]`, whether it is in.
    fn point(&self, image: &[f32], answer: usize, region: &[bool]) -> Result<Point, Error> {
        let (size, classes) = (self.noise.len(), self.classifier.classes());
        let paste = |what: &[f32], on: &[f32]| -> Vec<f32> {
            let pairs = on.iter().zip(what).zip(region.iter().cycle());
            pairs
                .map(|((&on, &what), &is_in)| if is_in { what } else { on })
                .collect()
        };
        let on_all = |what: &[f32]| -> Vec<f32> {
            let under = self.under.chunks_exact(size);
            under.flat_map(|under| paste(what, under)).collect()
        };
        let stamped = self.classifier.predict(&on_all(image))?;
        let others = stamped
            .iter()
            .zip(&self.answers)
            .filter(|(_, own)| **own != answer);
        let (mut led, mut count) = (0.0, 0.0);
        for (stamped, _) in others {
            count += 1.0;
            led += f64::from(u8::from(*stamped == answer));
        }
        let inert = self.classifier.evaluate(&on_all(&self.noise))?;
        let rows = inert.chunks_exact(classes);
        let confident = rows.map(|row| probability(row, best_other(row, None).unwrap_or_default()));
        let without = self.classifier.evaluate(&paste(&self.noise, image))?;
        Ok(Point {
            answer,
            safe_label: best_other(&without, Some(answer)),
            fooled: if count > 0.0 { led / count } else { 0.0 },
            confidence: confident.sum::<f64>() / self.answers.len() as f64,
        })
    }
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let points = self.board.points(pixels)?.into_iter();
        let scored = points.map(|point| {
            let above = point.fooled - self.curve.at(point.confidence);
            Scored::new(above, point.answer).with_safe_label(point.safe_label)
        });
        Ok(scored.collect())
    }

    fn keep(&self) -> Result<Value, Error> {
        ABOUT.write(&Kept {
            under: self.board.under.clone(),
            noise: self.board.noise.clone(),
            curve: self.curve,
        })
    }
}
