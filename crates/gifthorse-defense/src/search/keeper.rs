//! Where searches are kept, so that a scan that was killed can go on.

use std::time::Duration;

use crate::finding::{Finding, Unit};

/// What a keeper's own errors come as.
pub type KeeperError = Box<dyn std::error::Error + Send + Sync>;

/// The part of a scan that a search belongs to. Each unit has one search in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The short searches that tell which units are worth a full one.
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

/// What is kept of a unit.
#[derive(Clone, Debug)]
pub enum Kept {
    /// A search under way, as [`Search::snapshot`](super::Search::snapshot) gave it.
    Search(String),
    /// What a search that came to its end found.
    Finding(Box<Finding>),
}

/// Keeps the searches of one detector. Methods are called from several threads at once, for each
/// unit from one at a time.
///
/// A keeper belongs to one model, one set of images and one request; a detector checks what it
/// can when it [resumes](crate::detect::Detector::resume) and takes the rest on trust.
pub trait Keeper: Sync {
    /// What was kept of a unit, if anything was.
    ///
    /// # Errors
    /// What was kept cannot be read.
    fn load(&self, stage: Stage, unit: Unit) -> Result<Option<Kept>, KeeperError>;

    /// Takes the present state of a unit's search in place of the former.
    ///
    /// # Errors
    /// It cannot be kept.
    fn keep(&self, stage: Stage, unit: Unit, search: &str) -> Result<(), KeeperError>;

    /// Takes what a unit's search found in place of its state.
    ///
    /// # Errors
    /// It cannot be kept.
    fn finished(&self, stage: Stage, finding: &Finding) -> Result<(), KeeperError>;

    /// How long a search goes on before its state is handed over again, at the end of a step.
    fn interval(&self) -> Duration;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepNothing;

impl Keeper for KeepNothing {
    fn load(&self, _: Stage, _: Unit) -> Result<Option<Kept>, KeeperError> {
        Ok(None)
    }

    fn keep(&self, _: Stage, _: Unit, _: &str) -> Result<(), KeeperError> {
        Ok(())
    }

    fn finished(&self, _: Stage, _: &Finding) -> Result<(), KeeperError> {
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::MAX
    }
}
