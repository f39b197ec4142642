//! Units whose stimulation alone leads all images to one class.

use gifthorse_engine::{Array, Hinge, Tail, activations};
use rayon::prelude::*;

use crate::error::Error;
use crate::subject::{Subject, spread_over_classes};

/// Images whose units are stimulated.
pub const IMAGES: usize = 8;
/// Values that a unit is set to: as many, from 0 in steps of [`STEP`].
const VALUES: usize = 5;
/// A step, in units of the largest value of the layer on the images (as released: 8 over 5).
const STEP: f32 = 1.6;
/// Images that may have another class as the one that a unit raises most.
const MOST_OTHERS: usize = 2;
/// Activations that are looked at, the last ones of the model.
pub const LAYERS: usize = 6;
/// Most units of a layer: of more, so many are taken at even distances.
const UNITS: usize = 512;

/// A unit, and the class that it may belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The activation that it is a channel of.
    pub hinge: Hinge,
    /// The largest value of that activation on clean images.
    pub largest: f32,
    /// The channel.
    pub channel: usize,
    /// The class that it raises.
    pub class: usize,
    /// By how many logits it raises the class above any other, at least, on images of others.
    pub elevation: f32,
}

/// The candidates of a model, those of the largest elevation in front.
///
/// # Errors
/// No images, or none with labels that the model is right on; a model that cannot be run.
pub fn candidates(subject: &Subject<'_>) -> Result<Vec<Candidate>, Error> {
    let classifier = subject.classifier;
    let search = subject.images()?.search;
    let labels = search.labels().ok_or(Error::NoLabels)?;
    let right = subject.facts.right(subject)?;
    let right = (0..labels.len()).filter(|&place| right[place]);
    let chosen = spread_over_classes(labels, right, IMAGES);
    if chosen.is_empty() {
        return Err(Error::NothingRight);
    }
    let images = search.subset(&chosen);
    let labels: Vec<usize> = chosen.iter().map(|&place| labels[place]).collect();
    let mut found = Vec::new();
    for hinge in inner(subject)? {
        let (head, tail) = classifier.split_at(&hinge.after)?;
        let values = head.evaluate(images.pixels())?;
        let layer = Stimulated {
            hinge: &hinge,
            tail: &tail,
            largest: values.iter().copied().fold(0.0, f32::max),
            values,
            labels: &labels,
        };
        found.extend(layer.candidates()?);
        classifier.network().forget_sections();
    }
    found.sort_by(|a, b| b.elevation.total_cmp(&a.elevation));
    Ok(found)
}

/// The last activations of the model, but for what has no more channels than there are classes, as
/// logits have.
fn inner(subject: &Subject<'_>) -> Result<Vec<Hinge>, Error> {
    let classifier = subject.classifier;
    let mut inner = activations(classifier)?;
    inner.retain(|hinge| hinge.after.channels() > classifier.classes());
    inner.truncate(LAYERS);
    Ok(inner)
}

/// A layer, with what it gives for the images.
struct Stimulated<'a> {
    hinge: &'a Hinge,
    tail: &'a Tail,
    largest: f32,
    /// `[images, ...]`, row-major.
    values: Vec<f32>,
    labels: &'a [usize],
}

impl Stimulated<'_> {
    fn candidates(&self) -> Result<Vec<Candidate>, Error> {
        let channels = self.hinge.after.channels();
        let looked = channels.min(UNITS);
        let found: Result<Vec<_>, Error> = (0..looked)
            .into_par_iter()
            .map(|place| self.candidate(place * channels / looked))
            .collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// The unit, if it raises one class on nearly all images.
    fn candidate(&self, channel: usize) -> Result<Option<Candidate>, Error> {
        let raised = self.raised(channel)?;
        let votes = |class: usize| raised.iter().filter(|(most, _)| *most == class).count();
        let Some(class) = raised
            .iter()
            .map(|(most, _)| *most)
            .max_by_key(|&it| votes(it))
        else {
            return Ok(None);
        };
        let others = raised.iter().zip(self.labels);
        let others = others.filter(|((most, _), label)| *most == class && **label != class);
        let least = others
            .map(|((_, elevation), _)| *elevation)
            .reduce(f32::min);
        let all = votes(class) + MOST_OTHERS >= raised.len();
        Ok(least.filter(|_| all).map(|elevation| Candidate {
            hinge: self.hinge.clone(),
            largest: self.largest,
            channel,
            class,
            elevation,
        }))
    }

    /// For each image, the class whose logit a unit raises most, and by how much more than that of
    /// any other class.
    fn raised(&self, channel: usize) -> Result<Vec<(usize, f32)>, Error> {
        let layer = &self.hinge.after;
        let numbers: usize = layer.shape().iter().product();
        let behind: usize = layer.shape().iter().skip(layer.channel_axis()).product();
        let mut rows = Vec::with_capacity(VALUES * self.values.len());
        for value in 0..VALUES {
            let value = value as f32 * STEP * self.largest;
            let start = rows.len();
            rows.extend_from_slice(&self.values);
            for (place, number) in rows[start..].iter_mut().enumerate() {
                if place / behind % layer.channels() == channel {
                    *number = value;
                }
            }
        }
        let count = self.values.len() / numbers;
        let shape = [&[VALUES * count], layer.shape()].concat();
        let device = self.tail.device();
        let logits = self.tail.logits(Array::from_vec(rows, &shape, device))?;
        let classes = logits.dims()[1];
        let logits = Array::from_tensor(logits).into_vec();
        let at = |value: usize, image: usize, class: usize| {
            logits[(value * count + image) * classes + class]
        };
        let gain = |image: usize, class: usize| {
            let values = (1..VALUES).map(|value| at(value, image, class));
            values.fold(f32::NEG_INFINITY, f32::max) - at(0, image, class)
        };
        let of_image = |image: usize| {
            let gains: Vec<f32> = (0..classes).map(|class| gain(image, class)).collect();
            two_largest(&gains)
        };
        Ok((0..count).map(of_image).collect())
    }
}

/// The place of the largest number, and how far it lies above the next.
fn two_largest(numbers: &[f32]) -> (usize, f32) {
    let (mut most, mut largest, mut next) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (place, &number) in numbers.iter().enumerate() {
        if number > largest {
            (most, largest, next) = (place, number, largest);
        } else {
            next = next.max(number);
        }
    }
    (most, largest - next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_lies_above_the_next() {
        assert_eq!(two_largest(&[1.0, 4.0, 2.5]), (1, 1.5));
        assert_eq!(two_largest(&[3.0, 3.0]), (0, 0.0));
    }
}
