//! Statistics of the verdict: from the size of the trigger found for each class to "clean",
//! "backdoored" or "inconclusive".
//!
//! A search gives one trigger per class. In a clean model their sizes vary from class to class; a
//! backdoored class is reached by a trigger that is small beside the others. How small is small
//! depends on how much the sizes of clean classes vary, which has to be estimated from the very
//! same handful of numbers, some of which may be infected. The pieces:
//!
//! - [`Evidence`]: what the searches found; [`ClassEvidence`] for each class;
//! - [`Scan`]: the statistic, the largest downward residual of the log sizes over every number of
//!   suspects;
//! - [`Null`]: its distribution over clean models, by seeded simulation;
//! - [`Reference`]: what a clean model looks like; [`EqualClasses`] for now, the place of a library
//!   of clean models;
//! - [`SetAside`]: classes whose search was ended early, and those that stand for them;
//! - [`Confirmation`]: the gate, the trigger tried on images that the search never saw;
//! - [`decide`]: all of it together, a pure function;
//! - [`PublishedRules`]: the rules of the papers, as published, reported beside the verdict and no
//!   part of it;
//! - [`interval`]: confidence intervals of a rate.

mod calibration;
mod confirmation;
mod decide;
mod decision;
mod error;
mod evidence;
mod findings;
pub mod interval;
mod published;
mod reasons;
mod set_aside;
mod test;

pub use calibration::{
    Backdoored, BackdooredModel, CleanModels, Entry, EqualClasses, Library, LibraryModel,
    ModelFile, Reference, References, ScalePrior,
};
pub use confirmation::{Confirmation, Gate, REQUIRED_RATE, SourceRate, trials_needed};
pub use decide::decide;
pub use decision::{ClassDecision, Decision, Verdict};
pub use error::{LibraryError, StatsError};
pub use evidence::{ClassEvidence, Evidence, GradientHealth, LogSizes};
pub use published::{PublishedRules, anomaly_indices, median};
pub use set_aside::{SetAside, Thinning};
pub use test::{CannotSay, DRAWS, Null, Scan, Step, Surprises};
