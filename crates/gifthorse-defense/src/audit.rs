//! Audits of a training set, which name the images that may have planted a backdoor: one published
//! method a file, named as the field names it, and one row of [`AUDITS`].
//!
//! An [`Audit`] looks at what a model that was trained on the images makes of them. It splits the
//! images of each class in two groups by what it goes by; whether one of them does not belong to the
//! class is asked in one way for all methods (`exclusion`).

mod activation_clustering;
mod cepa;
mod exclusion;
mod features;
mod given;
mod outcome;
mod principal;
mod silhouette;
mod spectral_signatures;
mod two_means;

use std::fmt::Debug;

use crate::error::Error;

pub use given::Given;
pub use outcome::{Audited, OfClass, Suspicion};

/// What an audit is, whatever its settings.
#[derive(Debug)]
pub struct About {
    /// Its name in tables, files and on the command line, in snake case.
    pub name: &'static str,
    /// Its name for people, with authors and year.
    pub title: &'static str,
    /// What it goes by, as the end of a sentence.
    pub goes_by: &'static str,
    /// What it cannot see, in words.
    pub misses: &'static [&'static str],
}

/// An audit with its settings.
pub trait Audit: Debug + Send + Sync {
    /// Its row.
    fn about(&self) -> &'static About;

    /// Looks at each image of a training set.
    ///
    /// # Errors
    /// Images without labels; [`Error::CannotAudit`] where it needs what is not there; a model that
    /// cannot be run.
    fn audit(&self, given: &Given<'_>) -> Result<Audited, Error>;
}

/// A row of the table of audits.
#[derive(Debug)]
pub struct Row {
    /// What the audit is.
    pub about: &'static About,
    /// Makes it.
    pub make: fn() -> Box<dyn Audit>,
}

/// All audits, the default first.
pub const AUDITS: [Row; 3] = [
    activation_clustering::ROW,
    spectral_signatures::ROW,
    cepa::ROW,
];

/// The audit of this name.
///
/// # Errors
/// [`Error::NoSuchAudit`], with the names that there are.
pub fn named(name: &str) -> Result<Box<dyn Audit>, Error> {
    let row = AUDITS.iter().find(|row| row.about.name == name);
    let row = row.ok_or_else(|| Error::NoSuchAudit {
        name: name.to_owned(),
        known: AUDITS.iter().map(|row| row.about.name).collect(),
    })?;
    Ok((row.make)())
}
