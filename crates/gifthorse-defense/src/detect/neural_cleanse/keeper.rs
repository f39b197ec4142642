//! Where searches are kept, so that a scan that was killed can go on.

use std::time::Duration;

use super::finding::ClassFinding;
use super::snapshot::Snapshot;

/// What a keeper's own errors come as.
pub type KeeperError = Box<dyn std::error::Error + Send + Sync>;

/// The part of a scan that a search belongs to. Each class has one search in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The short searches that tell which classes are worth a full one.
    Early,
    /// The searches that the verdict rests on.
    Full,
}

impl Stage {
    /// Its name, in small letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Full => "full",
        }
    }
}

/// What is kept of a class.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// A search under way.
    Search(Box<Snapshot>),
    /// A search that came to its end.
    Finding(Box<ClassFinding>),
}

/// Keeps searches. Methods are called from several threads at once, for each class from one at
/// a time.
///
/// A keeper belongs to one model, one set of images and one request; the search checks what it
/// can (see [`ClassSearch::resume`](super::ClassSearch::resume)) and takes the rest on trust.
pub trait Keeper: Sync {
    /// What was kept of a class, if anything was.
    ///
    /// # Errors
    /// What was kept cannot be read.
    fn load(&self, stage: Stage, class: usize) -> Result<Option<Kept>, KeeperError>;

    /// Takes the present state of a class's search in place of the former.
    ///
    /// # Errors
    /// It cannot be kept.
    fn keep(&self, stage: Stage, snapshot: &Snapshot) -> Result<(), KeeperError>;

    /// Takes what a class's search found in place of its state.
    ///
    /// # Errors
    /// It cannot be kept.
    fn finished(&self, stage: Stage, finding: &ClassFinding) -> Result<(), KeeperError>;

    /// How long a search goes on before its state is handed over again, at the end of a step.
    fn interval(&self) -> Duration;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Keeper for Forgetful {
    fn load(&self, _: Stage, _: usize) -> Result<Option<Kept>, KeeperError> {
        Ok(None)
    }

    fn keep(&self, _: Stage, _: &Snapshot) -> Result<(), KeeperError> {
        Ok(())
    }

    fn finished(&self, _: Stage, _: &ClassFinding) -> Result<(), KeeperError> {
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::MAX
    }
}
