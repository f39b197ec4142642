//! What a search came to.

use std::time::Instant;

use super::ClassSearch;
use crate::detect::neural_cleanse::evaluate::evaluate_trigger;
use crate::detect::neural_cleanse::finding::{ClassFinding, State};
use crate::detect::neural_cleanse::growth::strongest;
use crate::detect::neural_cleanse::restart::{Attempt, Restart, is_another};
use crate::error::Error;

impl ClassSearch<'_> {
    /// What the search found, its trigger grown and tried on held-out images.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn finding(&self) -> Result<ClassFinding, Error> {
        let started = Instant::now();
        let task = &self.task;
        let Attempt {
            trigger: smallest,
            reached,
            trace,
        } = self.outcome();
        let norm = smallest.norm();
        let (trigger, tried) = if reached {
            strongest(task, self.class, &smallest)?
        } else {
            let tried = evaluate_trigger(task.classifier, task.search, &smallest, self.class)?;
            (smallest, tried)
        };
        let holdout = evaluate_trigger(task.classifier, task.holdout, &trigger, self.class)?;
        Ok(ClassFinding {
            class: self.class,
            state: if reached {
                State::Reached
            } else {
                State::Unreached
            },
            norm,
            trigger,
            success_rate: tried.success_rate(),
            holdout: Some(holdout),
            updates: self.updates(),
            trace,
            seconds: self.seconds + started.elapsed().as_secs_f64(),
        })
    }

    /// Where the search was when it was left off, as `state` says; the trigger is not tried, since it counts
    /// for nothing.
    pub fn unfinished(&self, state: State) -> ClassFinding {
        let Attempt { trigger, trace, .. } = self.attempt();
        ClassFinding {
            class: self.class,
            state,
            norm: trigger.norm(),
            trigger,
            success_rate: 0.0,
            holdout: None,
            updates: self.updates(),
            trace,
            seconds: self.seconds,
        }
    }

    /// What the search from the present start came to so far.
    pub(super) fn attempt(&self) -> Attempt {
        Attempt {
            trigger: match &self.best {
                Some(best) => best.clone(),
                None => self.variables.trigger(),
            },
            reached: self.best.is_some(),
            trace: self.trace.clone(),
        }
    }

    /// What the search from the start that counts came to.
    fn outcome(&self) -> Attempt {
        let last = self.attempt();
        match &self.restart {
            Restart::Begun { first, .. } if !is_another(&last, first) => first.clone(),
            _ => last,
        }
    }
}
