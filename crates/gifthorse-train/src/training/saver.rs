//! When a run is saved, and what it goes on from.

use std::time::Instant;

use super::Training;
use crate::Error;
use crate::checkpoint::{Checkpoint, Fingerprint};
use crate::progress::Progress;

/// Saves a run now and then, if it is to be saved.
pub(super) struct Saver<'a> {
    to: Option<(&'a Checkpoint, Fingerprint)>,
    last: Instant,
}

impl<'a> Saver<'a> {
    /// Whatever the run is to be saved to.
    ///
    /// # Errors
    /// What cannot be told from other runs.
    pub(super) fn new(run: &Training<'a>) -> Result<Self, Error> {
        let of = |checkpoint| {
            let of = Fingerprint::of(run.net, run.recipe, run.samples, run.within, run.further)?;
            Ok::<_, Error>((checkpoint, of))
        };
        Ok(Self {
            to: run.checkpoint.map(of).transpose()?,
            last: Instant::now(),
        })
    }

    /// Goes on from what was saved, if anything was.
    ///
    /// # Errors
    /// A file that is damaged or of another run.
    pub(super) fn resume(&self, progress: &mut Progress) -> Result<(), Error> {
        if let Some((checkpoint, of)) = &self.to
            && checkpoint.resume(of, progress)?
        {
            tracing::info!(updates = progress.done, "goes on from a checkpoint");
        }
        Ok(())
    }

    /// Saves the run if it is time to.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn save_if_due(&mut self, progress: &Progress) -> Result<(), Error> {
        match &self.to {
            Some((checkpoint, _)) if self.last.elapsed() >= checkpoint.interval() => {
                self.save(progress)
            }
            _ => Ok(()),
        }
    }

    /// Saves the run.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn save(&mut self, progress: &Progress) -> Result<(), Error> {
        if let Some((checkpoint, of)) = &self.to {
            checkpoint.save(of, progress)?;
            self.last = Instant::now();
        }
        Ok(())
    }
}
