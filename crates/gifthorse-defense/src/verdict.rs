//! The verdict: from what the detectors found to "clean", "backdoored" or "inconclusive".
//!
//! A detector gives each class a number: the size of the smallest trigger that leads to it, or how
//! large a margin it can be given. In a clean model these vary from class to class; a backdoored
//! class stands out. How far it has to stand out depends on how much clean classes vary, which has
//! to be estimated from the very same handful of numbers, some of which may be infected, and from
//! clean models that were measured before. The pieces:
//!
//! - [`Evidence`]: a [`Witness`] for each detector, with a value for each class, and the [`Doubt`]s
//!   that bear on the verdict;
//! - [`Calibration`]: what clean models look like: [`EqualClasses`], [`CleanModels`] of a
//!   [`Library`], or the user's [`References`];
//! - `test`: the values of one witness among one another (each beside the others, or by a [`Scan`]
//!   over every number of suspects) and beside those of clean models, and how rare each is by
//!   seeded simulation ([`Null`]);
//! - `combine`, `naming`: several witnesses together, class by class, and which classes are named;
//! - [`Confirmation`]: the gate, a trigger tried on images that the search never saw;
//! - [`decide`]: all of it together, a pure function, and the only place where a verdict is made;
//! - [`SetAside`]: classes whose search was ended early, and those that stand for them;
//! - [`PublishedRules`]: the rules of the papers, as published, reported beside the verdict and no
//!   part of it;
//! - [`interval`]: confidence intervals of a rate.

mod calibration;
mod combine;
mod confirmation;
mod decide;
mod decision;
mod doubt;
mod error;
mod evidence;
mod faintness;
mod hearing;
pub mod interval;
mod naming;
mod obstacle;
mod outcome;
mod published;
mod reasons;
mod remedies;
mod set_aside;
mod test;
mod trial;
mod values;

pub use calibration::{
    Backdoored, BackdooredModel, Calibration, ClassValues, CleanModels, Entry, EqualClasses,
    Library, LibraryModel, MethodTraits, ModelFile, NullModel, OutOfSpan, References, ScalePrior,
};
pub use confirmation::{Confirmation, Gate, REQUIRED_RATE, SourceRate, trials_needed};
pub use decide::decide;
pub use decision::{
    ClassByWitness, ClassDecision, Decision, Verdict, WitnessDecision, WitnessSays,
};
pub use doubt::{Doubt, Effect};
pub use error::{LibraryError, StatsError};
pub use evidence::{
    ClassEvidence, Conviction, Evidence, Method, Soundness, Statistic, Tail, Witness,
};
pub use hearing::Unheard;
pub(crate) use published::MAD_FACTOR;
pub use published::{PublishedRules, anomaly_indices, median};
pub use set_aside::{SetAside, Thinning};
pub use test::{CannotSay, DRAWS, Null, Scan, Step, Surprises};
pub use values::Values;
