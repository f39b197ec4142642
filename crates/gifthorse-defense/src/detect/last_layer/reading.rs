//! The reading of the last layer for one class, a search of a single step.

use std::time::Instant;

use super::indicators::Indicators;
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::Search;
use crate::subject::Subject;

/// Reads off what the last layer says of a class.
pub struct Reading<'a> {
    subject: Subject<'a>,
    class: usize,
    /// Which of the numbers is the statistic.
    statistic: fn(&Indicators) -> f64,
    /// Whether the others are told beside it.
    tells: bool,
    done: bool,
}

impl<'a> Reading<'a> {
    /// That of the class of a unit, with one of the numbers as its statistic; those that no
    /// detector has for its own are told beside it if it `tells`.
    ///
    /// # Errors
    /// No images; a unit that is no class.
    pub fn of(
        subject: &Subject<'a>,
        unit: Unit,
        statistic: fn(&Indicators) -> f64,
        tells: bool,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        subject.images()?;
        Ok(Box::new(Self {
            subject: *subject,
            class: unit.class()?,
            statistic,
            tells,
            done: false,
        }))
    }
}

impl Search for Reading<'_> {
    /// Works out what all classes share, and nothing if that was done.
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        if steps > 0 && !self.done {
            self.done = true;
            // What goes wrong is the finding.
            let _ = self.subject.facts.last_layer(&self.subject);
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.done
    }

    fn steps(&self) -> usize {
        self.updates()
    }

    fn updates(&self) -> usize {
        usize::from(self.done)
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok("null".to_owned())
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let unfinished = self.unfinished(State::Unreached);
        let last = match self.subject.facts.last_layer(&self.subject) {
            Ok(last) => last,
            Err(why) => {
                return Ok(Finding {
                    reason: Some(why),
                    ..unfinished
                });
            }
        };
        let of_class = Indicators::of(&last, self.class);
        let statistic = (self.statistic)(&of_class);
        if !statistic.is_finite() {
            return Ok(Finding {
                reason: Some("weights or features are infinite or not numbers".to_owned()),
                ..unfinished
            });
        }
        let measure = |(name, value, unit): (&str, f64, &str)| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let measures = [
            ("largest_weight", of_class.largest, ""),
            ("weight_skewness", of_class.skewness, ""),
            ("random_features_won", last.shares_won[self.class], "share"),
        ];
        Ok(Finding {
            state: State::Reached,
            statistic,
            measures: match self.tells {
                true => measures.map(measure).to_vec(),
                false => Vec::new(),
            },
            seconds: started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            updates: self.updates(),
            ..Finding::skipped(Unit::Class(self.class))
        }
    }
}
