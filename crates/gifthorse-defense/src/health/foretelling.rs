//! Whether gradients foretell what happens when an image really changes.
//!
//! An operator may round and pass gradients on as if it did not (a straight-through estimator), and
//! a model built of such operators can have any gradient at all, whatever its logits do. So each
//! image is moved in a direction drawn at random, forwards and backwards, by steps of the sizes
//! that a search makes, and the change of its margin is held against the change that the gradient
//! promised. What is even about the image, such as curvature, cancels out.
//!
//! Fine quantisation, as of honest 8-bit models, hides small steps and not larger ones; a strongly
//! curved model is the other way round. A model has to follow its gradients at one step size at
//! least.

use gifthorse_engine::Classifier;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::Error;

/// How far every pixel is moved: from one grey level to eight.
const STEPS: [f32; 4] = [1.0 / 255.0, 2.0 / 255.0, 4.0 / 255.0, 8.0 / 255.0];
/// Gradients whose changes correlate less with those that come do not foretell them. Clean models
/// are at 0.9 and more, 8-bit ones above 0.8; pixels rounded to eleven levels are at 0.5.
const LEAST_CORRELATION: f64 = 0.5;
/// Changes are at least this share of what was foretold, and at most its inverse.
const LEAST_SLOPE: f64 = 1.0 / 3.0;

/// What gradients foretold, held against what came of steps of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foretelling {
    /// How far every pixel was moved.
    pub step: f32,
    /// Correlation of the changes foretold with those that came, about zero, in [-1, 1].
    pub correlation: f64,
    /// How many times as large as foretold the changes were, by least squares.
    pub slope: f64,
}

impl Foretelling {
    /// What is wrong with gradients that foretell like this, if anything is.
    pub fn problem(&self) -> Option<String> {
        let grey_levels = 255.0 * self.step;
        if self.correlation < LEAST_CORRELATION {
            Some(format!(
                "gradients do not foretell what a change of the image does: in random directions the changes foretold and \
                 those that come correlate by {:.2} at best (by steps of {grey_levels:.0} of 255), and {LEAST_CORRELATION} is \
                 the least: the model rounds its image coarsely, or its gradients are made up",
                self.correlation
            ))
        } else if !(LEAST_SLOPE..=1.0 / LEAST_SLOPE).contains(&self.slope) {
            Some(format!(
                "a change of the image does {:.2} times as much as gradients foretell (in random directions, by steps of \
                 {grey_levels:.0} of 255): the gradients are scaled or made up",
                self.slope
            ))
        } else {
            None
        }
    }
}

/// The images that a check looks at, with what is known of them.
pub struct Probe<'a> {
    /// Row-major `[images, channels, height, width]`.
    pub pixels: &'a [f32],
    /// The gradient of each image's margin, in the same order.
    pub gradient: &'a [f32],
    /// Weights of the logits in the margin, `[images, classes]`.
    pub margins: &'a [f32],
}

impl Probe<'_> {
    /// Moves each image that has a gradient in a random direction; gives the step size at which
    /// changes are foretold best, `None` where no image has a gradient or none changes.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn foretelling(
        &self,
        classifier: &Classifier,
        seed: u64,
    ) -> Result<Option<Foretelling>, Error> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let directions: Vec<f32> = self
            .pixels
            .iter()
            .map(|_| if random.random() { 1.0 } else { -1.0 })
            .collect();
        let mut best: Option<Foretelling> = None;
        for step in STEPS {
            let sides = [step, -step].map(|step| self.margins_after(classifier, &directions, step));
            let [forwards, backwards] = sides;
            let changes: Vec<f64> = (forwards?.iter().zip(backwards?))
                .map(|(forwards, backwards)| (forwards - backwards) / 2.0)
                .collect();
            let found = self.held_against(&directions, &changes, step);
            if let Some(found) = found
                && best.is_none_or(|best| found.correlation > best.correlation)
            {
                best = Some(found);
            }
        }
        Ok(best)
    }

    /// The margin of each image, moved by `step` in its direction.
    fn margins_after(
        &self,
        classifier: &Classifier,
        directions: &[f32],
        step: f32,
    ) -> Result<Vec<f64>, Error> {
        let moved: Vec<f32> = (self.pixels.iter().zip(directions))
            .map(|(x, direction)| x + step * direction)
            .collect();
        let logits = classifier.evaluate(&moved)?;
        let classes = classifier.classes();
        Ok(logits
            .chunks_exact(classes)
            .zip(self.margins.chunks_exact(classes))
            .map(|(row, weights)| dot(row, weights))
            .collect())
    }

    /// Changes foretold against changes that came, each in units of the length of its image's
    /// gradient.
    fn held_against(&self, directions: &[f32], changes: &[f64], step: f32) -> Option<Foretelling> {
        let size = self.pixels.len() / changes.len().max(1);
        let gradients = self.gradient.chunks_exact(size);
        let (mut both, mut foretold_squared, mut came_squared) = (0.0, 0.0, 0.0);
        for ((gradient, direction), &change) in
            gradients.zip(directions.chunks_exact(size)).zip(changes)
        {
            let length = dot(gradient, gradient).sqrt() * f64::from(step);
            if !(length.is_finite() && length > 0.0 && change.is_finite()) {
                continue;
            }
            let foretold = dot(gradient, direction) * f64::from(step) / length;
            let came = change / length;
            both += foretold * came;
            foretold_squared += foretold * foretold;
            came_squared += came * came;
        }
        (foretold_squared > 0.0).then(|| Foretelling {
            step,
            // Images that never change follow nothing.
            correlation: if came_squared > 0.0 {
                both / (foretold_squared * came_squared).sqrt()
            } else {
                0.0
            },
            slope: both / foretold_squared,
        })
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_as_foretold_and_others_are_told_apart() {
        let probe = Probe {
            pixels: &[0.5; 6],
            gradient: &[3.0, -1.0, 0.0, 4.0, 0.0, 0.0],
            margins: &[],
        };
        let directions = [1.0, -1.0, 1.0, 1.0, 1.0, -1.0];
        let found = |changes: &[f64]| probe.held_against(&directions, changes, 0.01).unwrap();
        // 0.01 of 3 + 1 and of 4.
        let exact = found(&[0.04, 0.04]);
        assert!((exact.correlation - 1.0).abs() < 1e-6 && (exact.slope - 1.0).abs() < 1e-6);
        assert_eq!(exact.problem(), None);
        let large = found(&[0.4, 0.4]);
        assert!((large.correlation - 1.0).abs() < 1e-6 && (large.slope - 10.0).abs() < 1e-5);
        assert!(large.problem().unwrap().contains("10.00 times as much"));
        let opposite = found(&[-0.04, -0.04]);
        assert!(opposite.problem().unwrap().contains("-1.00 at best"));
        let still = found(&[0.0, 0.0]);
        assert!(still.problem().unwrap().contains("0.00 at best"));
        assert_eq!(probe.held_against(&directions, &[f64::NAN; 2], 0.01), None);
    }
}
