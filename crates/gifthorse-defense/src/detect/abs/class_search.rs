//! The search of one class: the units that raise it, one after the other.

use std::time::Instant;

use super::snapshot::Snapshot;
use super::stimulation::Candidate;
use super::unit_search::{Reversed, UPDATES, UnitSearch};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search, evaluate_trigger};
use crate::subject::Subject;
use crate::trigger::{Patch, Trigger};

/// Units of a class that triggers are searched for: those that raise it most. Twenty in a model of
/// ten classes, as released.
pub const UNITS: usize = 2;
/// Images that a trigger is searched with.
pub const IMAGES: usize = 16;

/// A search for what wakes the units of a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    class: usize,
    images: Vec<usize>,
    units: Vec<Candidate>,
    under_way: Option<UnitSearch<'a>>,
    done: Vec<Reversed>,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `class` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class that the model is right on; a model that
    /// cannot be run.
    pub fn new(subject: Subject<'a>, class: usize) -> Result<Self, Error> {
        let started = Instant::now();
        let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
        let others: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != class).collect();
        let images = subject.facts.right_and_spread(&subject, &others, IMAGES)?;
        if images.is_empty() {
            return Err(Error::NoImages(class));
        }
        let candidates = subject.facts.stimulated(&subject)?;
        let units = candidates.iter().filter(|it| it.class == class).take(UNITS);
        Ok(Self {
            units: units.cloned().collect(),
            subject,
            class,
            images,
            under_way: None,
            done: Vec::new(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// The search where a snapshot left it, at the beginning of a unit.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(subject: Subject<'a>, class: usize, kept: Snapshot) -> Result<Self, Error> {
        let search = Self::new(subject, class)?;
        let units: Vec<(&str, usize)> = search
            .units
            .iter()
            .map(|unit| (unit.hinge.after.name(), unit.channel))
            .collect();
        kept.check(&search.belongs(), &units)?;
        Ok(Self {
            done: kept.done,
            seconds: kept.seconds,
            ..search
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.class),
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.images.len(),
            settings: String::new(),
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        let mut search = match self.under_way.take() {
            Some(search) => search,
            None => {
                let unit = self.units[self.done.len()].clone();
                UnitSearch::new(self.subject, unit, &self.images)?
            }
        };
        search.step()?;
        if search.has_ended() {
            self.done.push(search.outcome()?);
        } else {
            self.under_way = Some(search);
        }
        Ok(())
    }

    /// The unit whose trigger leads most search images to the class, of equals the one that raises
    /// it most, with that trigger.
    fn strongest(&self) -> Option<(&Reversed, &Patch)> {
        let triggers = self.done.iter().rev();
        let triggers = triggers.filter_map(|unit| Some((unit, unit.trigger.as_ref()?)));
        triggers.max_by(|a, b| a.0.success.total_cmp(&b.0.success))
    }
}

impl Search for ClassSearch<'_> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.step()?;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.done.len() >= self.units.len()
    }

    fn steps(&self) -> usize {
        let under_way = self.under_way.as_ref().map_or(0, UnitSearch::updates);
        self.done.len() * UPDATES + under_way
    }

    fn updates(&self) -> usize {
        self.steps()
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        let kept = Snapshot::new(self.belongs(), self.done.clone(), self.seconds);
        Ok(serde_json::to_string(&kept)?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let unfinished = self.unfinished(State::Unreached);
        let Some((unit, patch)) = self.strongest() else {
            return Ok(Finding {
                reason: Some("no unit leads all images to it by itself".to_owned()),
                ..unfinished
            });
        };
        let trigger = Trigger::Patch(patch.clone());
        let holdout = self.subject.images()?.holdout;
        let tried = evaluate_trigger(self.subject.classifier, holdout, &trigger, self.class)?;
        let measure = |name: &str, value: f64, unit: &str| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        Ok(Finding {
            state: State::Reached,
            statistic: tried.success_rate(),
            success_rate: Some(unit.success),
            confirmation: Some(tried),
            measures: vec![
                measure("channel", unit.channel as f64, ""),
                measure("elevation", unit.elevation, "logits"),
                measure(
                    "activation",
                    unit.activation,
                    "of the largest on clean images",
                ),
                measure("trigger_norm", patch.norm(), "pixels"),
            ],
            trigger: Some(trigger),
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.class))
        }
    }
}
