//! The layer that margins are driven at: what clean images give there, and in what range.

use gifthorse_engine::{Classifier, Layer, Tail, activations};

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
    /// How far each value may go.
    range: Vec<Range>,
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
        let mut ranges = vec![Range::NONE; layer.channels()];
        for part in all.chunks(TOGETHER) {
            let values = head.evaluate(search.subset(part).pixels())?;
            for (place, value) in values.into_iter().enumerate() {
                ranges[channel(layer, place)].see(value);
            }
        }
        widen(&mut ranges);
        Ok(Self {
            range: (0..size).map(|at| ranges[channel(layer, at)]).collect(),
            features: head.evaluate(search.subset(&chosen).pixels())?,
            tail,
            size,
        })
    }

    /// The values of the layer that numbers in [0, 1] stand for: from the lowest to the highest.
    pub fn values(&self, numbers: &[f32]) -> Vec<f32> {
        let each = numbers.iter().zip(self.range.iter().cycle());
        each.map(|(number, range)| range.low + number * range.width())
            .collect()
    }

    /// From the slope along each value to that along each number.
    pub fn pull_back(&self, slopes: &mut [f32]) {
        let each = slopes.iter_mut().zip(self.range.iter().cycle());
        each.for_each(|(slope, range)| *slope *= range.width());
    }

    /// The numbers of the clean images.
    pub fn starts(&self) -> Vec<f32> {
        let each = self.features.iter().zip(self.range.iter().cycle());
        let number = |(value, range): (&f32, &Range)| match range.width() > 0.0 {
            true => ((value - range.low) / range.width()).clamp(0.0, 1.0),
            false => 0.0,
        };
        each.map(number).collect()
    }
}

/// How far a value may go.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    low: f32,
    high: f32,
}

impl Range {
    /// Before anything was seen.
    const NONE: Self = Self {
        low: f32::INFINITY,
        high: f32::NEG_INFINITY,
    };

    fn see(&mut self, value: f32) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    fn width(&self) -> f32 {
        self.high - self.low
    }
}

/// Lets channels rise as far as the mean channel does, if they do not: one that no clean image
/// wakes may be a trigger's own.
fn widen(ranges: &mut [Range]) {
    let widths = ranges.iter().map(Range::width).filter(|it| it.is_finite());
    let mean = widths.sum::<f32>() / ranges.len().max(1) as f32;
    for range in ranges {
        range.high = range.high.max(range.low + mean);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_clean_images_never_wake_may_rise_as_far_as_the_mean_one() {
        let mut ranges = [Range::NONE; 3];
        for (range, values) in ranges.iter_mut().zip([[0.0, 4.0], [0.0, 0.0], [-1.0, 1.0]]) {
            values.into_iter().for_each(|value| range.see(value));
        }
        widen(&mut ranges);
        let expected = [(0.0, 4.0), (0.0, 2.0), (-1.0, 1.0)];
        assert_eq!(ranges.map(|range| (range.low, range.high)), expected);
    }
}
