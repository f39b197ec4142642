//! The trigger that is put to the confirmation gate: the smallest one, grown a little.
//!
//! A search shrinks its trigger until it only just works, which is what makes its size a measure,
//! and keeps it as it is after the updates of its last good step: on the very images it was
//! searched with it may already fail on a few, and on others on a few more. So from the smallest
//! trigger on some updates are made for the loss alone, without the weight of the norm, for as long
//! as the norm stays within [`Config::growth`](super::Config) times the smallest. The held-out
//! images have no part in this: the trigger is chosen by its success on the search images, and
//! tried on the others once.

use super::aim::Aim;
use super::batches::{Batches, Draws};
use super::class_search::Task;
use super::objective::Objective;
use super::variables::Variables;
use crate::adam::Adam;
use crate::error::Error;
use crate::trigger::{Patch, Trigger};
use crate::verdict::Confirmation;

/// The trigger to confirm, and how it does on the search images.
///
/// # Errors
/// A model that cannot be run or passes no gradient back.
pub fn strongest(
    task: &Task<'_>,
    aim: Aim,
    smallest: &Patch,
) -> Result<(Patch, Confirmation), Error> {
    let on_search = |patch: &Patch| {
        let trigger = Trigger::Patch(patch.clone());
        aim.tried(task.classifier, task.search, &trigger)
    };
    let grown = grow(task, aim, smallest)?;
    let tried = on_search(&grown)?;
    if tried.success_rate() < task.config.success_threshold {
        let before = on_search(smallest)?;
        if before.successes > tried.successes {
            return Ok((smallest.clone(), before));
        }
    }
    Ok((grown, tried))
}

/// Some updates for the loss alone; the last trigger whose norm is within the bound.
fn grow(task: &Task<'_>, aim: Aim, smallest: &Patch) -> Result<Patch, Error> {
    let config = task.config;
    let (shape, device) = (task.classifier.shape(), task.classifier.device());
    let objective = Objective {
        classifier: task.classifier,
        aim,
        loss: config.loss,
    };
    let mut batches = Batches::new(task, aim, Draws::Growth.random(task.seed, aim))?;
    let mut variables = Variables::of_trigger(smallest, shape, device);
    let mut mask_adam = Adam::new(config.learning_rate, config.betas);
    let mut pattern_adam = Adam::new(config.learning_rate, config.betas);
    let largest = config.growth * smallest.norm();
    let mut grown = smallest.clone();
    for _ in 0..config.growth_updates {
        let outcome = objective.pass(batches.next(task), &variables, 0.0)?;
        let Variables { mask, pattern } = variables;
        variables = Variables {
            mask: mask_adam.step(mask, outcome.mask_gradient),
            pattern: pattern_adam.step(pattern, outcome.pattern_gradient),
        };
        let next = variables.trigger();
        if next.norm() > largest {
            break;
        }
        grown = next;
    }
    Ok(grown)
}
