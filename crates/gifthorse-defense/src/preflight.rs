//! Pre-flight: does the model work on these images at all, before any search?
//!
//! Wrong preprocessing is the commonest cause of wrong verdicts: a model that sees noise has
//! triggers of odd sizes, and nothing else says so. So accuracy is measured under the preprocessing
//! given and under the usual alternatives, on the same images, and the labels are tried in other
//! orders. What to do about the findings is up to the caller.

mod extent;
#[cfg(test)]
mod tests;
mod usual;

use gifthorse_data::{Images, balanced_sample};
use gifthorse_engine::{Classifier, Preprocess, answer_of};

pub use extent::Extent;
pub use usual::usual_preprocessings;

use crate::error::Error;
use crate::preflight_stats::{PairedAccuracy, Permutation, PreflightError, label_permutation};
use crate::verdict::interval::{Interval, wilson};

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;
/// An alternative has to be better with less than this probability of chance, corrected for the
/// number tried,
const SIGNIFICANCE: f64 = 0.05;
/// and by more than this share of the images.
const MATERIAL: f64 = 0.02;
/// Accuracy counts as chance up to this factor, this distance and half of what is left above the
/// most frequent label's share,
const CHANCE_FACTOR: f64 = 1.5;
const CHANCE_MARGIN: f64 = 0.1;
/// and where classes are many up to this share.
const LEAST_ACCURACY: f64 = 0.05;

/// A share of images that are classified as they are labelled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// The share, in [0, 1].
    pub value: f64,
    /// Its 95 % confidence interval (Wilson).
    pub interval: Interval,
}

/// What was measured on the clean images.
#[derive(Clone, Debug, PartialEq)]
pub struct Preflight {
    /// Accuracy under the preprocessing given, on the images measured; `None` without labels.
    pub accuracy: Option<Accuracy>,
    /// Places of the images whose classes were predicted, in rising order: all, unless time was
    /// short.
    pub measured: Vec<usize>,
    /// The model's prediction for each of them.
    pub predictions: Vec<usize>,
    /// How many different classes were predicted.
    pub predicted_classes: usize,
    /// Mean of the largest softmax probability, in [0, 1]; `None` if a logit is not a number.
    pub confidence: Option<f64>,
    /// Logits that are not numbers.
    pub not_numbers: NotNumbers,
    /// Images that the alternatives were tried on.
    pub compared: usize,
    /// The usual preprocessings other than the one given, the most accurate first; without labels
    /// in the usual order.
    pub alternatives: Vec<Alternative>,
    /// An order of the labels that fits the model far better than the one given.
    pub label_order: Option<Permutation>,
    /// Share of the most frequent label, which is the accuracy of always guessing it; where all
    /// images have one label, which every model that always guesses it would be right on, that of
    /// guessing any of the classes. `None` without labels.
    pub chance: Option<f64>,
}

/// Another preprocessing, on some of the images.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// The preprocessing.
    pub preprocess: Preprocess,
    /// Accuracy under it; `None` without labels.
    pub accuracy: Option<Accuracy>,
    /// Against the preprocessing given, on the same images, corrected for all alternatives; `None`
    /// without labels.
    pub paired: Option<PairedAccuracy>,
    /// Share of the images with the same prediction as under the preprocessing given.
    pub agreement: f64,
    /// How many different classes were predicted.
    pub predicted_classes: usize,
}

/// Logits that are infinite or not numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotNumbers {
    /// How many of the images measured have such a logit.
    pub images: usize,
    /// The classes that have such a logit on any of them, in rising order.
    pub classes: Vec<usize>,
}

impl NotNumbers {
    /// Those among `[images, classes]` logits.
    fn among(logits: &[f32], classes: usize) -> Self {
        let rows = || logits.chunks_exact(classes);
        let odd = |logit: &f32| !logit.is_finite();
        let of_class = |&class: &usize| rows().any(|row| odd(&row[class]));
        Self {
            images: rows().filter(|row| row.iter().any(odd)).count(),
            classes: (0..classes).filter(of_class).collect(),
        }
    }
}

impl Preflight {
    /// The most accurate alternative, if it is better than the preprocessing given by more than
    /// chance and by more than two points.
    pub fn better(&self) -> Option<&Alternative> {
        self.alternatives.first().filter(|best| {
            best.paired.is_some_and(|pair| {
                pair.p_value < SIGNIFICANCE
                    && pair.alternative_accuracy - pair.given_accuracy > MATERIAL
            })
        })
    }

    /// The most accurate alternative, if any is right more often than the preprocessing given on
    /// the images that both were tried on, by chance or not.
    pub fn most_accurate(&self) -> Option<&Alternative> {
        self.alternatives.first().filter(|best| {
            best.paired
                .is_some_and(|pair| pair.alternative_accuracy > pair.given_accuracy)
        })
    }

    /// Whether the model is hardly better than guessing, under the preprocessing given and under
    /// every other. `false` without labels.
    pub fn is_near_chance(&self) -> bool {
        let Some(chance) = self.chance else {
            return false;
        };
        let limit = (chance * CHANCE_FACTOR)
            .min(chance + CHANCE_MARGIN)
            .min((1.0 + chance) / 2.0)
            .max(LEAST_ACCURACY);
        let mut accuracies = self
            .alternatives
            .iter()
            .map(|alternative| alternative.accuracy)
            .chain([self.accuracy]);
        accuracies.all(|accuracy| accuracy.is_none_or(|accuracy| accuracy.interval.lower <= limit))
    }
}

/// Measures accuracy under the classifier's preprocessing, and under the usual others on a
/// class-balanced sample, on as many images as `extent` says (by default on all, and the others on
/// 256), and looks for another order of the labels.
///
/// # Errors
/// Images of another shape than the model's, or none; a label that the model has no class for.
pub fn preflight(
    classifier: &Classifier,
    images: &Images,
    extent: Extent,
    seed: u64,
) -> Result<Preflight, Error> {
    if images.is_empty() {
        return Err(Error::NoImages(0));
    }
    let classes = classifier.classes();
    let labels = images.labels();
    if let Some(&label) = labels.and_then(|labels| labels.iter().find(|&&label| label >= classes)) {
        return Err(PreflightError::Label { label, classes }.into());
    }
    let measured = sample(images, extent.images, seed);
    let part = (measured.len() < images.len()).then(|| images.subset(&measured));
    let images = part.as_ref().unwrap_or(images);
    let labels = images.labels();
    let logits = classifier.evaluate(images.pixels())?;
    let predictions: Vec<usize> = logits.chunks_exact(classes).map(answer_of).collect();
    let compared = extent.compared.min(images.len());
    let alternatives = if compared == 0 {
        Vec::new()
    } else {
        Comparison::new(images, &predictions, compared, seed).alternatives(classifier)?
    };
    let label_order = match labels {
        Some(labels) => label_permutation(&confusion(labels, &predictions, classes), seed)?,
        None => None,
    };
    Ok(Preflight {
        accuracy: labels
            .map(|labels| accuracy(labels, &predictions))
            .transpose()?,
        predicted_classes: distinct(&predictions),
        not_numbers: NotNumbers::among(&logits, classes),
        measured,
        predictions,
        confidence: mean_confidence(&logits, classes),
        compared,
        alternatives,
        label_order,
        chance: labels.map(|labels| chance(labels, classes)),
    })
}

/// Places of up to `count` images, evenly over the classes where they have labels.
fn sample(images: &Images, count: usize, seed: u64) -> Vec<usize> {
    let same = vec![0; images.len()];
    balanced_sample(images.labels().unwrap_or(&same), count.max(1), seed)
}

/// The images that alternatives are tried on, and how they do under the preprocessing given.
struct Comparison {
    images: Images,
    given: Vec<usize>,
}

impl Comparison {
    fn new(images: &Images, predictions: &[usize], count: usize, seed: u64) -> Self {
        let strata = images.labels().unwrap_or(predictions);
        let chosen = balanced_sample(strata, count, seed);
        Self {
            images: images.subset(&chosen),
            given: chosen.iter().map(|&image| predictions[image]).collect(),
        }
    }

    fn alternatives(&self, classifier: &Classifier) -> Result<Vec<Alternative>, Error> {
        let preprocessings = usual_preprocessings(classifier);
        let tried = preprocessings.len();
        let mut alternatives = preprocessings
            .into_iter()
            .map(|preprocess| self.alternative(classifier, preprocess, tried))
            .collect::<Result<Vec<_>, _>>()?;
        let value = |alternative: &Alternative| alternative.accuracy.map_or(0.0, |a| a.value);
        alternatives.sort_by(|a, b| value(b).total_cmp(&value(a)));
        Ok(alternatives)
    }

    fn alternative(
        &self,
        classifier: &Classifier,
        preprocess: Preprocess,
        tried: usize,
    ) -> Result<Alternative, Error> {
        let other = classifier.with_preprocess(preprocess.clone())?;
        let predictions = other.predict(self.images.pixels())?;
        let labels = self.images.labels();
        let same = predictions.iter().zip(&self.given).filter(|(a, b)| a == b);
        Ok(Alternative {
            preprocess,
            accuracy: labels
                .map(|labels| accuracy(labels, &predictions))
                .transpose()?,
            paired: labels
                .map(|labels| PairedAccuracy::compare(labels, &self.given, &predictions, tried))
                .transpose()?,
            agreement: same.count() as f64 / self.given.len() as f64,
            predicted_classes: distinct(&predictions),
        })
    }
}

fn accuracy(labels: &[usize], predictions: &[usize]) -> Result<Accuracy, Error> {
    let right = labels.iter().zip(predictions).filter(|(a, b)| a == b);
    let right = right.count() as u64;
    Ok(Accuracy {
        value: right as f64 / labels.len() as f64,
        interval: wilson(right, labels.len() as u64, CONFIDENCE)?,
    })
}

fn confusion(labels: &[usize], predictions: &[usize], classes: usize) -> Vec<Vec<u64>> {
    let mut confusion = vec![vec![0; classes]; classes];
    for (&label, &prediction) in labels.iter().zip(predictions) {
        confusion[label][prediction] += 1;
    }
    confusion
}

fn distinct(predictions: &[usize]) -> usize {
    let distinct: std::collections::HashSet<_> = predictions.iter().collect();
    distinct.len()
}

fn chance(labels: &[usize], classes: usize) -> f64 {
    let mut counts = std::collections::HashMap::<usize, usize>::new();
    for &label in labels {
        *counts.entry(label).or_default() += 1;
    }
    match counts.len() {
        1 => 1.0 / classes as f64,
        _ => counts.into_values().max().unwrap_or_default() as f64 / labels.len() as f64,
    }
}

/// Mean of the largest softmax probability of each row of `[images, classes]` logits.
fn mean_confidence(logits: &[f32], classes: usize) -> Option<f64> {
    let largest = logits.chunks_exact(classes).map(|row| {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|&l| f64::from(l - top).exp()).sum();
        1.0 / sum
    });
    let mean = largest.sum::<f64>() / (logits.len() / classes) as f64;
    mean.is_finite().then_some(mean)
}
