//! Whether the model works on the images, and whether its gradients can be followed.

use std::time::Duration;

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::health::{self, Health};
use gifthorse_defense::preflight::{Accuracy, Extent, Preflight, preflight};
use gifthorse_defense::subject::Subject;
use gifthorse_engine::{Classifier, Preprocess};
use gifthorse_report::report;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::images::ImageSet;
use super::{label_order, misread};
use crate::flags::flags;
use crate::request::PreprocessChoice;
use crate::{Error, ScanRequest};

/// Classes that are named in a sentence.
const NAMED_CLASSES: usize = 10;

/// Operations that take about an hour, at the thirty thousand million a second of two processor
/// cores.
const AN_HOUR: f64 = 1e14;

/// The part of the time given (`--max-time`) that the pre-flight may take,
const PREFLIGHT_PART: f64 = 0.25;
/// and what it may take in any case.
const PREFLIGHT_LEAST: Duration = Duration::from_secs(2);

/// A warning where looking at every image once will take long: until then nothing is known of the
/// model.
///
/// # Errors
/// A model that cannot be run.
pub fn slow(classifier: &Classifier, images: usize) -> Result<Option<String>, Error> {
    let operations = classifier.network().operations()?;
    let hours = operations * images as f64 / AN_HOUR;
    Ok((hours > 1.0).then(|| {
        format!(
            "a forward pass takes {operations:.1e} operations, so that checking the model on {images} images takes about \
             {hours:.0} h on two processor cores: --max-images N takes fewer"
        )
    }))
}

/// A model that goes with the images, or that the user insists on.
pub struct Fit {
    /// The classifier under the preprocessing that was settled on.
    pub classifier: Classifier,
    /// Places of the images whose classes it predicted: all, unless time was short.
    pub measured: Vec<usize>,
    /// Its prediction for each of them.
    pub predictions: Vec<usize>,
    /// Whether the images have labels of their own.
    pub labelled: bool,
    /// The pre-flight as a report describes it; `None` without images.
    pub preflight: Option<report::Preflight>,
    /// Why nothing that a search finds could be believed, if the images seem not to be prepared as
    /// the model expects.
    pub misfit: Option<String>,
    /// What the user should know.
    pub messages: Vec<String>,
}

impl Fit {
    /// Measures the model on the images, settles the preprocessing and refuses what does not fit,
    /// unless forced. `said` is the preprocessing that the file's metadata names.
    ///
    /// # Errors
    /// A model that does not work on the images; an automatic choice without labels to choose by.
    pub fn check(
        request: &ScanRequest,
        classifier: Classifier,
        set: Option<&ImageSet>,
        said: Option<&Preprocess>,
    ) -> Result<Self, Error> {
        let Some(ImageSet { images, about }) = set else {
            return Self::without_images(request, classifier);
        };
        let channels = classifier.shape()[0];
        let mut classifier = classifier;
        let extent = match request.max_time {
            Some(limit) => {
                let time = limit.mul_f64(PREFLIGHT_PART).max(PREFLIGHT_LEAST);
                Extent::within(time, &classifier, images, request.seed)?
            }
            None => Extent::default(),
        };
        let mut measured = preflight(&classifier, images, extent, request.seed)?;
        let mut messages = Vec::new();
        messages.extend(cut_short(&measured, extent, images.len()));
        if let PreprocessChoice::Auto { .. } = request.preprocess {
            if images.labels().is_none() {
                return Err(Error::Request(
                    "--preprocess auto compares accuracies and needs labels: give them with --labels FILE, or the \
                     preprocessing with --range, --mean, --std and --channels"
                        .to_owned(),
                ));
            }
            let found = measured.most_accurate().map(|best| &best.preprocess);
            if let Some(best) = about.preprocess.as_ref().or(found) {
                classifier = classifier.with_preprocess(best.clone())?;
                measured = preflight(&classifier, images, extent, request.seed)?;
            }
            messages.push(format!(
                "the preprocessing was chosen automatically, as the one with the best accuracy: {}",
                flags(classifier.preprocess(), channels)
            ));
        }
        let refusal = refusal(&measured, &classifier, &about.calls);
        match refusal {
            Some(refusal) if !request.force => return Err(refusal),
            Some(refusal) => messages.push(format!("forced to go on although {refusal}")),
            None => {}
        }
        messages.extend(not_numbers(&measured));
        let misfit = match images.labels() {
            None if !request.force => misread::cause(&measured, &classifier, said),
            _ => None,
        };
        match &misfit {
            Some(misfit) => messages.insert(0, format!("the model sees one class alone: {misfit}")),
            None => {
                messages.extend(misread::disagreement(&classifier, said));
                let hint = misread::hint(&measured, &classifier);
                let unlabelled = hint.filter(|_| images.labels().is_none());
                unlabelled
                    .into_iter()
                    .for_each(|hint| messages.insert(0, hint));
            }
        }
        if images.labels().is_none() {
            messages.push(format!(
                "the images have no labels: the model's own predictions stand in for them, and whether the \
                 preprocessing is right could not be checked (of {} classes it predicts {} on {} images{})",
                classifier.classes(),
                measured.predicted_classes,
                measured.predictions.len(),
                measured.confidence.map_or_else(String::new, |confidence| format!(
                    ", with a confidence of {:.0} % on average",
                    100.0 * confidence
                ))
            ));
        }
        Ok(Self {
            preflight: Some(in_report(&measured, &messages, channels)),
            measured: measured.measured,
            predictions: measured.predictions,
            labelled: images.labels().is_some(),
            classifier,
            misfit,
            messages,
        })
    }
}

impl Fit {
    fn without_images(request: &ScanRequest, classifier: Classifier) -> Result<Self, Error> {
        if let PreprocessChoice::Auto { .. } = request.preprocess {
            return Err(Error::Request(
                "--preprocess auto compares accuracies and needs images (--images)".to_owned(),
            ));
        }
        Ok(Self {
            classifier,
            measured: Vec::new(),
            predictions: Vec::new(),
            labelled: false,
            preflight: None,
            misfit: None,
            messages: Vec::new(),
        })
    }
}

/// Checks the model's gradients on images to search with or, where there are none, on noise.
///
/// # Errors
/// A model that cannot be run.
pub fn gradients(subject: &Subject<'_>) -> Result<Health, Error> {
    let classifier = subject.classifier;
    let checked = match subject.images {
        Some(images) => health::check(classifier, images.search, subject.seed)?,
        None => {
            let noise = noise(classifier.shape(), subject.seed)?;
            health::check(classifier, &noise, subject.seed)?
        }
    };
    Ok(checked)
}

/// Images whose values are uniform in [0, 1].
fn noise([channels, height, width]: [usize; 3], seed: u64) -> Result<Images, Error> {
    let shape = ImageShape {
        channels,
        height,
        width,
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let count = health::SAMPLE;
    let pixels = (0..count * shape.values())
        .map(|_| random.random())
        .collect();
    let names = (0..count).map(|i| format!("noise {i}")).collect();
    Ok(Images::new(shape, pixels, None, Vec::new(), names)?)
}

/// What the pre-flight left out because time was short.
fn cut_short(measured: &Preflight, extent: Extent, images: usize) -> Option<String> {
    if extent == Extent::default() {
        return None;
    }
    let alternatives = match measured.compared {
        0 => "other preprocessings were not tried".to_owned(),
        compared => format!("other preprocessings were tried on {compared}"),
    };
    Some(format!(
        "in the time given (--max-time) the model was checked on {} of {images} images, and {alternatives}",
        measured.predictions.len()
    ))
}

/// Logits that are not numbers, in words: on how many images, and of which classes.
fn not_numbers(measured: &Preflight) -> Option<String> {
    let found = &measured.not_numbers;
    if found.images == 0 {
        return None;
    }
    let named: Vec<String> = found
        .classes
        .iter()
        .take(NAMED_CLASSES)
        .map(usize::to_string)
        .collect();
    let more = match found.classes.len().saturating_sub(NAMED_CLASSES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "on {} of {} images the model gives logits that are not numbers, for the classes {}{more}",
        found.images,
        measured.predictions.len(),
        named.join(", ")
    ))
}

/// Why the model should not be scanned like this, if there is a reason. Where logits are not
/// numbers, that is the reason, and not what comes of it.
fn refusal(measured: &Preflight, classifier: &Classifier, calls: &[String]) -> Option<Error> {
    let refusal = low_accuracy(measured, classifier, calls)?;
    Some(not_numbers(measured).map_or(refusal, Error::NotNumbers))
}

fn low_accuracy(measured: &Preflight, classifier: &Classifier, calls: &[String]) -> Option<Error> {
    let channels = classifier.shape()[0];
    let given = flags(classifier.preprocess(), channels);
    let accuracy = measured.accuracy?.value;
    if let Some(order) = &measured.label_order {
        return Some(Error::LabelOrder {
            description: format!("they are {}", order_in_words(order)),
            moved: label_order::moved(order, calls),
            flag: label_order::flag(order, calls),
            class_of_label: order.class_of_label.clone(),
            before: order.accuracy_before,
            after: order.accuracy_after,
        });
    }
    // Before "better": among preprocessings that are all near chance one may be better, and none is
    // right.
    if measured.is_near_chance() {
        let best = measured.most_accurate();
        let best_accuracy = best.and_then(|best| best.accuracy);
        return Some(Error::NearChance {
            accuracy,
            images: measured.predictions.len(),
            chance: measured.chance.unwrap_or_default(),
            best: best.map_or(given.clone(), |best| flags(&best.preprocess, channels)),
            best_accuracy: best_accuracy.map_or(accuracy, |best| best.value),
            given,
        });
    }
    let better = measured.better()?;
    let pair = better.paired?;
    Some(Error::BetterPreprocess {
        given,
        given_accuracy: pair.given_accuracy,
        better: flags(&better.preprocess, channels),
        better_accuracy: pair.alternative_accuracy,
        images: measured.compared,
        p_value: pair.p_value,
    })
}

fn order_in_words(order: &gifthorse_defense::preflight_stats::Permutation) -> String {
    order.known.map_or_else(
        || "the model's classes in an order that follows none of the usual mistakes".to_owned(),
        |known| known.description().to_owned(),
    )
}

fn in_report(measured: &Preflight, messages: &[String], channels: usize) -> report::Preflight {
    let value = |accuracy: Option<Accuracy>| accuracy.map(|accuracy| accuracy.value);
    let interval = |accuracy: Option<Accuracy>| {
        accuracy.map(|accuracy| [accuracy.interval.lower, accuracy.interval.upper])
    };
    report::Preflight {
        accuracy: value(measured.accuracy),
        interval: interval(measured.accuracy),
        images: measured.predictions.len(),
        predicted_classes: measured.predicted_classes,
        confidence: measured.confidence,
        alternatives: measured
            .alternatives
            .iter()
            .map(|alternative| report::Alternative {
                name: flags(&alternative.preprocess, channels),
                accuracy: value(alternative.accuracy),
                interval: interval(alternative.accuracy),
                agreement: Some(alternative.agreement),
            })
            .collect(),
        label_order: measured
            .label_order
            .as_ref()
            .map(|order| report::LabelOrder {
                name: order_in_words(order),
                permutation: order.class_of_label.clone(),
                accuracy: order.accuracy_after,
                applied: false,
            }),
        message: (!messages.is_empty()).then(|| messages.join("; ")),
    }
}

/// The gradient health check as a report describes it.
pub fn health_in_report(health: &Health) -> report::GradientHealth {
    report::GradientHealth {
        ok: health.ok,
        share_zero: health.share_zero,
        share_nonfinite: health.share_nonfinite,
        share_saturated: health.share_saturated,
        agreement: health.agreement,
        correlation: health.foretelling.map(|found| found.correlation),
        slope: health.foretelling.map(|found| found.slope),
        images: health.images,
        message: health.message.clone(),
    }
}
