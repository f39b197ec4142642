//! Which channels lie on a flat stretch of the function behind them on every image.

use std::time::Instant;

use gifthorse_engine::{Array, Classifier, Hinge, Layer, Taps, Tensor, alone};
use rayon::prelude::*;

use super::late;
use crate::error::Error;

/// Most bytes of features that one pass gives.
const MOST_BYTES: usize = 64 << 20;

/// The smallest and the largest value of each channel of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    /// Smallest, for each channel.
    pub least: Vec<f32>,
    /// Largest, for each channel.
    pub most: Vec<f32>,
}

/// What both layers of a hinge were on the images.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Of what the function was given.
    pub before: Ranges,
    /// Of what it made of that.
    pub after: Ranges,
}

/// What the hinges were on the images.
pub struct Census {
    /// For each hinge, in their order.
    pub seen: Vec<Seen>,
    /// Images that were looked at.
    pub images: usize,
}

/// Looks at the hinges on sets of images, each row-major `[images, channels, height, width]`, until
/// it is late; on some images in any case.
///
/// # Errors
/// What the engine refuses.
pub fn census(
    classifier: &Classifier,
    hinges: &[Hinge],
    sets: &[&[f32]],
    until: Option<Instant>,
) -> Result<Census, Error> {
    let mut layers: Vec<Layer> = Vec::new();
    for layer in hinges
        .iter()
        .flat_map(|hinge| [&hinge.before, &hinge.after])
    {
        if !layers.contains(layer) {
            layers.push(layer.clone());
        }
    }
    let (ranges, images) = ranges(classifier, &layers, sets, until)?;
    let of = |layer: &Layer| {
        let at = layers.iter().position(|known| known == layer);
        at.map_or_else(|| Ranges::empty(layer), |at| ranges[at].clone())
    };
    let seen = hinges.iter().map(|hinge| Seen {
        before: of(&hinge.before),
        after: of(&hinge.after),
    });
    Ok(Census {
        seen: seen.collect(),
        images,
    })
}

/// The ranges of layers on sets of images, each row-major `[images, channels, height, width]`, and
/// the number of images that were looked at: all, unless it got late.
///
/// # Errors
/// What the engine refuses.
pub fn ranges(
    classifier: &Classifier,
    layers: &[Layer],
    sets: &[&[f32]],
    until: Option<Instant>,
) -> Result<(Vec<Ranges>, usize), Error> {
    let [channels, height, width] = classifier.shape();
    let size = channels * height * width;
    let numbers = layers
        .iter()
        .map(|layer| layer.shape().iter().product::<usize>());
    let bytes = numbers.sum::<usize>().max(1) * size_of::<f32>();
    let batch = (MOST_BYTES / bytes).clamp(1, Classifier::EVALUATION_BATCH);
    let taps = Taps::values(layers);
    let look = |part: &[f32]| -> Result<Vec<Ranges>, Error> {
        let shape = [part.len() / size, channels, height, width];
        let images: Tensor<4> =
            Array::from_vec(part.to_vec(), &shape, classifier.device()).into_tensor();
        let made = classifier.run(images, &taps)?;
        let features = made.features.into_iter();
        Ok(features
            .map(|feature| Ranges::of(feature.layer(), feature.value().clone()))
            .collect())
    };
    let mut ranges: Vec<Ranges> = layers.iter().map(Ranges::empty).collect();
    let mut images = 0;
    // One batch for each thread at a time, so that what is held stays bounded.
    let together = batch * size * rayon::current_num_threads().max(1);
    for parts in sets.iter().flat_map(|pixels| pixels.chunks(together)) {
        let found: Result<Vec<Vec<Ranges>>, Error> = parts
            .par_chunks(batch * size)
            .map(|part| alone(|| look(part)))
            .collect();
        for found in found? {
            let pairs = ranges.iter_mut().zip(&found);
            pairs.for_each(|(all, one)| all.join(one));
        }
        images += parts.len() / size;
        if late(until) {
            break;
        }
    }
    Ok((ranges, images))
}

impl Ranges {
    fn empty(layer: &Layer) -> Self {
        Self {
            least: vec![f32::INFINITY; layer.channels()],
            most: vec![f32::NEG_INFINITY; layer.channels()],
        }
    }

    fn of(layer: &Layer, value: Array) -> Self {
        let mut ranges = Self::empty(layer);
        let inner = inner(layer);
        for (at, row) in value.into_vec().chunks_exact(inner).enumerate() {
            let channel = at % layer.channels();
            for &number in row {
                // What is no number is on no flat stretch.
                if number.is_nan() {
                    ranges.least[channel] = f32::NEG_INFINITY;
                    ranges.most[channel] = f32::INFINITY;
                    break;
                }
                ranges.least[channel] = ranges.least[channel].min(number);
                ranges.most[channel] = ranges.most[channel].max(number);
            }
        }
        ranges
    }

    fn join(&mut self, other: &Self) {
        let pairs = self.least.iter_mut().zip(&other.least);
        pairs.for_each(|(all, one)| *all = all.min(*one));
        let pairs = self.most.iter_mut().zip(&other.most);
        pairs.for_each(|(all, one)| *all = all.max(*one));
    }
}

/// Numbers of a channel that follow one another in memory.
pub fn inner(layer: &Layer) -> usize {
    let behind = layer.shape().get(layer.channel_axis()..);
    behind.unwrap_or_default().iter().product::<usize>().max(1)
}
