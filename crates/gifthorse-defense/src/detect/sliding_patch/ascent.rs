//! The search at one place: colours inside a window, followed along the gradient.

use gifthorse_engine::Classifier;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::images::{Led, Shown, furthest};
use crate::detect::mm_bd::{Moments, Rule, climb};
use crate::error::Error;
use crate::exact;
use crate::logit_gradient::LogitGradient;

/// Adam's step size, in pixel values, and decay rates.
const RULE: Rule = Rule::Adam {
    rate: 0.1,
    betas: (0.9, 0.99),
};

/// Colours inside a window while they climb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ascent {
    /// `[channels, side, side]` in [0, 1].
    #[serde(with = "exact::singles")]
    pub pattern: Vec<f32>,
    moments: Moments,
    /// Steps made.
    pub steps: usize,
}

impl Ascent {
    /// So many values drawn at random, for the search with this number.
    pub fn new(seed: u64, number: usize, values: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number as u64);
        let colours = (0..values).map(|_| random.random_range(0.0..1.0));
        Self {
            pattern: colours.collect(),
            moments: Moments::default(),
            steps: 0,
        }
    }

    /// Whether it is one of a pattern of so many values.
    pub fn fits(&self, values: usize) -> bool {
        self.pattern.len() == values && self.moments.fit(values)
    }

    /// One step, towards `target`, or to the class that the images are led to furthest.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn step(
        &mut self,
        classifier: &Classifier,
        shown: &Shown,
        places: &[usize],
        target: Option<usize>,
    ) -> Result<(), Error> {
        let shape = classifier.shape();
        let stamped = stamped(&shown.pixels, places, &self.pattern, shape);
        let weights = |logits: &[f32]| {
            let target = target.or_else(|| Some(furthest(&shown.led(logits))?.to));
            let classes = classifier.classes();
            target.map_or_else(
                || vec![0.0; logits.len()],
                |target| shown.weights(target, classes),
            )
        };
        let gradient = LogitGradient::at(classifier, &stamped, weights)?.gradient;
        let images = || gradient.chunks(shape.iter().product());
        let sum = |&place: &usize| images().map(|image| image[place]).sum();
        let gradient: Vec<f32> = places.iter().map(sum).collect();
        climb(RULE, &mut self.moments, &mut self.pattern, &gradient);
        self.steps += 1;
        Ok(())
    }

    /// How far the images are led to each class now.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn led(
        &self,
        classifier: &Classifier,
        shown: &Shown,
        places: &[usize],
    ) -> Result<Vec<Led>, Error> {
        let stamped = stamped(&shown.pixels, places, &self.pattern, classifier.shape());
        Ok(shown.led(&classifier.evaluate(&stamped)?))
    }
}

/// Images with the pattern's values at these places of each.
fn stamped(pixels: &[f32], places: &[usize], pattern: &[f32], shape: [usize; 3]) -> Vec<f32> {
    let mut stamped = pixels.to_vec();
    for image in stamped.chunks_mut(shape.iter().product()) {
        for (&place, &value) in places.iter().zip(pattern) {
            image[place] = value;
        }
    }
    stamped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pixels_of_the_window_change() {
        let stamped = stamped(&[0.0; 8], &[1, 3], &[0.25, 0.75], [1, 2, 2]);
        assert_eq!(stamped, [0.0, 0.25, 0.0, 0.75, 0.0, 0.25, 0.0, 0.75]);
    }
}
