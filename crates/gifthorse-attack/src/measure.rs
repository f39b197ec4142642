//! How well a model does, on clean images and on stamped ones.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::trigger::{Trigger, stamp};

/// Share of labelled images that the model gives their label: clean accuracy (CA).
///
/// # Errors
/// [`Error::Images`] without labels or images, [`Error::Engine`] for images of another shape.
pub fn accuracy(model: &Classifier, images: &Images) -> Result<f64, Error> {
    let labels = labels(images)?;
    let predicted = model.predict(images.pixels())?;
    let right = predicted.iter().zip(labels).filter(|(a, b)| a == b).count();
    Ok(right as f64 / labels.len() as f64)
}

/// How often a trigger leads to its target (ASR), both ways in which it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AttackSuccess {
    /// Share of the stamped images of all other classes that are taken for the target.
    pub other_classes: f64,
    /// Share of all stamped images, those of the target class among them.
    pub all_classes: f64,
}

/// Stamps every image and counts how many the model takes for `target`. The seed settles what the
/// trigger leaves to chance.
///
/// # Errors
/// [`Error::NoSuchClass`]; [`Error::Images`] without labels, or without an image of another class;
/// [`Error::Trigger`] if the trigger does not fit; [`Error::Engine`] for images of another shape.
pub fn attack_success(
    model: &Classifier,
    images: &Images,
    trigger: &dyn Trigger,
    target: usize,
    seed: u64,
) -> Result<AttackSuccess, Error> {
    let labels = labels(images)?;
    let classes = model.classes();
    if target >= classes {
        return Err(Error::NoSuchClass {
            class: target,
            classes,
        });
    }
    let predicted = model.predict(stamp(images, trigger, seed)?.pixels())?;
    let share_where = |counts: &dyn Fn(usize) -> bool| {
        let hits: Vec<bool> = labels
            .iter()
            .zip(&predicted)
            .filter(|(label, _)| counts(**label))
            .map(|(_, &class)| class == target)
            .collect();
        hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64
    };
    if labels.iter().all(|&label| label == target) {
        let reason = format!("all of them are of class {target}, the target");
        return Err(Error::Images(reason));
    }
    Ok(AttackSuccess {
        other_classes: share_where(&|label| label != target),
        all_classes: share_where(&|_| true),
    })
}

fn labels(images: &Images) -> Result<&[usize], Error> {
    match images.labels() {
        Some(labels) if !labels.is_empty() => Ok(labels),
        Some(_) => Err(Error::Images("there are none".to_owned())),
        None => Err(Error::Images("they have no labels".to_owned())),
    }
}
