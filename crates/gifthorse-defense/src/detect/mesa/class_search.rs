//! The search of one class: one generator after the other.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::square::Squares;
use super::task::{Draw, Task};
use super::training::{Ended, Training, TrainingAtRest, Which, places};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search, evaluate_trigger};
use crate::subject::Subject;
use crate::trigger::Trigger;

/// The version of the format that is written and read.
const VERSION: u32 = 1;
/// Smaller losses of a size count as this one: no square is trusted beyond it.
pub const LEAST_LOSS: f64 = 0.01;
/// Share of the images that a square works on.
pub const WORKS: f64 = 0.6;
/// Places that are tried for the square that is shown,
const PLACES: usize = 16;
/// and images that they are tried on.
const TRIED: usize = 32;

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
            config.caps.iter().map(move |&cap| (squares, cap))
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

    /// The best square of each size, of those that have ended, the smallest size in front.
    fn of_sizes(&self) -> Vec<(Which, &Ended)> {
        let mut best: Vec<(Which, &Ended)> = Vec::new();
        for (&which, ended) in self.generators.iter().zip(&self.ended) {
            match best.last_mut() {
                Some(last) if last.0.squares.side == which.squares.side => {
                    if ended.loss < last.1.loss {
                        *last = (which, ended);
                    }
                }
                _ => best.push((which, ended)),
            }
        }
        best
    }

    /// The square to show: of the smallest size that works, else the one of the lowest loss; at the
    /// best of some places.
    fn trigger(&self) -> Result<Option<(Trigger, Which, &Ended)>, Error> {
        let of_sizes = self.of_sizes();
        let works = of_sizes.iter().find(|(_, ended)| ended.success >= WORKS);
        let lowest = || of_sizes.iter().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss));
        let Some(&(which, ended)) = works.or_else(lowest) else {
            return Ok(None);
        };
        let images = self.task.first(TRIED)?;
        let count = TRIED.min(self.task.images.len());
        let mut random = self.task.random(which.number, Draw::Places);
        let mut best = None;
        for place in places(which.squares, PLACES, &mut random) {
            let shown = (images.as_slice(), vec![place; count]);
            let tried = self
                .task
                .tried(which.squares, &ended.square, (shown.0, &shown.1))?;
            if best.is_none_or(|(_, least)| tried.loss < least) {
                best = Some((place, tried.loss));
            }
        }
        Ok(best.map(|(place, _)| {
            let patch = which.squares.patch(&ended.square, place);
            (Trigger::Patch(patch), which, ended)
        }))
    }

    /// The geometric mean of the losses of the sizes; not a number where one is none.
    fn loss(&self) -> f64 {
        let of_sizes = self.of_sizes();
        let logarithms = of_sizes.iter().map(|(_, ended)| match ended.loss.is_nan() {
            true => f64::NAN,
            false => ended.loss.max(LEAST_LOSS).ln(),
        });
        (logarithms.sum::<f64>() / of_sizes.len().max(1) as f64).exp()
    }

    fn measures(&self, which: Which, shown: &Ended) -> Vec<Measure> {
        let mut measures = Vec::new();
        for (which, ended) in self.of_sizes() {
            let name = format!("success_of_side_{}", which.squares.side);
            measures.push((name, ended.success, "share"));
        }
        measures.push(("side".to_owned(), which.squares.side as f64, "pixels"));
        measures.push(("information".to_owned(), shown.information, "nats"));
        let measure = |(name, value, unit): (String, f64, &str)| Measure {
            name,
            value,
            unit: unit.to_owned(),
        };
        measures.into_iter().map(measure).collect()
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
