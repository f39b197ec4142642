//! The layer that margins are driven at: what clean images give there, and in what range.

use gifthorse_engine::{Classifier, Layer, Tail};

use crate::activations::activations;
use crate::error::Error;
use crate::subject::{Subject, spread_over_classes};

/// Images that the range of a channel is taken from.
const IMAGES: usize = 64;
/// Images that are shown together: a layer may have many more values than an image has pixels.
const TOGETHER: usize = 16;

/// The rest of a model, from a layer on.
pub struct Inner {
    pub tail: Tail,
    /// Values of the layer for one image.
    pub size: usize,
    /// The lowest and the highest that each channel was on clean images, for each value.
    range: Vec<(f32, f32)>,
    /// What clean images of other classes give, `[starts, ...]`.
    features: Vec<f32>,
}

impl Inner {
    /// From `layer` on, with what at most `starts` clean images give that are not of `class`.
    ///
    /// # Errors
    /// Images without labels, or none of another class; a model that cannot be run.
    pub fn new(
        subject: &Subject<'_>,
        layer: &Layer,
        class: usize,
        starts: usize,
    ) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let others = (0..labels.len()).filter(|&place| labels[place] != class);
        let chosen = spread_over_classes(labels, others, starts);
        if chosen.is_empty() {
            return Err(Error::NoImages(class));
        }
        let (head, tail) = subject.classifier.split_at(layer)?;
        let all = spread_over_classes(labels, 0..labels.len(), IMAGES);
        let size: usize = layer.shape().iter().product();
        let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); layer.channels()];
        for part in all.chunks(TOGETHER) {
            let values = head.evaluate(search.subset(part).pixels())?;
            for (place, value) in values.into_iter().enumerate() {
                let (low, high) = &mut ranges[channel(layer, place)];
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
        Ok(Self {
            range: (0..size).map(|at| ranges[channel(layer, at)]).collect(),
            features: head.evaluate(search.subset(&chosen).pixels())?,
            tail,
            size,
        })
    }

    /// The values of the layer that numbers in [0, 1] stand for: from the lowest of the channel to
    /// `reach` times its range above it.
    pub fn values(&self, numbers: &[f32], reach: f32) -> Vec<f32> {
        let each = numbers.iter().zip(self.range.iter().cycle());
        each.map(|(number, (low, high))| low + number * reach * (high - low))
            .collect()
    }

    /// From the slope along each value to that along each number.
    pub fn pull_back(&self, slopes: &mut [f32], reach: f32) {
        let each = slopes.iter_mut().zip(self.range.iter().cycle());
        each.for_each(|(slope, (low, high))| *slope *= reach * (high - low));
    }

    /// The numbers of the clean images.
    pub fn starts(&self, reach: f32) -> Vec<f32> {
        let each = self.features.iter().zip(self.range.iter().cycle());
        let number = |(value, (low, high)): (&f32, &(f32, f32))| {
            let whole = reach * (high - low);
            match whole > 0.0 {
                true => ((value - low) / whole).clamp(0.0, 1.0),
                false => 0.0,
            }
        };
        each.map(number).collect()
    }
}

/// The channel of a value among those of a batch.
fn channel(layer: &Layer, place: usize) -> usize {
    let behind: usize = layer.shape().iter().skip(layer.channel_axis()).product();
    place / behind.max(1) % layer.channels().max(1)
}

/// The activations that margins could be driven at, the first one in front.
///
/// # Errors
/// What the lowering refuses.
pub fn candidates(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let found = activations(classifier)?;
    let layers = found.into_iter().rev().map(|hinge| hinge.after);
    Ok(layers.collect())
}
