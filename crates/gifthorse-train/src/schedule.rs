//! The learning rate over time.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The learning rate over time, as a share of its largest value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always the same.
    Constant {},
    /// Falls to `factor` of itself each time that `every` epochs are over.
    Step {
        /// Epochs between two falls, at least 1.
        every: usize,
        /// What is left at each fall, in `(0, 1]`.
        factor: f32,
    },
    /// Falls to zero along half a cosine.
    Cosine {},
    /// Rises in a straight line for the first `warm_up` of all steps, then falls to zero along half
    /// a cosine.
    OneCycle {
        /// The share of steps in which it rises, in `[0, 1)`.
        warm_up: f32,
    },
}

impl Schedule {
    pub(super) fn check(self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Recipe(reason));
        match self {
            Self::Constant {} | Self::Cosine {} => Ok(()),
            Self::Step { every: 0, .. } => {
                refuse("a step schedule falls every 1 epoch or more, not every 0".to_owned())
            }
            Self::Step { factor, .. } if !(factor > 0.0 && factor <= 1.0) => refuse(format!(
                "a step schedule that leaves {factor} of the rate does not fall: give a factor above 0 and up to 1"
            )),
            Self::OneCycle { warm_up } if !(0.0..1.0).contains(&warm_up) => refuse(format!(
                "a warm-up of {warm_up} is not a share from 0 to below 1"
            )),
            Self::Step { .. } | Self::OneCycle { .. } => Ok(()),
        }
    }

    /// The factor for `step` of `epochs * steps`, counted from 0, where an epoch has `steps`; in
    /// `(0, 1]` for steps before the end.
    pub(super) fn factor(self, step: usize, steps: usize, epochs: usize) -> f32 {
        let warm_up = match self {
            Self::Constant {} => return 1.0,
            Self::Step { every, factor } => {
                let falls = step / steps.max(1) / every.max(1);
                return factor.powi(i32::try_from(falls).unwrap_or(i32::MAX));
            }
            Self::Cosine {} => 0.0,
            Self::OneCycle { warm_up } => warm_up,
        };
        // The middle of the step, so that neither the first nor the last is wasted on zero.
        // In f64: near the end the cosine is all but -1.
        let done = (step as f64 + 0.5) / (steps as f64 * epochs as f64);
        let warm_up = f64::from(warm_up);
        let factor = match done < warm_up {
            true => done / warm_up,
            false => 0.5 * (1.0 + (PI * (done - warm_up) / (1.0 - warm_up)).cos()),
        };
        factor as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cycle_rises_then_falls_to_nearly_nothing() {
        let cycle = Schedule::OneCycle { warm_up: 0.25 };
        let factors: Vec<f32> = (0..100).map(|step| cycle.factor(step, 10, 10)).collect();
        assert!(factors[..25].is_sorted());
        assert!(factors[25..].is_sorted_by(|a, b| a > b));
        assert!(factors.iter().all(|f| *f > 0.0 && *f <= 1.0));
        assert!(factors[25] > 0.999 && factors[0] < 0.03 && factors[99] < 1e-3);
        assert!(Schedule::OneCycle { warm_up: 0.0 }.factor(0, 1, 10) > 0.99);
    }

    #[test]
    fn no_step_of_a_long_run_is_wasted_on_zero() {
        for schedule in [Schedule::Cosine {}, Schedule::OneCycle { warm_up: 0.3 }] {
            let last: Vec<f32> = (0..50)
                .map(|i| schedule.factor(39_950 + i, 400, 100))
                .collect();
            assert!(
                last.is_sorted_by(|a, b| a > b) && last[49] > 0.0,
                "{last:?}"
            );
        }
    }

    #[test]
    fn a_cosine_is_half_way_down_in_the_middle() {
        let at = |step| Schedule::Cosine {}.factor(step, 5, 20);
        assert!((at(49) - 0.5).abs() < 0.01 && (at(50) - 0.5).abs() < 0.01);
        assert!(at(0) > 0.999 && at(99) < 1e-3);
        assert_eq!(Schedule::Constant {}.factor(99, 5, 20), 1.0);
    }

    #[test]
    fn steps_fall_after_whole_epochs() {
        let schedule = Schedule::Step {
            every: 2,
            factor: 0.1,
        };
        let factors: Vec<f32> = (0..15).map(|step| schedule.factor(step, 3, 5)).collect();
        assert!(factors[..6].iter().all(|f| *f == 1.0));
        assert!(factors[6..12].iter().all(|f| (f - 0.1).abs() < 1e-7));
        assert!(factors[12..].iter().all(|f| (f - 0.01).abs() < 1e-7));
    }
}
