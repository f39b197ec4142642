//! The search of a model: a patch for each pair of classes, and a last search, with more images, of
//! the pair that stands out most.

mod kept;

use std::time::Instant;

use gifthorse_engine::{alone, is_alone};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::detect::neural_cleanse::{Aim, ClassSearch, Config, LEAST_NORM, Task};
use crate::detect::umd::Pair;
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::Search;
use crate::subject::Subject;

/// Images of a class that the model is right on which are needed, or any speck leads them away.
const FEWEST_IMAGES: usize = 6;
/// Classes with as many that are needed: with fewer, hardly a pair is left to compare one with.
pub const FEWEST_CLASSES: usize = 5;
/// Searches of pairs that go on side by side.
const ABREAST: usize = 32;
/// Pairs behind the first that are told.
const TOLD: usize = 3;

/// How far a pair that is told stands out.
const STRENGTH: &str = "strength";
/// The norm of the smallest patch that the last search found,
const NORM: &str = "norm";
/// that of the pair's own search,
const NORM_OF_PAIR: &str = "norm_among_pairs";
/// and the median over all pairs.
const MEDIAN: &str = "median_norm";

/// Settings of the searches.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of the search of each pair.
    pub of_pairs: Config,
    /// Of the last search.
    pub of_last: Config,
}

/// What became of a pair's search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    reached: bool,
    #[serde(with = "crate::exact::double")]
    norm: f64,
    updates: usize,
}

/// The search of a model.
pub struct ModelSearch<'a> {
    subject: Subject<'a>,
    settings: &'a Settings,
    /// The classes that are searched.
    classes: Vec<usize>,
    /// All pairs of them,
    pairs: Vec<Pair>,
    /// and what became of each.
    ended: Vec<Option<Ended>>,
    /// Searches that go on, with the places of their pairs.
    running: Vec<(usize, ClassSearch<'a>)>,
    last: Option<ClassSearch<'a>>,
    steps: usize,
    seconds: f64,
}

/// The classes of which there are enough images that the model is right on.
fn searchable(subject: &Subject<'_>) -> Result<Vec<usize>, Error> {
    let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
    let mut images = vec![0_usize; subject.classifier.classes()];
    for (&label, &right) in labels.iter().zip(subject.facts.right(subject)?.iter()) {
        images[label] += usize::from(right);
    }
    let all = 0..images.len();
    Ok(all
        .filter(|&class| images[class] >= FEWEST_IMAGES)
        .collect())
}

impl<'a> ModelSearch<'a> {
    /// The search at its beginning.
    ///
    /// # Errors
    /// Images without labels, or a model that cannot be run.
    pub fn new(subject: Subject<'a>, settings: &'a Settings) -> Result<Self, Error> {
        let classes = searchable(&subject)?;
        let of = |&source: &usize| {
            let targets = classes.iter().filter(move |&&target| target != source);
            targets.map(move |&target| Pair { source, target })
        };
        let pairs: Vec<Pair> = match classes.len() < FEWEST_CLASSES {
            true => Vec::new(),
            false => classes.iter().flat_map(of).collect(),
        };
        Ok(Self {
            ended: vec![None; pairs.len()],
            pairs,
            classes,
            subject,
            settings,
            running: Vec::new(),
            last: None,
            steps: 0,
            seconds: 0.0,
        })
    }

    fn task(&self, config: &'a Config) -> Result<Task<'a>, Error> {
        Task::of(&self.subject, config, None)
    }

    fn aim(&self, place: usize) -> Aim {
        let Pair { source, target } = self.pairs[place];
        Aim::Pair { source, target }
    }

    /// Begins searches until as many go on as may.
    fn begin_more(&mut self) -> Result<(), Error> {
        let task = self.task(&self.settings.of_pairs)?;
        let begun = |this: &Self, place: usize| {
            this.ended[place].is_some() || this.running.iter().any(|running| running.0 == place)
        };
        for place in 0..self.pairs.len() {
            if self.running.len() >= ABREAST {
                break;
            }
            if !begun(self, place) {
                let search = ClassSearch::new(task, self.aim(place))?;
                self.running.push((place, search));
            }
        }
        Ok(())
    }

    /// Moves on the searches that go on, and takes note of those that have ended.
    fn step_pairs(&mut self) -> Result<(), Error> {
        self.begin_more()?;
        let advance = |(_, search): &mut (usize, ClassSearch<'a>)| search.advance(1);
        match is_alone() {
            true => self.running.iter_mut().try_for_each(advance)?,
            false => {
                let each = self.running.par_iter_mut().with_max_len(1);
                each.try_for_each(|running| alone(|| advance(running)))?;
            }
        }
        for (place, search) in self
            .running
            .extract_if(.., |(_, search)| search.has_ended())
        {
            let found = search.unfinished(State::Reached);
            self.ended[place] = Some(Ended {
                reached: search.is_reached(),
                norm: found.statistic,
                updates: found.updates,
            });
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        match &mut self.last {
            Some(last) => last.advance(1)?,
            None => {
                self.step_pairs()?;
                if let Some(place) = self.strongest() {
                    let task = self.task(&self.settings.of_last)?;
                    self.last = Some(ClassSearch::new(task, self.aim(place))?);
                }
            }
        }
        Ok(())
    }

    /// The norms of all pairs, once all searches have ended.
    fn table(&self) -> Option<Table> {
        let ended: Option<Vec<Ended>> = self.ended.iter().copied().collect();
        let norms = ended?.into_iter().map(|it| it.norm.max(LEAST_NORM));
        let pairs = self.pairs.iter().copied();
        Table::new(&self.classes, pairs.zip(norms))
    }

    /// The places of the pairs whose search found a trigger, those that stand out most in front,
    /// with how far they do.
    fn ranked(&self) -> Vec<(usize, f64)> {
        let Some(table) = self.table() else {
            return Vec::new();
        };
        let strengths = table.strengths();
        let places = 0..self.pairs.len();
        let reached = places.filter(|&place| self.ended[place].is_some_and(|it| it.reached));
        let mut ranked: Vec<(usize, f64)> = reached
            .filter_map(|place| Some((place, strengths.of(self.pairs[place])?)))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked
    }

    fn strongest(&self) -> Option<usize> {
        Some(self.ranked().first()?.0)
    }

    fn measures(&self, ranked: &[(usize, f64)]) -> Vec<Measure> {
        let norms = self.ended.iter().flatten().map(|ended| ended.norm);
        let median = crate::verdict::median(norms.collect()).unwrap_or(f64::NAN);
        let first = ranked.first().and_then(|&(place, _)| self.ended[place]);
        let norm = first.map_or(f64::NAN, |ended| ended.norm);
        let mut measures = vec![
            (NORM_OF_PAIR.to_owned(), norm, "pixels"),
            (MEDIAN.to_owned(), median, "pixels"),
        ];
        measures.extend(ranked.iter().skip(1).take(TOLD).map(|&(place, strength)| {
            let Pair { source, target } = self.pairs[place];
            (format!("{STRENGTH}_of_{source}_to_{target}"), strength, "")
        }));
        let named = measures.into_iter().map(|(name, value, unit)| Measure {
            name,
            value,
            unit: unit.to_owned(),
        });
        named.collect()
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
            Some(last) => last.has_ended(),
            None => self.ended.iter().all(Option::is_some) && self.strongest().is_none(),
        }
    }

    fn steps(&self) -> usize {
        self.steps
    }

    /// Of all pairs, on average; those of the last search are not counted.
    fn updates(&self) -> usize {
        let ended = self.ended.iter().flatten().map(|ended| ended.updates);
        let running = self.running.iter().map(|(_, search)| search.updates());
        let made: usize = ended.chain(running).sum();
        made.div_ceil(self.pairs.len().max(1))
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&self.at_rest())?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let ranked = self.ranked();
        let (Some(&(place, strength)), Some(last)) = (ranked.first(), &self.last) else {
            let reason = match self.pairs.is_empty() {
                true => format!(
                    "there are {FEWEST_IMAGES} images that the model is right on of fewer than \
                     {FEWEST_CLASSES} classes"
                ),
                false => "no patch leads images of a class to another one".to_owned(),
            };
            return Ok(Finding {
                reason: Some(reason),
                ..self.unfinished(State::Unreached)
            });
        };
        let started = Instant::now();
        let found = last.finding()?;
        let mut measures = found.measures;
        measures.push(Measure {
            name: NORM.to_owned(),
            value: found.statistic,
            unit: "pixels".to_owned(),
        });
        measures.extend(self.measures(&ranked));
        Ok(Finding {
            leads_from: Some(self.pairs[place].source),
            leads_to: Some(self.pairs[place].target),
            statistic: strength,
            trigger: found.trigger,
            success_rate: found.success_rate,
            confirmation: found.confirmation,
            measures,
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
