//! Repairs: one published method a file or folder, named as the field names it, and one row of
//! [`REPAIRS`].
//!
//! The table is empty: no repair is implemented yet. What commands, reports and benches know of
//! repairs is the trait.

use std::fmt::Debug;

use gifthorse_onnx::{Model, ModelDiff};

use crate::error::Error;
use crate::finding::Finding;
use crate::search::Observer;
use crate::subject::Subject;

/// What a repair is, whatever its settings.
#[derive(Debug)]
pub struct About {
    /// Its name in tables, reports and on the command line, in snake case.
    pub name: &'static str,
    /// Its name for people, with authors and year.
    pub title: &'static str,
    /// What it cannot do without.
    pub needs: Needs,
    /// What it changes in a model, in words.
    pub changes: &'static str,
}

/// What a repair cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// A finding that names a target class.
    pub target: bool,
    /// A recovered trigger that can be stamped.
    pub trigger: bool,
    /// Clean images with their true labels.
    pub labels: bool,
}

/// A model to be repaired, and what is known of it.
#[derive(Clone, Copy)]
pub struct Patient<'a> {
    /// The model as it runs, and clean images.
    pub subject: Subject<'a>,
    /// The model as a file.
    pub model: &'a Model,
    /// What detectors found in it, the most suspicious first.
    pub findings: &'a [Finding],
}

/// A repaired model.
#[derive(Debug)]
pub struct Repaired {
    /// The model, differing from the file only where it was repaired.
    pub model: Model,
    /// What was changed.
    pub changes: ModelDiff,
}

/// A repair with its settings.
pub trait Repair: Debug + Send + Sync {
    /// Its row.
    fn about(&self) -> &'static About;

    /// Repairs a model. Whether that helped is measured by the caller, on images that the repair
    /// has not seen.
    ///
    /// # Errors
    /// What the repair needs and does not have; a model that cannot be run or changed.
    fn repair(&self, patient: &Patient<'_>, observer: &dyn Observer) -> Result<Repaired, Error>;
}

/// A row of the table of repairs.
#[derive(Debug)]
pub struct Row {
    /// What the repair is.
    pub about: &'static About,
    /// Makes it with its default settings.
    pub make: fn() -> Box<dyn Repair>,
}

/// All repairs.
pub const REPAIRS: [Row; 0] = [];
