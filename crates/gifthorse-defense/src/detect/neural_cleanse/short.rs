//! Short searches: a few updates that tell whether a start, or a class, is worth a full search.
//!
//! A full search is in no hurry: the norm weighs nothing until triggers succeed, and masks begin to
//! shrink after some twenty updates. Here the norm weighs from the first update on and steps are
//! large, so that loss and norm together say early where a trigger is small.

use super::config::Config;
use super::finding::StepOutcome;

/// Weight in the loss of a mask that covers the whole image.
const COST_OF_ALL: f32 = 20.0;
/// Step size of Adam.
const RATE: f32 = 0.3;
/// The last part of the updates whose mean places a search.
const LATELY: usize = 4;

/// The settings of a short search of so many updates on images of so many pixels.
pub fn settings(config: &Config, pixels: usize, updates: usize) -> Config {
    Config {
        batches_per_step: 1,
        steps: updates,
        learning_rate: RATE,
        begin_at_zero: false,
        // One weight for all: of two searches the one with the lower objective is ahead.
        initial_cost: COST_OF_ALL / pixels as f32,
        patience: usize::MAX,
        restarts: 0,
        ..config.clone()
    }
}

/// Loss and weighted norm, averaged over the last quarter of the steps: the smaller, the further
/// ahead.
pub fn standing(settings: &Config, made: &[StepOutcome]) -> f64 {
    let lately = &made[made.len() - (made.len().div_ceil(LATELY)).min(made.len())..];
    let sum: f64 = lately.iter().map(|step| objective(settings, step)).sum();
    sum / lately.len().max(1) as f64
}

/// Loss and weighted norm of a step.
pub fn objective(settings: &Config, step: &StepOutcome) -> f64 {
    step.loss + f64::from(settings.initial_cost) * step.norm
}
