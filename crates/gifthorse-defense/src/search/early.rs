//! The early phase of a scan of many units: all are begun, those that get ahead go on, and what is
//! left is searched to its end.

use std::time::Instant;

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Search;
use super::drive::{Drive, not_kept, side_by_side};
use super::keeper::{Kept, Stage};
use crate::detect::Detector;
use crate::error::Error;
use crate::finding::{Finding, State, Unit};

/// The stream of random numbers that the sample is drawn with; those below are the units' own.
const SAMPLE_STREAM: u64 = u64::MAX;

/// How a detector tells, after a few updates, which units are worth a full search.
pub trait Early: Send + Sync {
    /// The detector with the settings of the short searches.
    fn detector(&self) -> &dyn Detector;

    /// What follows after as many rounds as `tops` has entries, each the finalists of a round had
    /// it been the last, among so many units.
    fn next(&self, units: usize, tops: &[Vec<Unit>]) -> Next;

    /// Units that are searched to the end because they are ahead.
    fn finalists(&self) -> usize;

    /// Units that are drawn at random from the others.
    fn sample(&self) -> usize;
}

/// What comes after a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// So many units, the first in the order of the round, go on to so many steps in all.
    Go {
        /// Units that go on.
        units: usize,
        /// Steps that each has made then.
        steps: usize,
    },
    /// The early phase is over.
    Done,
}

/// Which units are searched to the end.
pub(super) struct Narrowed {
    /// Units that were ahead; all, if there was no early phase.
    pub finalists: Vec<Unit>,
    /// Units drawn at random from the others.
    pub sampled: Vec<Unit>,
    /// What is known of the rest: eliminated, or skipped if the phase was stopped.
    pub rest: Vec<Finding>,
}

impl Narrowed {
    /// All are searched to the end.
    pub(super) fn to_all(units: &[Unit]) -> Self {
        Self {
            finalists: units.to_vec(),
            sampled: Vec::new(),
            rest: Vec::new(),
        }
    }
}

/// A unit in the early phase; the search begins with the first round.
struct Entrant<'a> {
    unit: Unit,
    search: Option<Box<dyn Search + 'a>>,
}

/// Finds out which of the units to search to the end.
///
/// # Errors
/// As the search.
pub(super) fn narrow(
    drive: &Drive<'_, '_>,
    early: &dyn Early,
    units: &[Unit],
) -> Result<Narrowed, Error> {
    let short = Drive {
        detector: early.detector(),
        subject: drive.subject,
        observer: drive.observer,
        keeper: drive.keeper,
    };
    let mut entrants: Vec<Entrant<'_>> = units
        .iter()
        .map(|&unit| Entrant { unit, search: None })
        .collect();
    let mut tops = Vec::new();
    while let Next::Go { units, steps } = early.next(entrants.len(), &tops) {
        let live = &mut entrants[..units];
        let round = Round {
            drive: &short,
            steps,
            most: drive.detector.most_updates(),
        };
        live.par_iter_mut()
            .with_max_len(1)
            .try_for_each(|entrant| side_by_side(units, || round.run(entrant)))?;
        if live.iter().any(|entrant| !entrant.has_made(steps)) {
            return Ok(stopped(entrants));
        }
        live.sort_by(|a, b| {
            let standing = |entrant: &Entrant<'_>| {
                let search = entrant.search.as_ref();
                search.map_or(f64::INFINITY, |search| search.standing(steps))
            };
            let order = standing(a).total_cmp(&standing(b));
            order.then(a.unit.cmp(&b.unit))
        });
        tops.push(live[..early.finalists()].iter().map(|e| e.unit).collect());
    }
    Ok(divided(entrants, early, drive))
}

/// The finalists, a sample of the others, and the rest.
fn divided(mut entrants: Vec<Entrant<'_>>, early: &dyn Early, drive: &Drive<'_, '_>) -> Narrowed {
    let mut others = entrants.split_off(early.finalists());
    others.sort_by_key(|entrant| entrant.unit);
    let mut random = ChaCha8Rng::seed_from_u64(drive.subject.seed);
    random.set_stream(SAMPLE_STREAM);
    let mut drawn = vec![false; others.len()];
    for place in sample(&mut random, others.len(), early.sample()) {
        drawn[place] = true;
    }
    let (sampled, rest): (Vec<_>, Vec<_>) =
        others.into_iter().zip(drawn).partition(|(_, drawn)| *drawn);
    // One by one, so that no more triggers are held than before.
    let rest = rest.into_iter().map(|(entrant, _)| {
        let finding = entrant.left_off(State::Eliminated);
        drive.observer.finished(&finding);
        finding
    });
    Narrowed {
        finalists: entrants.iter().map(|entrant| entrant.unit).collect(),
        sampled: sampled.iter().map(|(entrant, _)| entrant.unit).collect(),
        rest: rest.collect(),
    }
}

fn stopped(entrants: Vec<Entrant<'_>>) -> Narrowed {
    let skipped = |entrant: &Entrant<'_>| entrant.left_off(State::Skipped);
    Narrowed {
        finalists: Vec::new(),
        sampled: Vec::new(),
        rest: entrants.iter().map(skipped).collect(),
    }
}

impl Entrant<'_> {
    fn has_made(&self, steps: usize) -> bool {
        let search = self.search.as_ref();
        search.is_some_and(|search| search.steps() >= steps || search.has_ended())
    }

    fn left_off(&self, state: State) -> Finding {
        match &self.search {
            Some(search) => search.unfinished(state),
            None => Finding::skipped(self.unit),
        }
    }
}

/// One round for each unit that takes part.
struct Round<'a, 'b> {
    drive: &'b Drive<'a, 'b>,
    /// Steps that each unit has made when the round is over.
    steps: usize,
    /// Most updates of a full search.
    most: usize,
}

impl<'a> Round<'a, '_> {
    /// Moves a unit on to the end of the round, or until the observer says stop.
    fn run(&self, entrant: &mut Entrant<'a>) -> Result<(), Error> {
        let Drive {
            detector,
            subject,
            observer,
            keeper,
        } = self.drive;
        let unit = entrant.unit;
        if observer.stop() {
            return Ok(());
        }
        let search = match entrant.search.take() {
            Some(search) => search,
            None => {
                observer.started(unit);
                match keeper.load(Stage::Early, unit).map_err(not_kept(unit))? {
                    Some(Kept::Search(kept)) => detector.resume(subject, unit, &kept)?,
                    _ => detector.begin(subject, unit)?,
                }
            }
        };
        let search = entrant.search.insert(search);
        let before = search.steps();
        let keep = |search: &dyn Search| {
            let kept = search.snapshot()?;
            keeper
                .keep(Stage::Early, unit, &kept)
                .map_err(not_kept(unit))
        };
        let mut kept_at = Instant::now();
        while search.steps() < self.steps && !search.has_ended() && !observer.stop() {
            search.advance(1)?;
            observer.progressed(unit, search.updates(), self.most);
            if kept_at.elapsed() >= keeper.interval() {
                keep(search.as_ref())?;
                kept_at = Instant::now();
            }
        }
        // A round is short, but there are many units: what is not kept now is lost when the scan is
        // killed.
        if search.steps() > before && keeper.interval() < std::time::Duration::MAX {
            keep(search.as_ref())?;
        }
        Ok(())
    }
}
