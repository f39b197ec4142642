//! The channels of a layer that a trigger raises.

use std::collections::BTreeSet;

use gifthorse_engine::{Classifier, Layer};

use crate::error::Error;

/// The channels of a layer, those that a trigger raises most in front.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Mean activation of each channel on clean images.
    pub clean: Vec<f64>,
    /// On stamped images.
    pub stamped: Vec<f64>,
    /// The channels, by the gap between the two, descending; equal ones by their number.
    pub order: Vec<usize>,
}

impl Ranking {
    /// Ranks channels by their mean activations on clean and on stamped images. Gaps that are no
    /// numbers come last.
    pub fn new(clean: Vec<f64>, stamped: Vec<f64>) -> Self {
        let gap = |channel: usize| {
            let gap = stamped[channel] - clean[channel];
            if gap.is_nan() { f64::NEG_INFINITY } else { gap }
        };
        let mut order: Vec<usize> = (0..clean.len().min(stamped.len())).collect();
        order.sort_by(|&a, &b| gap(b).total_cmp(&gap(a)).then(a.cmp(&b)));
        Self {
            clean,
            stamped,
            order,
        }
    }

    /// How much a channel rises.
    ///
    /// # Panics
    /// For a channel that the layer does not have, as indexing does.
    pub fn gap(&self, channel: usize) -> f64 {
        self.stamped[channel] - self.clean[channel]
    }

    /// The first channels: so large a share of all (0.01 in the paper), rounded up, so that it is
    /// at least one.
    pub fn top(&self, share: f64) -> &[usize] {
        let count = (share.clamp(0.0, 1.0) * self.order.len() as f64).ceil() as usize;
        &self.order[..count
            .clamp(1, self.order.len().max(1))
            .min(self.order.len())]
    }
}

/// Mean activation of each channel of a layer over images and places, `[channels]`.
///
/// `pixels` is `[images, channels, height, width]` in [0, 1].
///
/// # Errors
/// A layer of another model; images of another shape; a model that cannot be run.
pub fn mean_activations(
    classifier: &Classifier,
    layer: &Layer,
    pixels: &[f32],
) -> Result<Vec<f64>, Error> {
    let head = classifier.head(layer)?;
    let channels = layer.channels();
    let inner: usize = layer.shape()[layer.channel_axis().min(layer.shape().len())..]
        .iter()
        .product();
    let mut sums = vec![0.0; channels];
    let mut count = 0;
    let size: usize = classifier.shape().iter().product();
    // A part at a time: the values of a wide layer for all images would not fit.
    for part in pixels.chunks(Classifier::EVALUATION_BATCH * size) {
        let values = head.evaluate(part)?;
        for (at, row) in values.chunks_exact(inner).enumerate() {
            sums[at % channels] += row.iter().map(|&value| f64::from(value)).sum::<f64>();
        }
        count += values.len() / channels;
    }
    Ok(sums.into_iter().map(|sum| sum / count as f64).collect())
}

/// How much two sets of channels have in common: their intersection over their union, 0 to 1
/// (table V). Two empty sets are the same.
pub fn overlap(one: &[usize], other: &[usize]) -> f64 {
    let (one, other): (BTreeSet<_>, BTreeSet<_>) = (one.iter().collect(), other.iter().collect());
    match one.union(&other).count() {
        0 => 1.0,
        union => one.intersection(&other).count() as f64 / union as f64,
    }
}
