//! The drive over the classes: each is moved on until it ends, is kept from time to time, and
//! stops when it is told to.

use std::time::Instant;

use gifthorse_engine::alone;
use rayon::prelude::*;

use super::class_search::{ClassSearch, Task};
use super::early::{Narrowed, narrow};
use super::finding::{ClassFinding, Findings, State};
use super::keeper::{Keeper, KeeperError, Kept, Stage};
use super::snapshot::SnapshotError;
use crate::detect::observer::Observer;
use crate::error::Error;

/// Searches the classes (all, or those that the settings name) in parallel, as many of them to the end as
/// [`Effort`](super::Effort) says, and tries each trigger on the held-out images. What `keeper` holds is not done
/// again.
///
/// The result is in class order and, but for times, the same for any number of threads, whether or
/// not the search was interrupted.
///
/// # Errors
/// Images of another shape than the model's, or without labels; no image to search with; a keeper
/// that fails or holds another search.
pub fn search(
    task: &Task<'_>,
    observer: &dyn Observer,
    keeper: &dyn Keeper,
) -> Result<Findings, Error> {
    let classes = match &task.config.classes {
        Some(classes) => classes.clone(),
        None => (0..task.classifier.classes()).collect(),
    };
    let narrowed = match task.config.effort.early(classes.len()) {
        Some(early) => narrow(task, &early, &classes, observer, keeper)?,
        None => Narrowed {
            finalists: classes,
            sampled: Vec::new(),
            rest: Vec::new(),
        },
    };
    let searches = narrowed.finalists.len() + narrowed.sampled.len();
    let mut findings: Vec<ClassFinding> = narrowed
        .finalists
        .par_iter()
        .chain(&narrowed.sampled)
        .with_max_len(1)
        .map(|&class| side_by_side(searches, || search_class(task, class, observer, keeper)))
        .collect::<Result<_, Error>>()?;
    findings.extend(narrowed.rest);
    findings.sort_by_key(|finding| finding.class);
    Ok(Findings {
        classes: findings,
        sampled: narrowed.sampled,
    })
}

/// Does one of several pieces of work that run side by side: on its thread alone if there are enough of them for all threads.
pub(super) fn side_by_side<R>(pieces: usize, work: impl FnOnce() -> R) -> R {
    if pieces < rayon::current_num_threads() {
        work()
    } else {
        alone(work)
    }
}

fn search_class(
    task: &Task<'_>,
    class: usize,
    observer: &dyn Observer,
    keeper: &dyn Keeper,
) -> Result<ClassFinding, Error> {
    let kept_badly = |source: KeeperError| Error::Keeper { class, source };
    let search = match keeper.load(Stage::Full, class).map_err(kept_badly)? {
        Some(Kept::Finding(finding)) => {
            check(task, class, &finding)?;
            observer.started(class);
            observer.finished(&finding);
            return Ok(*finding);
        }
        Some(Kept::Search(snapshot)) => ClassSearch::resume(*task, class, *snapshot)?,
        None if observer.stop() => {
            return Ok(ClassFinding::skipped(class, task.classifier.shape()));
        }
        None => ClassSearch::new(*task, class)?,
    };
    observer.started(class);
    let mut search = search;
    let mut kept_at = Instant::now();
    while !search.has_ended() {
        if observer.stop() {
            keeper
                .keep(Stage::Full, &search.snapshot())
                .map_err(kept_badly)?;
            let finding = search.unfinished(State::Skipped);
            observer.finished(&finding);
            return Ok(finding);
        }
        search.advance(1)?;
        observer.progressed(class, search.updates(), task.config.most_updates());
        if kept_at.elapsed() >= keeper.interval() {
            keeper
                .keep(Stage::Full, &search.snapshot())
                .map_err(kept_badly)?;
            kept_at = Instant::now();
        }
    }
    let finding = search.finding()?;
    keeper.finished(Stage::Full, &finding).map_err(kept_badly)?;
    observer.finished(&finding);
    Ok(finding)
}

/// Refuses a finding that cannot be of this class and model.
fn check(task: &Task<'_>, class: usize, finding: &ClassFinding) -> Result<(), SnapshotError> {
    let [channels, height, width] = task.classifier.shape();
    let trigger = &finding.trigger;
    let sizes = (trigger.mask.len(), trigger.pattern.len());
    if finding.class != class || sizes != (height * width, channels * height * width) {
        return Err(SnapshotError::Damaged {
            class,
            what: "the finding is of another class or of images of another size",
        });
    }
    Ok(())
}
