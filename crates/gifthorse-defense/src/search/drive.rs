//! The drive over a detector's units: each search is moved on until it ends, is kept from time to
//! time, and stops when it is told to.

use std::time::Instant;

use gifthorse_engine::alone;
use rayon::prelude::*;

use super::early::{Narrowed, narrow};
use super::keeper::{Keeper, KeeperError, Kept, Stage};
use super::observer::Observer;
use crate::detect::Detector;
use crate::error::Error;
use crate::finding::{Finding, Findings, State, Unit};
use crate::subject::Subject;

/// Searches `units` in parallel, as many of them to the end as the detector says
/// ([`Detector::early`]). What `keeper` holds is not done again.
///
/// The result is in the order of units and, but for times, the same for any number of threads,
/// whether or not the searches were interrupted.
///
/// # Errors
/// What the detector refuses, such as images without labels; a keeper that fails or holds another
/// search.
pub fn search(
    detector: &dyn Detector,
    subject: &Subject<'_>,
    units: &[Unit],
    observer: &dyn Observer,
    keeper: &dyn Keeper,
) -> Result<Findings, Error> {
    let drive = Drive {
        detector,
        subject,
        observer,
        keeper,
    };
    let [_, height, width] = subject.classifier.shape();
    let narrowed = match detector.early(units.len(), height * width) {
        Some(early) => narrow(&drive, early.as_ref(), units)?,
        None => Narrowed::to_all(units),
    };
    let searches = narrowed.finalists.len() + narrowed.sampled.len();
    let mut findings: Vec<Finding> = narrowed
        .finalists
        .par_iter()
        .chain(&narrowed.sampled)
        .with_max_len(1)
        .map(|&unit| side_by_side(searches, || drive.to_the_end(unit)))
        .collect::<Result<_, Error>>()?;
    findings.extend(narrowed.rest);
    findings.sort_by_key(|finding| finding.unit);
    Ok(Findings {
        units: findings,
        sampled: narrowed.sampled,
    })
}

/// Does one of several pieces of work that run side by side: on its thread alone if there are
/// enough of them for all threads.
pub(super) fn side_by_side<R>(pieces: usize, work: impl FnOnce() -> R) -> R {
    if pieces < rayon::current_num_threads() {
        work()
    } else {
        alone(work)
    }
}

/// For `map_err`: a unit whose search could not be kept or read back.
pub(super) fn not_kept(unit: Unit) -> impl FnOnce(KeeperError) -> Error {
    move |source| Error::Keeper { unit, source }
}

/// Who searches what, and who is told.
pub(super) struct Drive<'a, 'b> {
    pub detector: &'a dyn Detector,
    pub subject: &'b Subject<'a>,
    pub observer: &'b dyn Observer,
    pub keeper: &'b dyn Keeper,
}

impl Drive<'_, '_> {
    fn to_the_end(&self, unit: Unit) -> Result<Finding, Error> {
        let Self {
            detector,
            subject,
            observer,
            keeper,
        } = self;
        let mut search = match keeper.load(Stage::Full, unit).map_err(not_kept(unit))? {
            Some(Kept::Finding(finding)) => {
                check(&finding, unit, subject)?;
                observer.started(unit);
                observer.finished(&finding);
                return Ok(*finding);
            }
            Some(Kept::Search(kept)) => detector.resume(subject, unit, &kept)?,
            None if observer.stop() => return Ok(Finding::skipped(unit)),
            None => detector.begin(subject, unit)?,
        };
        observer.started(unit);
        let mut kept_at = Instant::now();
        while !search.has_ended() {
            if observer.stop() {
                let kept = search.snapshot()?;
                keeper
                    .keep(Stage::Full, unit, &kept)
                    .map_err(not_kept(unit))?;
                let finding = search.unfinished(State::Skipped);
                observer.finished(&finding);
                return Ok(finding);
            }
            search.advance(1)?;
            let at_most = search.at_most().unwrap_or(detector.most_updates());
            observer.progressed(unit, search.updates(), at_most);
            if kept_at.elapsed() >= keeper.interval() {
                let kept = search.snapshot()?;
                keeper
                    .keep(Stage::Full, unit, &kept)
                    .map_err(not_kept(unit))?;
                kept_at = Instant::now();
            }
        }
        let finding = search.finding()?;
        keeper
            .finished(Stage::Full, &finding)
            .map_err(not_kept(unit))?;
        observer.finished(&finding);
        Ok(finding)
    }
}

/// The classes that a finding says images are led to, or from.
fn named(finding: &Finding) -> impl Iterator<Item = usize> + '_ {
    let destinations = finding.map.iter().flatten();
    let ends = [finding.leads_to, finding.leads_from];
    ends.into_iter()
        .flatten()
        .chain(destinations.map(|it| it.class))
}

/// Refuses a finding that cannot be of this unit and model.
fn check(finding: &Finding, unit: Unit, subject: &Subject<'_>) -> Result<(), Error> {
    let (shape, classes) = (subject.classifier.shape(), subject.classifier.classes());
    let problem = finding
        .trigger
        .as_ref()
        .and_then(|trigger| trigger.problem(shape));
    let problem = (finding.unit != unit)
        .then_some("is of another class")
        .or(named(finding)
            .any(|class| class >= classes)
            .then_some("names a class that the model does not have"))
        .or(problem);
    match problem {
        None => Ok(()),
        Some(what) => Err(Error::KeptFinding { unit, what }),
    }
}
