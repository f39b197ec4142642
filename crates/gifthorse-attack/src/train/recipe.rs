//! The settings of a training run.

use std::f32::consts::PI;

use crate::Error;
use crate::train::Optimiser;

/// How to train. Together with the images and the network's first weights it settles the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// How often every image is seen.
    pub epochs: usize,
    /// Images for each update of the weights.
    pub batch: usize,
    /// Parts that each batch is cut into and that are computed side by side; divides `batch`.
    pub shards: usize,
    /// How a gradient becomes an update.
    pub optimiser: Optimiser,
    /// The largest learning rate.
    pub learning_rate: f32,
    /// The share of it over time.
    pub schedule: Schedule,
    /// Settles the order of the images.
    pub seed: u64,
}

impl Default for Recipe {
    /// Ten epochs of Adam in batches of 64, two shards, at most 0.003, one cycle.
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 64,
            shards: 2,
            optimiser: Optimiser::ADAM,
            learning_rate: 3e-3,
            schedule: Schedule::OneCycle { warm_up: 0.2 },
            seed: 0,
        }
    }
}

impl Recipe {
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Recipe(reason));
        let Self {
            epochs,
            batch,
            shards,
            learning_rate,
            ..
        } = *self;
        if epochs == 0 || batch == 0 || shards == 0 {
            return refuse("epochs, batch and shards have to be at least 1".to_owned());
        }
        if !batch.is_multiple_of(shards) {
            return refuse(format!(
                "a batch of {batch} images does not divide into {shards} shards"
            ));
        }
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            return refuse(format!(
                "the learning rate {learning_rate} is not above zero"
            ));
        }
        if let Schedule::OneCycle { warm_up } = self.schedule
            && !(0.0..1.0).contains(&warm_up)
        {
            return refuse(format!(
                "a warm-up of {warm_up} is not a share from 0 to below 1"
            ));
        }
        self.optimiser.check()
    }
}

/// The learning rate over time, as a share of its largest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// Rises in a straight line for the first `warm_up` of all steps, a share in `[0, 1)`, then
    /// falls to zero along half a cosine.
    OneCycle {
        /// The share of steps in which it rises.
        warm_up: f32,
    },
}

impl Schedule {
    /// The factor for `step` of `total`, counted from 0; in `(0, 1]` for steps below `total`.
    pub(super) fn factor(self, step: usize, total: usize) -> f32 {
        let Self::OneCycle { warm_up } = self else {
            return 1.0;
        };
        // The middle of the step, so that neither the first nor the last is wasted on zero.
        let done = (step as f32 + 0.5) / total as f32;
        if done < warm_up {
            return done / warm_up;
        }
        0.5 * (1.0 + (PI * (done - warm_up) / (1.0 - warm_up)).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cycle_rises_then_falls_to_nearly_nothing() {
        let cycle = Schedule::OneCycle { warm_up: 0.25 };
        let factors: Vec<f32> = (0..100).map(|step| cycle.factor(step, 100)).collect();
        assert!(factors[..25].is_sorted());
        assert!(factors[25..].is_sorted_by(|a, b| a > b));
        assert!(factors.iter().all(|f| *f > 0.0 && *f <= 1.0));
        assert!(factors[25] > 0.999 && factors[0] < 0.03 && factors[99] < 1e-3);
        assert_eq!(Schedule::Constant.factor(99, 100), 1.0);
        assert!(Schedule::OneCycle { warm_up: 0.0 }.factor(0, 10) > 0.99);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let good = Recipe::default();
        assert!(good.check().is_ok());
        for bad in [
            Recipe { epochs: 0, ..good },
            Recipe { batch: 0, ..good },
            Recipe { shards: 0, ..good },
            Recipe { shards: 3, ..good },
            Recipe {
                learning_rate: 0.0,
                ..good
            },
            Recipe {
                learning_rate: f32::NAN,
                ..good
            },
            Recipe {
                schedule: Schedule::OneCycle { warm_up: 1.0 },
                ..good
            },
            Recipe {
                optimiser: Optimiser::Sgd { momentum: 1.0 },
                ..good
            },
        ] {
            assert!(matches!(bad.check(), Err(Error::Recipe(_))), "{bad:?}");
        }
    }
}
