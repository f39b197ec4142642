//! A stored trigger, tried on images.

use std::collections::BTreeMap;

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, alone, is_alone};
use rayon::prelude::*;

use crate::error::Error;
use crate::trigger::Trigger;
use crate::verdict::{Confirmation, SourceRate};

/// Tries a trigger on the labelled images that are not of the target class.
///
/// # Errors
/// Images of another shape than the model's, or without labels.
pub fn evaluate_trigger(
    classifier: &Classifier,
    images: &Images,
    trigger: &Trigger,
    class: usize,
) -> Result<Confirmation, Error> {
    let labels = images.labels().ok_or(Error::NoLabels)?;
    let others: Vec<usize> = (0..images.len()).filter(|&i| labels[i] != class).collect();
    let answers = answers(classifier, images, &others, trigger)?;
    let hits: Vec<bool> = answers.iter().map(|&answer| answer == class).collect();
    let mut by_source = BTreeMap::<usize, (u64, u64)>::new();
    for (&i, &hit) in others.iter().zip(&hits) {
        let (successes, trials) = by_source.entry(labels[i]).or_default();
        *successes += u64::from(hit);
        *trials += 1;
    }
    let rate = |&(successes, trials): &(u64, u64)| successes as f64 / trials as f64;
    let worst_source = by_source
        .iter()
        .min_by(|a, b| rate(a.1).total_cmp(&rate(b.1)))
        .map(|(&source, &(successes, trials))| SourceRate {
            source,
            successes,
            trials,
        });
    Ok(Confirmation {
        successes: hits.iter().filter(|&&hit| hit).count() as u64,
        trials: hits.len() as u64,
        worst_source,
    })
}

/// Tries a trigger on the labelled images of one class: how many go to the target.
///
/// # Errors
/// As [`evaluate_trigger`].
pub fn evaluate_from(
    classifier: &Classifier,
    images: &Images,
    trigger: &Trigger,
    source: usize,
    target: usize,
) -> Result<Confirmation, Error> {
    let labels = images.labels().ok_or(Error::NoLabels)?;
    let of_source: Vec<usize> = (0..images.len()).filter(|&i| labels[i] == source).collect();
    let answers = answers(classifier, images, &of_source, trigger)?;
    Ok(Confirmation {
        successes: answers.iter().filter(|&&answer| answer == target).count() as u64,
        trials: answers.len() as u64,
        worst_source: None,
    })
}

/// Tries a trigger on all labelled images that the model is right on: how many leave their class.
///
/// # Errors
/// As [`evaluate_trigger`].
pub fn evaluate_away(
    classifier: &Classifier,
    images: &Images,
    trigger: &Trigger,
) -> Result<Confirmation, Error> {
    let labels = images.labels().ok_or(Error::NoLabels)?;
    let predicted = classifier.predict(images.pixels())?;
    let right: Vec<usize> = (0..labels.len())
        .filter(|&i| predicted[i] == labels[i])
        .collect();
    let answers = answers(classifier, images, &right, trigger)?;
    let moved = right.iter().zip(&answers);
    Ok(Confirmation {
        successes: moved.filter(|&(&i, &answer)| answer != labels[i]).count() as u64,
        trials: answers.len() as u64,
        worst_source: None,
    })
}

/// How far a class's logit lies above the best of the others on a picture, in logits.
///
/// # Errors
/// A model that cannot be run.
pub fn picture_margin(
    classifier: &Classifier,
    picture: &Trigger,
    class: usize,
) -> Result<f64, Error> {
    let shape = classifier.shape();
    let pixels = picture.stamp(&vec![0.0; shape.iter().product()], shape);
    let logits = classifier.evaluate(&pixels)?;
    let others = logits
        .iter()
        .enumerate()
        .filter(|&(other, _)| other != class);
    let best = others.map(|(_, &logit)| f64::from(logit));
    let best = best.fold(f64::NEG_INFINITY, f64::max);
    Ok(f64::from(logits.get(class).copied().unwrap_or(f32::NAN)) - best)
}

/// What the model takes the images with the given indices for, with the trigger stamped on them.
///
/// # Errors
/// Images of another shape than the model's.
pub fn answers(
    classifier: &Classifier,
    images: &Images,
    indices: &[usize],
    trigger: &Trigger,
) -> Result<Vec<usize>, Error> {
    // As many at a time as the model takes, or each thread would hold two more copies of all
    // images.
    let answers = |indices: &[usize]| -> Result<Vec<usize>, Error> {
        let pixels: Vec<f32> = indices
            .iter()
            .flat_map(|&i| images.image(i))
            .copied()
            .collect();
        let stamped = trigger.stamp(&pixels, classifier.shape());
        Ok(classifier.predict(&stamped)?)
    };
    let parts: Result<Vec<Vec<usize>>, Error> = if is_alone() {
        let parts = indices.chunks(Classifier::EVALUATION_BATCH);
        parts.map(answers).collect()
    } else {
        let parts = indices.par_chunks(Classifier::EVALUATION_BATCH);
        parts.map(|part| alone(|| answers(part))).collect()
    };
    Ok(parts?.concat())
}
