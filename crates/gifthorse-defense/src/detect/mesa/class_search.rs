//! The search of one class: one generator after the other.

mod outcome;

use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use self::outcome::{LEAST_LOSS, WORKS};
use super::config::Config;
use super::judgement::Ended;
use super::square::Squares;
use super::task::Task;
use super::training::{Training, TrainingAtRest, Which};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::{Belongs, Search, evaluate_trigger};
use crate::subject::Subject;

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// The search at rest.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    version: u32,
    belongs: Belongs,
    ended: Vec<Ended>,
    under_way: TrainingAtRest,
    seconds: f64,
}

/// A search for squares that lead all images to a class.
pub struct ClassSearch<'a> {
    task: Task<'a>,
    generators: Vec<Which>,
    /// What the first of them came to,
    ended: Vec<Ended>,
    /// and the next one.
    under_way: Training,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let task = Task::new(subject, config, target)?;
        let shape = subject.classifier.shape();
        let sides = config.sides_in(shape);
        let each = sides.iter().flat_map(|&side| {
            let squares = Squares { shape, side };
            config.caps().iter().map(move |&cap| (squares, cap))
        });
        let numbered = each.enumerate();
        let generators: Vec<Which> = numbered
            .map(|(number, (squares, cap))| Which {
                number,
                squares,
                cap,
            })
            .collect();
        Ok(Self {
            under_way: Training::new(&task, generators[0]),
            task,
            generators,
            ended: Vec::new(),
            seconds: 0.0,
        })
    }

    /// The search where a snapshot left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(
        subject: Subject<'a>,
        config: &'a Config,
        target: usize,
        kept: Kept,
    ) -> Result<Self, Error> {
        let new = Self::new(subject, config, target)?;
        if kept.version == VERSION {
            kept.belongs.check(&new.belongs())?;
        }
        let fits = |(ended, which): (&Ended, &Which)| ended.square.len() == which.squares.values();
        let current = kept.ended.len().min(new.generators.len() - 1);
        let values = new.generators[current].squares.values();
        let sound = [
            (
                kept.ended.len() <= new.generators.len()
                    && kept.ended.iter().zip(&new.generators).all(fits),
                "squares are of another size",
            ),
            (
                kept.under_way.fits(config, values),
                "the generator is of another size",
            ),
        ];
        new.belongs()
            .check_contents((kept.version, VERSION), &sound)?;
        Ok(Self {
            under_way: Training::resume(&new.task, kept.under_way),
            ended: kept.ended,
            seconds: kept.seconds,
            ..new
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.task.target),
            seed: self.task.subject.seed,
            shape: self.task.classifier().shape(),
            images: self.task.images.len(),
            settings: self.task.config.fingerprint(),
        }
    }

    /// One update; the last one of a generator also judges it.
    fn step(&mut self) -> Result<(), Error> {
        let which = self.generators[self.ended.len()];
        self.under_way.update(&self.task, which)?;
        if self.under_way.updates >= self.task.config.updates {
            self.ended.push(self.under_way.judged(&self.task, which)?);
            if let Some(&next) = self.generators.get(self.ended.len()) {
                self.under_way = Training::new(&self.task, next);
            }
        }
        Ok(())
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
        self.ended.len() >= self.generators.len()
    }

    fn steps(&self) -> usize {
        let done = self.ended.len() * self.task.config.updates;
        match self.has_ended() {
            true => done,
            false => done + self.under_way.updates,
        }
    }

    fn updates(&self) -> usize {
        self.steps()
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&Kept {
            version: VERSION,
            belongs: self.belongs(),
            ended: self.ended.clone(),
            under_way: self.under_way.at_rest(),
            seconds: self.seconds,
        })?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let unfinished = self.unfinished(State::Unreached);
        let statistic = self.loss();
        let shown = self.trigger()?;
        let Some((trigger, which, ended)) = shown.filter(|_| statistic.is_finite()) else {
            return Ok(Finding {
                reason: Some("its margins are not numbers".to_owned()),
                ..unfinished
            });
        };
        let images = self.task.subject.images()?;
        let classifier = self.task.classifier();
        let target = self.task.target;
        let tried = evaluate_trigger(classifier, images.search, &trigger, target)?;
        let holdout = evaluate_trigger(classifier, images.holdout, &trigger, target)?;
        Ok(Finding {
            state: State::Reached,
            statistic,
            measures: self.measures(which, ended),
            trigger: Some(trigger),
            success_rate: Some(tried.success_rate()),
            confirmation: Some(holdout),
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.task.target))
        }
    }
}
