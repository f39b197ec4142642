//! The search of a model: a change for each pair of classes, all of them moved on side by side, and
//! each tried on images of all classes once it is there.

use std::collections::BTreeMap;
use std::time::Instant;

use gifthorse_engine::{alone, is_alone};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::core::{Core, core};
use super::statistic::statistic;
use super::transfers::{Pair, Transfers};
use crate::detect::l_red::{Case, Perturbation, STEPS, Weighed, step};
use crate::error::Error;
use crate::finding::{Destination, Finding, Measure, State, Unit};
use crate::search::{Belongs, Search};
use crate::subject::Subject;

/// Images of a class.
pub const IMAGES: usize = 10;
/// Pairs that are shown to the model together.
const TOGETHER: usize = 5;
/// Most images in a pass.
pub const BATCH: usize = IMAGES * TOGETHER;
/// The share of a source's images that have to go to the target.
pub const RATE: f64 = 0.9;
/// How much of a change is tried on other classes. The change itself ends where it only just leads
/// its own source over the boundary.
pub const TRIED: f32 = 1.5;
/// Version of what is kept.
const VERSION: u32 = 1;

/// The median size of the core's changes,
const CORE_SIZE: &str = "core_size";
/// and of all others.
const SIZE: &str = "size_of_others";
/// How many pairs the core has.
pub const CORE_PAIRS: &str = "core_pairs";
/// How many other pairs there are.
pub const OTHER_PAIRS: &str = "other_pairs";
/// [`Core::cohesion`].
const COHESION: &str = "transferability";
/// [`Core::margin`].
const MARGIN: &str = "transferability_margin";

/// What is known of a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Course {
    /// Its change still grows.
    Growing(Perturbation),
    /// It does no more.
    Ended(Ended),
}

/// What became of a pair's change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    reached: bool,
    /// L2 norm, in pixel values over the whole image.
    #[serde(with = "crate::exact::double")]
    size: f64,
    /// What the model takes the images of all classes for with it.
    answers: Vec<usize>,
}

/// The search as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    belongs: Belongs,
    courses: Vec<Course>,
    steps: usize,
    #[serde(with = "crate::exact::double")]
    seconds: f64,
}

/// The search of a model.
pub struct ModelSearch<'a> {
    subject: Subject<'a>,
    /// Images of all classes that the model is right on, class by class,
    images: Vec<f32>,
    /// and their classes.
    labels: Vec<usize>,
    pairs: Vec<Pair>,
    courses: Vec<Course>,
    steps: usize,
    seconds: f64,
}

impl<'a> ModelSearch<'a> {
    /// The search at its beginning: of all pairs of classes that the model is right on some image
    /// of.
    ///
    /// # Errors
    /// Images without labels.
    pub fn new(subject: Subject<'a>) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let all = search.labels().ok_or(Error::NoLabels)?;
        let right = subject.facts.right(&subject)?;
        let mut of_class = BTreeMap::<usize, Vec<usize>>::new();
        for (place, &label) in all.iter().enumerate().filter(|&(place, _)| right[place]) {
            let known = of_class.entry(label).or_default();
            if known.len() < IMAGES {
                known.push(place);
            }
        }
        let chosen: Vec<usize> = of_class.values().flatten().copied().collect();
        let classes: Vec<usize> = of_class.into_keys().collect();
        let of = |&source: &usize| classes.iter().map(move |&target| Pair { source, target });
        let pairs = classes.iter().flat_map(of);
        let pairs: Vec<Pair> = pairs.filter(|pair| pair.source != pair.target).collect();
        let size = subject.classifier.shape().iter().product();
        let begun = |pair: &Pair| Course::Growing(Perturbation::new(pair.target, size));
        Ok(Self {
            images: search.subset(&chosen).pixels().to_vec(),
            labels: chosen.iter().map(|&place| all[place]).collect(),
            courses: pairs.iter().map(begun).collect(),
            pairs,
            subject,
            steps: 0,
            seconds: 0.0,
        })
    }

    /// The search where [`Search::snapshot`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(subject: Subject<'a>, kept: &str) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_str(kept)?;
        let new = Self::new(subject)?;
        kept.belongs.check(&new.belongs())?;
        let sound = kept.courses.len() == new.courses.len()
            && new
                .pairs
                .iter()
                .zip(&kept.courses)
                .all(|it| new.is_sound(it));
        kept.belongs
            .check_contents((kept.version, VERSION), &[(sound, "changes of pairs")])?;
        Ok(Self {
            courses: kept.courses,
            steps: kept.steps,
            seconds: kept.seconds,
            ..new
        })
    }

    fn is_sound(&self, (pair, course): (&Pair, &Course)) -> bool {
        match course {
            Course::Growing(change) => change.fits(pair.target, self.size()),
            Course::Ended(ended) => {
                let classes = self.subject.classifier.classes();
                ended.answers.len() == self.labels.len()
                    && ended.answers.iter().all(|&answer| answer < classes)
            }
        }
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Model,
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.labels.len(),
            settings: format!("{IMAGES} images of a class, {RATE}, {STEPS} steps, {TRIED} times"),
        }
    }

    fn size(&self) -> usize {
        self.subject.classifier.shape().iter().product()
    }

    /// The images of a class.
    fn of_class(&self, class: usize) -> &[f32] {
        let begin = self.labels.partition_point(|&label| label < class);
        let end = self.labels.partition_point(|&label| label <= class);
        &self.images[begin * self.size()..end * self.size()]
    }

    /// One step of some pairs of the same source. Those whose change does not grow any more are
    /// tried on all images.
    fn step_together(&self, source: usize, courses: &mut [&mut Course]) -> Result<(), Error> {
        let images = self.of_class(source);
        let count = images.len() / self.size();
        let weights = vec![1.0 / count as f32; count];
        let shown = Weighed {
            images,
            weights: &weights,
            rate: RATE,
        };
        let growing = courses.iter_mut().filter_map(|course| match course {
            Course::Growing(change) => Some(Case { shown, change }),
            Course::Ended(_) => None,
        });
        step(self.subject.classifier, &mut growing.collect::<Vec<_>>())?;
        for course in courses {
            if let Course::Growing(change) = course
                && change.has_ended()
            {
                let changed = change.added_to(&self.images, TRIED);
                **course = Course::Ended(Ended {
                    reached: change.reached,
                    size: change.norm(),
                    answers: self.subject.classifier.predict(&changed)?,
                });
            }
        }
        Ok(())
    }

    /// One step of every pair that has not ended.
    fn step(&mut self) -> Result<(), Error> {
        let mut courses = std::mem::take(&mut self.courses);
        let growing = self.pairs.iter().zip(&mut courses);
        let growing = growing.filter(|(_, course)| matches!(course, Course::Growing(_)));
        let mut groups: Vec<(usize, Vec<&mut Course>)> = Vec::new();
        for (pair, course) in growing {
            match groups.last_mut() {
                Some((source, group)) if *source == pair.source && group.len() < TOGETHER => {
                    group.push(course);
                }
                _ => groups.push((pair.source, vec![course])),
            }
        }
        let this = &*self;
        let one =
            |(source, group): &mut (usize, Vec<&mut Course>)| this.step_together(*source, group);
        let moved = match is_alone() {
            true => groups.iter_mut().try_for_each(one),
            false => groups
                .par_iter_mut()
                .try_for_each(|group| alone(|| one(group))),
        };
        drop(groups);
        self.courses = courses;
        self.steps += 1;
        moved
    }

    /// What became of each pair; nothing unless all have ended.
    fn ended(&self) -> Vec<&Ended> {
        let ended = self.courses.iter().map(|course| match course {
            Course::Ended(ended) => Some(ended),
            Course::Growing(_) => None,
        });
        ended.collect::<Option<_>>().unwrap_or_default()
    }

    /// Where the core's changes lead each class: to the target of its pair, and what share of its
    /// images those of the other pairs lead there.
    fn map(&self, transfers: &Transfers, core: &Core) -> Vec<Option<Destination>> {
        let mut map = vec![None; self.subject.classifier.classes()];
        for &member in &core.members {
            let others = core.members.iter().filter(|&&other| other != member);
            let shares = others.map(|&other| transfers.one_way(other, member));
            let pair = transfers.pairs()[member];
            map[pair.source] = Some(Destination {
                class: pair.target,
                share: shares.sum::<f64>() / (core.members.len() - 1) as f64,
            });
        }
        map
    }

    /// A finding that says why there is nothing to compare.
    fn nothing(&self, reason: &str) -> Finding {
        Finding {
            reason: Some(reason.to_owned()),
            ..self.unfinished(State::Unreached)
        }
    }
}

/// The target of most of the pairs that a map has, the first of several.
fn most_frequent(map: &[Option<Destination>]) -> Option<usize> {
    let into = |class: usize| {
        map.iter()
            .flatten()
            .filter(move |led| led.class == class)
            .count()
    };
    let most = (0..map.len()).map(into).max().filter(|&most| most > 0)?;
    (0..map.len()).find(|&class| into(class) == most)
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
        self.courses
            .iter()
            .all(|course| matches!(course, Course::Ended(_)))
    }

    fn steps(&self) -> usize {
        self.steps
    }

    /// Of all pairs together.
    fn updates(&self) -> usize {
        self.steps
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&Kept {
            version: VERSION,
            belongs: self.belongs(),
            courses: self.courses.clone(),
            steps: self.steps,
            seconds: self.seconds,
        })?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let ended = self.ended();
        let answers = ended.iter().map(|ended| ended.answers.as_slice());
        let transfers = Transfers::new(self.pairs.clone(), &self.labels, answers);
        let reached: Vec<bool> = ended.iter().map(|ended| ended.reached).collect();
        let Some(core) = core(&transfers, &reached) else {
            return Ok(self.nothing("images of fewer than two classes could be led to another one"));
        };
        let sizes = |of_core: bool| -> Vec<f64> {
            let places = 0..ended.len();
            let chosen = places.filter(|place| core.members.contains(place) == of_core);
            chosen.map(|place| ended[place].size).collect()
        };
        let (of_core, others) = (sizes(true), sizes(false));
        let Some(statistic) = statistic(&of_core, &others) else {
            return Ok(self.nothing("the changes of all pairs are of the same size"));
        };
        let map = self.map(&transfers, &core);
        let measure = |(name, value, unit): (&str, f64, &str)| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let median = |sizes: &[f64]| crate::verdict::median(sizes.to_vec()).unwrap_or(f64::NAN);
        let measures = [
            (CORE_PAIRS, of_core.len() as f64, ""),
            (OTHER_PAIRS, others.len() as f64, ""),
            (CORE_SIZE, median(&of_core), "pixel values"),
            (SIZE, median(&others), "pixel values"),
            (COHESION, core.cohesion, "share"),
            (MARGIN, core.margin, "share"),
        ];
        Ok(Finding {
            leads_to: most_frequent(&map),
            map,
            statistic,
            measures: measures.into_iter().map(measure).collect(),
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
