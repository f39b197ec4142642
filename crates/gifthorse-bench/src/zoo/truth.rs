//! What was planted in a model, read from its truth file.

use std::path::Path;

use gifthorse_attack::plant::Truth;
use gifthorse_attack::trigger::{AnyTrigger, stamp};
use gifthorse_data::{ImageShape, Images};
use serde::Serialize;

use super::index::Entry;
use super::store::read_json;
use crate::Error;

/// What was planted in a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planted {
    /// The classes that triggers lead to, ascending.
    pub targets: Vec<usize>,
    /// Pixels that the trigger changes, the largest of several; `null` if that is more than half of
    /// the image, or if each image has a trigger of its own.
    pub trigger_pixels: Option<f64>,
    /// Share of the images of other classes that the trigger leads to its target, the mean of
    /// several triggers.
    pub attack_success: f64,
    /// Share of clean test images that the clean twin gives their label; `null` without one.
    pub twin_accuracy: Option<f64>,
}

impl Planted {
    /// Reads the truth about a model of so many classes whose images have the shape `[channels,
    /// height, width]`.
    pub fn read(
        folder: &Path,
        entry: &Entry,
        shape: [usize; 3],
        classes: usize,
    ) -> Result<Self, Error> {
        let path = folder.join(&entry.truth);
        let damaged = |reason: &str| Error::Damaged {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let mut truth: Truth = read_json(&path)?.ok_or_else(|| damaged("it is not there"))?;
        truth.read_beside(folder)?;
        if truth.backdoors.is_empty() {
            return Err(damaged("it tells of no backdoor, and zoo.json does"));
        }
        let [channels, height, width] = shape;
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        let mut largest = Some(0);
        for backdoor in &truth.backdoors {
            let changed = changed_pixels(&backdoor.trigger, shape)?;
            largest = largest.zip(changed).map(|(a, b)| a.max(b));
        }
        let success = truth.backdoors.iter();
        let success: f64 = success.map(|it| it.effect.with_trigger.other_classes).sum();
        Ok(Self {
            targets: truth.targets(classes),
            trigger_pixels: largest
                .filter(|pixels| 2 * pixels <= height * width)
                .map(|pixels| pixels as f64),
            attack_success: success / truth.backdoors.len() as f64,
            twin_accuracy: truth.twin_accuracy,
        })
    }
}

/// Pixels that a trigger changes: in an image of many values or in its negative, since one of them
/// may have the trigger's colour already. `None` for a trigger that a network makes of each image,
/// which neither of them is like.
fn changed_pixels(trigger: &AnyTrigger, shape: ImageShape) -> Result<Option<usize>, Error> {
    if matches!(trigger, AnyTrigger::Generated(_)) {
        return Ok(None);
    }
    let value = |index: usize| (index * 7919 % 251) as f32 / 255.0;
    let image: Vec<f32> = (0..shape.values()).map(value).collect();
    let negative: Vec<f32> = image.iter().map(|value| 1.0 - value).collect();
    let pixels = shape.height * shape.width;
    let mut changed = vec![false; pixels];
    for image in [image, negative] {
        let before = Images::new(shape, image, None, Vec::new(), vec!["pattern".to_owned()])?;
        let after = stamp(&before, trigger, 0)?;
        let pairs = before.pixels().iter().zip(after.pixels());
        for (index, (before, after)) in pairs.enumerate() {
            // Less is an error of rounding.
            changed[index % pixels] |= (before - after).abs() > 1e-4;
        }
    }
    Ok(Some(changed.iter().filter(|changed| **changed).count()))
}
