//! The search for the trigger that wakes one unit.

use gifthorse_engine::{Array, Tensor};
use serde::{Deserialize, Serialize};

use super::objective::{Room, pass};
use super::stimulation::Candidate;
use crate::adam::Adam;
use crate::detect::neural_cleanse::Variables;
use crate::error::Error;
use crate::exact;
use crate::search::evaluate_trigger;
use crate::subject::Subject;
use crate::trigger::{Patch, Trigger};

/// Updates of a search.
pub const UPDATES: usize = 300;
/// Step size of Adam, as released.
const RATE: f32 = 0.1;
/// Decay of Adam's moments: those of Neural Cleanse.
const BETAS: (f32, f32) = (0.5, 0.9);
/// Where the mask begins, before the tanh: in a square in the middle, and elsewhere (as released).
const MASK: (f32, f32) = (2.0, -2.0);

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reversed {
    /// Name of the layer that the unit is a channel of.
    pub layer: String,
    /// The channel.
    pub channel: usize,
    /// By how many logits the unit alone raises the class above any other.
    #[serde(with = "exact::double")]
    pub elevation: f64,
    /// What the unit gives under the trigger, in units of the largest value of its layer on clean
    /// images.
    #[serde(with = "exact::double")]
    pub activation: f64,
    /// The trigger of the largest activation that is small enough; `None` if none was.
    pub trigger: Option<Patch>,
    /// Share of the search images of other classes that it leads to the class; 0 without one.
    #[serde(with = "exact::double")]
    pub success: f64,
}

/// A search under way.
pub struct UnitSearch<'a> {
    subject: Subject<'a>,
    candidate: Candidate,
    images: Tensor<4>,
    room: Room,
    variables: Variables,
    mask_adam: Adam<2>,
    pattern_adam: Adam<3>,
    updates: usize,
    best: Option<(f64, Patch)>,
}

impl<'a> UnitSearch<'a> {
    /// The search at its beginning, on images at these places among those to search with.
    ///
    /// # Errors
    /// No images.
    pub fn new(
        subject: Subject<'a>,
        candidate: Candidate,
        places: &[usize],
    ) -> Result<Self, Error> {
        let classifier = subject.classifier;
        let [channels, height, width] = classifier.shape();
        let images = subject.images()?.search.subset(places);
        let shape = [places.len(), channels, height, width];
        let images = Array::from_vec(images.pixels().to_vec(), &shape, classifier.device());
        let room = Room::of(height * width);
        let mask = square(height, width, room.side());
        let pattern = vec![0.0; channels * height * width];
        Ok(Self {
            variables: Variables::from_values(
                mask,
                pattern,
                classifier.shape(),
                classifier.device(),
            ),
            subject,
            candidate,
            images: images.into_tensor(),
            room,
            mask_adam: Adam::new(RATE, BETAS),
            pattern_adam: Adam::new(RATE, BETAS),
            updates: 0,
            best: None,
        })
    }

    /// Updates made so far.
    pub fn updates(&self) -> usize {
        self.updates
    }

    /// Whether the search is over.
    pub fn has_ended(&self) -> bool {
        self.updates >= UPDATES
    }

    /// Makes one update.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back.
    pub fn step(&mut self) -> Result<(), Error> {
        let classifier = self.subject.classifier;
        let seen = pass(
            classifier,
            &self.candidate,
            &self.images,
            &self.variables,
            self.room,
        )?;
        let is_best = self
            .best
            .as_ref()
            .is_none_or(|(most, _)| seen.activation > *most);
        if seen.covered <= self.room.most && is_best {
            self.best = Some((seen.activation, self.variables.trigger()));
        }
        let Variables { mask, pattern } = &mut self.variables;
        *mask = self.mask_adam.step(mask.clone(), seen.mask_gradient);
        *pattern = self
            .pattern_adam
            .step(pattern.clone(), seen.pattern_gradient);
        self.updates += 1;
        Ok(())
    }

    /// What it came to, tried on the images to search with.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn outcome(self) -> Result<Reversed, Error> {
        let (activation, trigger) = self.best.unzip();
        let search = self.subject.images()?.search;
        let success = match &trigger {
            Some(patch) => {
                let trigger = Trigger::Patch(patch.clone());
                let class = self.candidate.class;
                let tried = evaluate_trigger(self.subject.classifier, search, &trigger, class)?;
                tried.success_rate()
            }
            None => 0.0,
        };
        Ok(Reversed {
            layer: self.candidate.hinge.after.name().to_owned(),
            channel: self.candidate.channel,
            elevation: f64::from(self.candidate.elevation),
            activation: activation.unwrap_or(0.0),
            trigger,
            success,
        })
    }
}

/// A square in the middle of a mask, before the tanh.
fn square(height: usize, width: usize, side: usize) -> Vec<f32> {
    let within = |at: usize, length: usize| {
        let start = length.saturating_sub(side) / 2;
        (start..start + side).contains(&at)
    };
    let value = |place: usize| match within(place / width, height) && within(place % width, width) {
        true => MASK.0,
        false => MASK.1,
    };
    (0..height * width).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_begins_as_a_square() {
        let mask = square(4, 5, 2);
        let inside: Vec<usize> = (0..20).filter(|&at| mask[at] > 0.0).collect();
        assert_eq!(inside, [6, 7, 11, 12]);
    }
}
