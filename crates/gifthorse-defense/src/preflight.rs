//! Pre-flight: does the model work on these images at all, before any search?
//!
//! Wrong preprocessing is the commonest cause of wrong verdicts: a model that sees noise has
//! triggers of odd sizes, and nothing else says so. So accuracy is measured under the preprocessing
//! given and under the usual alternatives, on the same images, and the labels are tried in other
//! orders. What to do about the findings is up to the caller.

mod extent;
mod usual;

use gifthorse_data::{Images, balanced_sample};
use gifthorse_engine::{Classifier, Preprocess};

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
    let predictions: Vec<usize> = logits.chunks_exact(classes).map(largest).collect();
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

/// Position of the largest logit, the first of equals; those that are not numbers lose against all
/// others.
fn largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, &logit) in row.iter().enumerate() {
        if logit > row[best] || (row[best].is_nan() && !logit.is_nan()) {
            best = class;
        }
    }
    best
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gifthorse_data::ImageShape;
    use gifthorse_engine::{Channels, Device, PixelRange};
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

    use super::*;

    /// Colours that are told apart by their strongest channel, pixels above 1 counting as 1.
    fn classifier(preprocess: Preprocess) -> Classifier {
        let image = [1, 3, 1, 1].map(Dim::Fixed);
        let model = GraphBuilder::new("colours", 17)
            .input("image", ElementType::F32, &image)
            .initializer("low", &[], [0.0])
            .initializer("high", &[], [1.0])
            .node("Clip", "clip", &["image", "low", "high"], &["clipped"], [])
            .node("Flatten", "flat", &["clipped"], &["logits"], [])
            .output("logits", ElementType::F32, &[1, 3].map(Dim::Fixed))
            .finish()
            .unwrap();
        let graph = Arc::new(model.graph().unwrap());
        Classifier::new(graph, preprocess, None, &Device::flex()).unwrap()
    }

    fn colours(label_of: impl Fn(usize) -> usize) -> Images {
        let shape = ImageShape {
            channels: 3,
            height: 1,
            width: 1,
        };
        let count = 90;
        let pixels = (0..count).flat_map(|i| {
            let channel = move |c: usize| {
                if c == i % 3 {
                    0.9
                } else {
                    0.2 + 0.005 * i as f32
                }
            };
            (0..3).map(channel)
        });
        let names = (0..count).map(|i| i.to_string()).collect();
        let labels = (0..count).map(|i| label_of(i % 3)).collect();
        Images::new(shape, pixels.collect(), Some(labels), Vec::new(), names).unwrap()
    }

    #[test]
    fn the_right_preprocessing_has_no_better_one() {
        let found = preflight(
            &classifier(Preprocess::default()),
            &colours(|c| c),
            Extent::default(),
            0,
        )
        .unwrap();
        assert_eq!(found.accuracy.unwrap().value, 1.0);
        assert_eq!((found.compared, found.predicted_classes), (90, 3));
        assert!(found.better().is_none() && found.most_accurate().is_none());
        assert!(!found.is_near_chance() && found.label_order.is_none());
        assert_eq!(found.chance, Some(1.0 / 3.0));
        assert_eq!(found.alternatives.len(), 12);
    }

    #[test]
    fn a_wrong_range_and_a_wrong_channel_order_are_found() {
        let bytes = Preprocess {
            range: PixelRange::Byte,
            ..Preprocess::default()
        };
        let found = preflight(&classifier(bytes), &colours(|c| c), Extent::default(), 0).unwrap();
        assert_eq!(found.accuracy.unwrap().value, 1.0 / 3.0);
        let better = found.better().unwrap();
        assert_eq!(better.accuracy.unwrap().value, 1.0);
        assert_eq!(better.preprocess.channels, Channels::Rgb);

        let blue_first = Preprocess {
            channels: Channels::Bgr,
            ..Preprocess::default()
        };
        let found = preflight(
            &classifier(blue_first),
            &colours(|c| c),
            Extent::default(),
            0,
        )
        .unwrap();
        assert_eq!(found.better().unwrap().preprocess.channels, Channels::Rgb);
    }

    #[test]
    fn images_of_one_class_can_be_right() {
        let images = colours(|c| c);
        let of_green: Vec<usize> = (0..images.len()).filter(|i| i % 3 == 1).collect();
        let green = images.into_subset(&of_green);
        let model = classifier(Preprocess::default());
        let found = preflight(&model, &green, Extent::default(), 0).unwrap();
        assert_eq!(found.accuracy.unwrap().value, 1.0);
        assert_eq!(found.chance, Some(1.0 / 3.0));
        assert!(!found.is_near_chance() && found.label_order.is_none());
        // As red, they are wrong.
        let red = green.with_labels(vec![0; of_green.len()]).unwrap();
        let found = preflight(&model, &red, Extent::default(), 0).unwrap();
        assert_eq!(found.label_order.unwrap().class_of_label[0], 1);
    }

    #[test]
    fn without_labels_there_is_agreement_alone() {
        let images = colours(|c| c);
        let names = images.names().to_vec();
        let pixels = images.pixels().to_vec();
        let unlabelled = Images::new(images.shape(), pixels, None, Vec::new(), names).unwrap();
        let found = preflight(
            &classifier(Preprocess::default()),
            &unlabelled,
            Extent::default(),
            0,
        )
        .unwrap();
        assert_eq!((found.accuracy, found.chance), (None, None));
        assert!(found.better().is_none() && !found.is_near_chance());
        assert!(found.alternatives.iter().any(|other| other.agreement < 0.5));
        assert!(found.confidence.is_some_and(|c| c > 1.0 / 3.0 && c < 1.0));
    }

    #[test]
    fn where_time_is_short_fewer_images_are_looked_at() {
        let images = colours(|c| c);
        let extent = Extent {
            images: 30,
            compared: 0,
        };
        let found = preflight(&classifier(Preprocess::default()), &images, extent, 0).unwrap();
        assert_eq!((found.measured.len(), found.predictions.len()), (30, 30));
        assert_eq!((found.compared, found.alternatives.len()), (0, 0));
        // Ten of each colour: the sample is even.
        assert_eq!(found.chance, Some(1.0 / 3.0));
        assert_eq!(found.accuracy.unwrap().value, 1.0);
        let all = preflight(
            &classifier(Preprocess::default()),
            &images,
            Extent::default(),
            0,
        );
        assert_eq!(all.unwrap().measured, (0..90).collect::<Vec<_>>());
    }

    #[test]
    fn labels_without_a_class_are_refused_and_guessing_is_chance() {
        let model = classifier(Preprocess::default());
        assert!(matches!(
            preflight(&model, &colours(|c| c + 1), Extent::default(), 0),
            Err(Error::Preflight(PreflightError::Label {
                label: 3,
                classes: 3
            }))
        ));
        let images = colours(|c| c);
        let labels = (0..images.len()).map(|i| i / 30).collect();
        let found = preflight(
            &model,
            &images.with_labels(labels).unwrap(),
            Extent::default(),
            0,
        )
        .unwrap();
        assert!(found.is_near_chance());
    }

    #[test]
    fn logits_that_are_not_numbers_are_counted_by_image_and_class() {
        let logits = [0.0, f32::NAN, 1.0, 2.0, f32::INFINITY, f32::NAN];
        let found = NotNumbers::among(&logits, 2);
        assert_eq!((found.images, found.classes), (2, vec![0, 1]));
        assert_eq!(NotNumbers::among(&[1.0; 6], 3), NotNumbers::default());
    }
}
