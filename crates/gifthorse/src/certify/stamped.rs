//! What certificates say of a trigger.

use gifthorse_defense::certify::Certificate;
use gifthorse_defense::explain::{Case, Success};
use serde::Serialize;

use super::shared;
use super::subject::Subject;
use crate::Error;
use crate::explain::TriggerSource;
use crate::explain::trigger::Stampable;
use crate::repair::record::Share;

/// What the certificates say of a trigger, and what it does to the smoothed classifier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgainstTrigger {
    /// As it was called.
    pub name: String,
    /// The class that it leads to.
    pub target: usize,
    /// Median length of what it changes in an image.
    pub length: f64,
    /// Images of other classes on which it is shorter than the radius, so that it cannot turn
    /// their answer.
    pub covered: Share,
    /// Images of other classes that the model itself takes for the target with the trigger on
    /// them,
    pub success: Share,
    /// and the smoothed classifier,
    pub smoothed_success: Share,
    /// and those that it gives their own label with the trigger on them.
    pub smoothed_robust: Share,
}

/// Images with a trigger on them.
pub struct Stamped {
    name: String,
    /// All images of the set, `[images, channels, height, width]`.
    pub pixels: Vec<f32>,
    /// What the trigger changes in each.
    pub lengths: Vec<f64>,
    /// The class that it leads to.
    pub target: usize,
    /// Images of other classes that the model takes for it.
    success: Share,
}

impl Stamped {
    /// Stamps the images.
    ///
    /// # Errors
    /// A trigger that cannot be stamped or leads nowhere, where no target is given.
    pub fn by(
        source: &TriggerSource,
        target: Option<usize>,
        subject: &Subject,
    ) -> Result<Self, Error> {
        let (classifier, images) = (&subject.classifier, &subject.set.images);
        let pixels = Stampable::read(source, classifier.shape())?.stamp(images)?;
        let case = Case::new(classifier, &subject.labels, images.pixels(), &pixels)?;
        let success = Success::of(&case, target)?;
        Ok(Self {
            name: source.name(),
            lengths: lengths(images.pixels(), &pixels, subject.labels.len()),
            pixels,
            target: success.target,
            success: Share::of(success.overall)?,
        })
    }

    /// Holds the certificates of the clean images against the trigger; `stamped` are those of the
    /// images with it.
    pub fn against(
        self,
        labels: &[usize],
        (clean, stamped): (&[Certificate], &[Certificate]),
    ) -> Result<AgainstTrigger, Error> {
        let target = self.target;
        let others = || (0..labels.len()).filter(|&place| labels[place] != target);
        let answer = |place: usize| stamped[place].radius.map(|_| stamped[place].class);
        let covers = |place: usize| {
            let radius = clean[place].radius;
            radius.is_some_and(|radius| radius > self.lengths[place])
        };
        Ok(AgainstTrigger {
            name: self.name,
            target,
            length: median(others().map(|place| self.lengths[place])),
            covered: shared(others().map(covers))?,
            success: self.success,
            smoothed_success: shared(others().map(|place| answer(place) == Some(target)))?,
            smoothed_robust: shared(others().map(|place| answer(place) == Some(labels[place])))?,
        })
    }
}

/// The length of what a trigger changes in each of so many images.
fn lengths(clean: &[f32], stamped: &[f32], images: usize) -> Vec<f64> {
    let size = (clean.len() / images.max(1)).max(1);
    let images = clean.chunks(size).zip(stamped.chunks(size));
    let length = |(clean, stamped): (&[f32], &[f32])| {
        let squares = clean.iter().zip(stamped);
        let squares = squares.map(|(clean, stamped)| f64::from(stamped - clean).powi(2));
        squares.sum::<f64>().sqrt()
    };
    images.map(length).collect()
}

/// The one in the middle, of an even number the lower; 0 of none.
fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
        .get(numbers.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0.0)
}
