//! The search as the driver moves it, and what it came to.

use std::time::Instant;

use super::ClassSearch;
use crate::detect::neural_cleanse::aim::Aim;
use crate::detect::neural_cleanse::growth::strongest;
use crate::detect::neural_cleanse::restart::{Attempt, Restart, is_another};
use crate::error::Error;
use crate::finding::{Finding, Measure, State};
use crate::label_map::LabelMap;
use crate::search::{Search, evaluate_from};
use crate::trigger::Trigger;

/// The norm of the trigger that was tried on images, which has grown a little from the one that is
/// the statistic.
const TRIGGER_NORM: &str = "trigger_norm";
/// The norm of the smallest trigger, where that is not the statistic.
const NORM: &str = "norm";

impl Search for ClassSearch<'_> {
    /// The step that ends the search from the first start also tries the others.
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.step()?;
            if self.is_over() && self.restart == Restart::Due {
                self.try_others()?;
            }
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.is_over() && self.restart != Restart::Due
    }

    fn steps(&self) -> usize {
        self.trace.len()
    }

    /// From whichever start; updates of the short trials of other starts and of growing the trigger
    /// are not counted.
    fn updates(&self) -> usize {
        let before = match &self.restart {
            Restart::Begun { first, .. } => first.trace.len(),
            Restart::Due | Restart::Done => 0,
        };
        (before + self.trace.len()) * self.task.config.batches_per_step
    }

    fn standing(&self, steps: usize) -> f64 {
        let early = self.task.early.as_ref();
        early.map_or(f64::INFINITY, |early| {
            early.standing(self.task.config, &self.trace, steps)
        })
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&self.at_rest())?)
    }

    /// The trigger is grown before it is tried.
    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let task = &self.task;
        let Attempt {
            trigger: smallest,
            reached,
            ..
        } = self.outcome();
        let norm = smallest.norm();
        let (patch, tried) = if reached {
            strongest(task, self.aim, &smallest)?
        } else {
            let as_found = Trigger::Patch(smallest.clone());
            let tried = self.aim.tried(task.classifier, task.search, &as_found)?;
            (smallest, tried)
        };
        let norm_of_tried = patch.norm();
        let trigger = Trigger::Patch(patch);
        let map = match self.aim {
            Aim::To(_) | Aim::Pair { .. } => None,
            Aim::From(_) | Aim::Away => {
                let stamped = self.aim.images(task)?;
                Some(LabelMap::of(
                    task.classifier,
                    task.search,
                    &stamped,
                    &trigger,
                )?)
            }
        };
        let leads_to = map.as_ref().and_then(LabelMap::most_frequent);
        let on = |images| match (self.aim, leads_to) {
            (Aim::From(source), Some(target)) => {
                evaluate_from(task.classifier, images, &trigger, source, target)
            }
            (aim, _) => aim.tried(task.classifier, images, &trigger),
        };
        let tried = match self.aim {
            Aim::From(_) => on(task.search)?,
            Aim::To(_) | Aim::Away | Aim::Pair { .. } => tried,
        };
        let holdout = on(task.holdout)?;
        let measure = |name: &str, value: f64, unit: &str| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let mut measures = vec![measure(TRIGGER_NORM, norm_of_tried, "pixels")];
        let (mut statistic, mut reason) = (norm, None);
        if let (Aim::Away, Some(map)) = (self.aim, &map) {
            measures.push(measure(NORM, norm, "pixels"));
            measures.extend(map.measures());
            match map.scatter() {
                Some(scatter) => statistic = scatter,
                None => {
                    statistic = 1.0;
                    reason = Some("images of fewer than three classes can be moved".to_owned());
                }
            }
        }
        Ok(Finding {
            state: if reached && reason.is_none() {
                State::Reached
            } else {
                State::Unreached
            },
            leads_to,
            map: match (self.aim, &map) {
                (Aim::Away, Some(map)) => map.destinations(),
                _ => Vec::new(),
            },
            statistic,
            reason,
            trigger: Some(trigger),
            success_rate: Some(tried.success_rate()),
            confirmation: Some(holdout),
            measures,
            updates: self.updates(),
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..Finding::skipped(self.aim.unit())
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        let Attempt { trigger, .. } = self.attempt();
        Finding {
            state,
            statistic: trigger.norm(),
            trigger: Some(Trigger::Patch(trigger)),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(self.aim.unit())
        }
    }
}

impl ClassSearch<'_> {
    /// What the search from the present start came to so far.
    pub(super) fn attempt(&self) -> Attempt {
        Attempt {
            trigger: match &self.best {
                Some(best) => best.clone(),
                None => self.variables.trigger(),
            },
            reached: self.is_reached(),
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
