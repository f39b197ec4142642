//! Filters, which tell a stamped image from a clean one: one published method a file or folder,
//! named as the field names it, and one row of [`FILTERS`].
//!
//! The table is empty: no filter is implemented yet. What commands, reports and benches know of
//! filters is the trait.

use std::fmt::Debug;

use gifthorse_data::Images;

use crate::error::Error;
use crate::finding::Finding;
use crate::subject::Subject;

/// What a filter is, whatever its settings.
#[derive(Debug)]
pub struct About {
    /// Its name in tables, reports and on the command line, in snake case.
    pub name: &'static str,
    /// Its name for people, with authors and year.
    pub title: &'static str,
    /// Whether it needs a recovered trigger.
    pub needs_trigger: bool,
    /// Forward passes that it makes for an image, beside the model's own.
    pub passes: f64,
    /// What it cannot see.
    pub misses: &'static [&'static str],
}

/// A filter with its settings.
pub trait Filter: Debug + Send + Sync {
    /// Its row.
    fn about(&self) -> &'static About;

    /// Fits the filter to clean images, such that it flags a share of `fpr`, in (0, 1), of clean
    /// ones. The threshold is never set on images that the score was fitted on.
    ///
    /// # Errors
    /// What the filter needs and does not have; a model that cannot be run.
    fn fit<'a>(
        &self,
        subject: &Subject<'a>,
        findings: &[Finding],
        fpr: f64,
    ) -> Result<Box<dyn Fitted + 'a>, Error>;
}

/// A filter that knows the model and its clean images.
pub trait Fitted: Send + Sync {
    /// How suspicious each image is, in the order of the images; larger is more suspicious.
    ///
    /// # Errors
    /// Images of another shape than the model's; a model that cannot be run.
    fn score(&self, images: &Images) -> Result<Vec<f64>, Error>;

    /// The score from which on an image is flagged.
    fn threshold(&self) -> f64;
}

/// A row of the table of filters.
#[derive(Debug)]
pub struct Row {
    /// What the filter is.
    pub about: &'static About,
    /// Makes it with its default settings.
    pub make: fn() -> Box<dyn Filter>,
}

/// All filters.
pub const FILTERS: [Row; 0] = [];
