//! The early phase: all searches begin, fewer and fewer go on, and what is left is searched in full.

use std::time::Instant;

use gifthorse_engine::Classifier;
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::class_search::{ClassSearch, Task};
use super::effort::{EarlyPhase, Next};
use super::finding::{ClassFinding, State};
use super::keeper::{Keeper, KeeperError, Kept, Stage};
use super::search::side_by_side;
use crate::detect::observer::Observer;
use crate::error::Error;

/// The stream of random numbers that the sample is drawn with; those below are the classes' own.
const SAMPLE_STREAM: u64 = u64::MAX;

/// Which classes are searched in full.
pub struct Narrowed {
    /// Classes that were ahead; all, if there was no early phase.
    pub finalists: Vec<usize>,
    /// Classes drawn at random from the others.
    pub sampled: Vec<usize>,
    /// What is known of the rest: eliminated, or skipped if the phase was stopped.
    pub rest: Vec<ClassFinding>,
}

/// A class in the early phase; the search begins with the first round.
struct Entrant<'a> {
    class: usize,
    search: Option<ClassSearch<'a>>,
}

/// Finds out which of the classes to search in full.
///
/// # Errors
/// As the search.
pub fn narrow(
    task: &Task<'_>,
    early: &EarlyPhase,
    classes: &[usize],
    observer: &dyn Observer,
    keeper: &dyn Keeper,
) -> Result<Narrowed, Error> {
    let settings = early.settings(task.config, pixels(task.classifier));
    let short = Task {
        config: &settings,
        ..*task
    };
    let mut entrants: Vec<Entrant<'_>> = classes
        .iter()
        .map(|&class| Entrant {
            class,
            search: None,
        })
        .collect();
    let mut tops = Vec::new();
    while let Next::Go { classes, steps } = early.next(&settings, entrants.len(), &tops) {
        let live = &mut entrants[..classes];
        let round = Round {
            task: short,
            steps,
            most: task.config.most_updates(),
            observer,
            keeper,
        };
        live.par_iter_mut()
            .with_max_len(1)
            .try_for_each(|entrant| side_by_side(classes, || round.run(entrant)))?;
        if live.iter().any(|entrant| !entrant.has_made(steps)) {
            return Ok(stopped(entrants, task.classifier));
        }
        live.sort_by(|a, b| {
            let standing = |entrant: &Entrant<'_>| {
                let search = entrant.search.as_ref();
                search.map_or(f64::INFINITY, |search| {
                    early.standing(&settings, search.trace(), steps)
                })
            };
            let order = standing(a).total_cmp(&standing(b));
            order.then(a.class.cmp(&b.class))
        });
        tops.push(live[..early.finalists].iter().map(|e| e.class).collect());
    }
    Ok(divided(entrants, early, task, observer))
}

/// The finalists, a sample of the others, and the rest.
fn divided(
    mut entrants: Vec<Entrant<'_>>,
    early: &EarlyPhase,
    task: &Task<'_>,
    observer: &dyn Observer,
) -> Narrowed {
    let mut others = entrants.split_off(early.finalists);
    others.sort_by_key(|entrant| entrant.class);
    let mut random = ChaCha8Rng::seed_from_u64(task.seed);
    random.set_stream(SAMPLE_STREAM);
    let mut drawn = vec![false; others.len()];
    for place in sample(&mut random, others.len(), early.sample) {
        drawn[place] = true;
    }
    let (sampled, rest): (Vec<_>, Vec<_>) =
        others.into_iter().zip(drawn).partition(|(_, drawn)| *drawn);
    let class = |entrant: &Entrant<'_>| entrant.class;
    // One by one, so that no more triggers are held than before.
    let rest = rest.into_iter().map(|(entrant, _)| {
        let finding = entrant.left_off(State::Eliminated, task.classifier);
        observer.finished(&finding);
        finding
    });
    Narrowed {
        finalists: entrants.iter().map(class).collect(),
        sampled: sampled.iter().map(|(entrant, _)| class(entrant)).collect(),
        rest: rest.collect(),
    }
}

fn stopped(entrants: Vec<Entrant<'_>>, classifier: &Classifier) -> Narrowed {
    let skipped = |entrant: &Entrant<'_>| entrant.left_off(State::Skipped, classifier);
    Narrowed {
        finalists: Vec::new(),
        sampled: Vec::new(),
        rest: entrants.iter().map(skipped).collect(),
    }
}

impl Entrant<'_> {
    fn has_made(&self, steps: usize) -> bool {
        let made = |search: &ClassSearch<'_>| search.trace().len() >= steps || search.has_ended();
        self.search.as_ref().is_some_and(made)
    }

    fn left_off(&self, state: State, classifier: &Classifier) -> ClassFinding {
        match &self.search {
            Some(search) => search.unfinished(state),
            None => ClassFinding::skipped(self.class, classifier.shape()),
        }
    }
}

/// One round for each class that takes part.
struct Round<'a, 'b> {
    task: Task<'a>,
    /// Steps that each class has made when the round is over.
    steps: usize,
    /// Most updates of a full search.
    most: usize,
    observer: &'b dyn Observer,
    keeper: &'b dyn Keeper,
}

impl<'a> Round<'a, '_> {
    /// Moves a class on to the end of the round, or until the observer says stop.
    fn run(&self, entrant: &mut Entrant<'a>) -> Result<(), Error> {
        let class = entrant.class;
        let kept_badly = |source: KeeperError| Error::Keeper { class, source };
        if self.observer.stop() {
            return Ok(());
        }
        let search = match entrant.search.take() {
            Some(search) => search,
            None => {
                self.observer.started(class);
                match self.keeper.load(Stage::Early, class).map_err(kept_badly)? {
                    Some(Kept::Search(snapshot)) => {
                        ClassSearch::resume(self.task, class, *snapshot)?
                    }
                    _ => ClassSearch::new(self.task, class)?,
                }
            }
        };
        let search = entrant.search.insert(search);
        let before = search.trace().len();
        let mut kept_at = Instant::now();
        while search.trace().len() < self.steps && !search.has_ended() && !self.observer.stop() {
            search.advance(1)?;
            self.observer.progressed(class, search.updates(), self.most);
            if kept_at.elapsed() >= self.keeper.interval() {
                self.keeper
                    .keep(Stage::Early, &search.snapshot())
                    .map_err(kept_badly)?;
                kept_at = Instant::now();
            }
        }
        // A round is short, but there are many classes: what is not kept now is lost when the scan is killed.
        if search.trace().len() > before && self.keeper.interval() < std::time::Duration::MAX {
            self.keeper
                .keep(Stage::Early, &search.snapshot())
                .map_err(kept_badly)?;
        }
        Ok(())
    }
}

fn pixels(classifier: &Classifier) -> usize {
    let [_, height, width] = classifier.shape();
    height * width
}
