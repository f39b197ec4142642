//! The search of a model: every place, and a last search, with more images, at the one that stands
//! out most.

mod kept;

use std::time::Instant;

use gifthorse_engine::{alone, is_alone};
use rayon::prelude::*;

use super::aim::{Aim, Found};
use super::ascent::Ascent;
use super::images::{Led, Shown};
use super::table::Table;
use super::window::{Window, Windows};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::trigger::{Patch, Trigger};

/// Steps at each place.
const STEPS: usize = 12;
/// Steps of the last search.
const LAST_STEPS: usize = 100;
/// Searches that go on side by side.
const ABREAST: usize = 16;
/// Classes behind the first whose best place is told.
const TOLD: usize = 3;

/// What one search differs in from another of the same aim.
pub const SETTINGS: [(&str, usize); 3] = [
    ("steps", STEPS),
    ("last_steps", LAST_STEPS),
    ("abreast", ABREAST),
];

/// The steps of so many searches at each of 64 places.
pub fn usual_steps(searches: usize) -> usize {
    searches * 64 * STEPS + LAST_STEPS
}

/// The search of a model.
pub struct ModelSearch<'a> {
    subject: Subject<'a>,
    aim: Aim,
    /// How far clean images of a usual class lie from the next class, in logits.
    margin: f64,
    /// Of each window, its places in an image.
    windows: Vec<Vec<usize>>,
    /// Windows beside one another.
    columns: usize,
    /// What became of the searches that have ended, which are the first: of each of the aim's
    /// images, every window in turn.
    ended: Vec<Vec<Led>>,
    /// Those behind them that go on.
    running: Vec<Ascent>,
    last: Option<Last>,
    steps: usize,
    seconds: f64,
}

/// The last search.
struct Last {
    shown: Shown,
    found: Found,
    ascent: Ascent,
}

impl<'a> ModelSearch<'a> {
    /// The search at its beginning.
    ///
    /// # Errors
    /// Images without labels, or a model that cannot be run.
    pub fn new(subject: Subject<'a>, aim: Aim) -> Result<Self, Error> {
        let shape = subject.classifier.shape();
        let [_, height, width] = shape;
        let Windows { all, columns } = Windows::over(height, width);
        let places = |window: Window| window.places(shape);
        Ok(Self {
            margin: aim.margin(&subject)?,
            subject,
            aim,
            windows: all.into_iter().map(places).collect(),
            columns,
            ended: Vec::new(),
            running: Vec::new(),
            last: None,
            steps: 0,
            seconds: 0.0,
        })
    }

    /// How many searches there are.
    fn count(&self) -> usize {
        self.aim.shown().len() * self.windows.len()
    }

    fn ascent(&self, number: usize) -> Ascent {
        let values = self.windows.first().map_or(0, Vec::len);
        Ascent::new(self.subject.seed, number, values)
    }

    /// Moves on the searches that go on, and takes note of them once they have ended.
    fn step_places(&mut self) -> Result<(), Error> {
        if self.running.is_empty() {
            let next = (self.ended.len()..self.count()).take(ABREAST);
            self.running = next.map(|number| self.ascent(number)).collect();
        }
        let classifier = self.subject.classifier;
        let (aim, windows, first) = (&self.aim, &self.windows, self.ended.len());
        let at = |place: usize| {
            let number = first + place;
            let shown = &aim.shown()[number / windows.len()];
            (shown, windows[number % windows.len()].as_slice())
        };
        let advance = |(place, ascent): (usize, &mut Ascent)| {
            let (shown, window) = at(place);
            ascent.step(classifier, shown, window, None)
        };
        let running = &mut self.running;
        match is_alone() {
            true => running.iter_mut().enumerate().try_for_each(advance)?,
            false => {
                let each = running.par_iter_mut().enumerate().with_max_len(1);
                each.try_for_each(|it| alone(|| advance(it)))?;
            }
        }
        if self.running.first().is_some_and(|it| it.steps == STEPS) {
            for (place, ascent) in std::mem::take(&mut self.running).into_iter().enumerate() {
                let (shown, window) = at(place);
                self.ended
                    .push(aim.outcome(&ascent.led(classifier, shown, window)?));
            }
        }
        Ok(())
    }

    /// What is found at the place of each class that stands out most, those that stand out most in
    /// front. Empty before all searches have ended, and where no images are led away.
    fn ranked(&self) -> Vec<Found> {
        let places = self.windows.len();
        if self.ended.len() < self.count() || self.ended.is_empty() {
            return Vec::new();
        }
        let (classes, cells) = self.aim.table(&self.ended, places);
        let table = Table {
            cells: &cells,
            places,
            columns: self.columns,
            margin: self.margin,
        };
        let prominence = table.prominence();
        let rows = prominence.chunks(places).zip(classes).enumerate();
        let mut ranked: Vec<Found> = rows
            .filter_map(|(row, (prominence, class))| {
                let at_places = prominence.iter().enumerate();
                let (window, &prominence) = at_places.max_by(|a, b| a.1.total_cmp(b.1))?;
                let target = cells[row * places + window].to;
                (prominence > 0.0).then_some(Found {
                    source: (class != target).then_some(class),
                    target,
                    window,
                    prominence,
                })
            })
            .collect();
        let before = |a: &Found, b: &Found| b.prominence.total_cmp(&a.prominence);
        ranked.sort_by(before);
        ranked
    }

    /// The last search, at its beginning.
    fn last(&self) -> Result<Option<Last>, Error> {
        let Some(found) = self.ranked().first().copied() else {
            return Ok(None);
        };
        Ok(Some(Last {
            shown: self.aim.last_shown(&self.subject, &found)?,
            ascent: self.ascent(self.count()),
            found,
        }))
    }

    fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        match &mut self.last {
            Some(last) => {
                let window = &self.windows[last.found.window];
                let (classifier, target) = (self.subject.classifier, Some(last.found.target));
                last.ascent.step(classifier, &last.shown, window, target)?;
            }
            None => {
                self.step_places()?;
                self.last = self.last()?;
            }
        }
        Ok(())
    }

    fn measures(&self) -> Vec<Measure> {
        let next = self.ranked().into_iter().skip(1).take(TOLD).map(|found| {
            let target = found.target;
            let led = match found.source {
                Some(source) => format!("{source}_to_{target}"),
                None => target.to_string(),
            };
            (format!("prominence_of_{led}"), found.prominence)
        });
        let places = ("places".to_owned(), self.windows.len() as f64);
        let all = self.aim.measure().into_iter().chain([places]).chain(next);
        let named = all.map(|(name, value)| Measure {
            name,
            value,
            unit: String::new(),
        });
        named.collect()
    }

    /// What the last search made of the window.
    fn trigger(&self, last: &Last) -> Trigger {
        let [channels, height, width] = self.subject.classifier.shape();
        let plane = height * width;
        let mut mask = vec![0.0; plane];
        let mut pattern = vec![0.0; channels * plane];
        let window = &self.windows[last.found.window];
        for (&place, &value) in window.iter().zip(&last.ascent.pattern) {
            mask[place % plane] = 1.0;
            pattern[place] = value;
        }
        Trigger::Patch(Patch::quantised(&mask, &pattern))
    }
}

impl Search for ModelSearch<'_> {
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
        match &self.last {
            Some(last) => last.ascent.steps >= LAST_STEPS,
            None => self.ended.len() == self.count(),
        }
    }

    fn steps(&self) -> usize {
        self.steps
    }

    /// At all places, and those of the last search.
    fn updates(&self) -> usize {
        let running = self.running.iter().map(|ascent| ascent.steps);
        let last = self.last.iter().map(|last| last.ascent.steps);
        self.ended.len() * STEPS + running.chain(last).sum::<usize>()
    }

    fn at_most(&self) -> Option<usize> {
        Some(self.count() * STEPS + LAST_STEPS)
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&self.at_rest())?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let Some(last) = &self.last else {
            let reason = match self.aim.lacks() {
                Some(reason) => reason,
                None => "no small square leads images away from their class".to_owned(),
            };
            return Ok(Finding {
                reason: Some(reason),
                ..self.unfinished(State::Unreached)
            });
        };
        let started = Instant::now();
        let trigger = self.trigger(last);
        let tried = self.aim.try_on(&self.subject, &last.found, &trigger)?;
        Ok(Finding {
            leads_from: last.found.source,
            leads_to: Some(last.found.target),
            map: tried.map,
            statistic: last.found.prominence,
            success_rate: Some(tried.success_rate),
            confirmation: Some(tried.confirmation),
            trigger: Some(trigger),
            measures: self.measures(),
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..self.unfinished(State::Reached)
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Model)
        }
    }
}
