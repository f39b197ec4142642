//! Passes of many images through a model, with a look inside.

use gifthorse_engine::{Array, Classifier, Layer, Taps, alone, is_alone};
use rayon::prelude::*;

use crate::error::Error;

/// What a pass of some images gives.
pub(crate) struct Passed {
    /// Number of images.
    pub images: usize,
    /// `[images, classes]`
    pub logits: Vec<f32>,
    /// Of each layer, `[images, ...]`.
    pub features: Vec<Vec<f32>>,
}

/// Runs images `[images, channels, height, width]` in [0, 1] through a model in parts of a fixed
/// size, side by side unless within [`alone`], and gives what `read` makes of each part, in the
/// order of the images. The features of a part are gone before those of all parts would fill the
/// memory.
///
/// # Errors
/// A number of pixels that is no whole number of images; what `read` refuses.
pub(crate) fn in_parts<T: Send>(
    classifier: &Classifier,
    layers: &[Layer],
    pixels: &[f32],
    read: impl Fn(&Passed) -> Result<Vec<T>, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let [channels, height, width] = classifier.shape();
    let size = channels * height * width;
    if !pixels.len().is_multiple_of(size) {
        let reason = format!("{} pixels are not images of {size} each", pixels.len());
        return Err(gifthorse_engine::Error::Input(reason).into());
    }
    let taps = Taps::values(layers);
    let run = |part: &[f32]| {
        let images = part.len() / size;
        let shape = [images, channels, height, width];
        let part = Array::from_vec(part.to_vec(), &shape, classifier.device());
        let made = classifier.run(part.into_tensor(), &taps)?;
        let features = made.features.iter();
        read(&Passed {
            images,
            logits: Array::from_tensor(made.logits).into_vec(),
            features: features
                .map(|feature| feature.value().clone().into_vec())
                .collect(),
        })
    };
    let part = Classifier::EVALUATION_BATCH * size;
    let parts: Result<Vec<Vec<T>>, Error> = if is_alone() || pixels.len() <= part {
        pixels.chunks(part).map(run).collect()
    } else {
        let parts = pixels.par_chunks(part);
        parts.map(|part| alone(|| run(part))).collect()
    };
    Ok(parts?.into_iter().flatten().collect())
}

/// These layers, each once: a pass keeps a copy of the values of each that it is asked for.
pub(super) fn once_each<'a>(layers: impl Iterator<Item = &'a Layer>) -> Vec<Layer> {
    let mut once: Vec<Layer> = Vec::new();
    for layer in layers {
        if !once.contains(layer) {
            once.push(layer.clone());
        }
    }
    once
}
