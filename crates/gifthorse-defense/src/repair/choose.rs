//! Which repair: several are tried, and one is taken.

use std::time::Instant;

use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

use super::kept::kept_or_done;
use super::measure::Measured;
use super::{CurvePoint, Patient, Repair, RepairObserver, Repaired};
use crate::error::Error;

/// How much more often images may go where a trigger leads with it than without, where a repair
/// may look: stricter than what the caller goes by in the end, on other images.
const EXCESS: f64 = 0.01;
/// What a point of accuracy beyond the budget weighs against a point of attack success.
const BEYOND_BUDGET: f64 = 10.0;
/// And one within the budget.
const WITHIN_BUDGET: f64 = 0.1;

/// What a repaired model has to keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// How far clean accuracy may fall, in [0, 1].
    pub budget: f64,
    /// How much more often images may go where a trigger leads with it than without, in [0, 1].
    pub excess: f64,
}

/// In what a model falls short of limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shortfall {
    /// Clean accuracy fell by more than the budget.
    #[error("clean accuracy fell by {lost} of {of} images")]
    Accuracy {
        /// By so many images.
        lost: i64,
        /// Of so many.
        of: u64,
    },
    /// A trigger still works.
    #[error(
        "a trigger still leads {led} of {of} images {}, where {without} of them go without it",
        target.map_or("away".to_owned(), |target| format!("to class {target}"))
    )]
    Trigger {
        /// The class that it leads to, if it is one.
        target: Option<usize>,
        /// Images that it leads there,
        led: u64,
        /// and those of them that go there without it,
        without: u64,
        /// of so many.
        of: u64,
    },
}

impl Limits {
    /// Those that a repair goes by where it may look.
    #[must_use]
    pub fn of(patient: &Patient<'_>) -> Self {
        Self {
            budget: patient.budget,
            excess: EXCESS,
        }
    }

    /// In what a model falls short, measured on the same images before and after. A single image is
    /// never too many: of fewer than a hundred, no hundredth can be told.
    #[must_use]
    pub fn shortfalls(&self, before: &Measured, after: &Measured) -> Vec<Shortfall> {
        let allowed = |share: f64, of: u64| (share * of as f64).max(1.0);
        let (lost, of) = (after.lost_since(before), after.clean.trials);
        let accuracy =
            (lost as f64 > allowed(self.budget, of)).then_some(Shortfall::Accuracy { lost, of });
        let triggers = after.triggers.iter().filter_map(|effect| {
            let (led, without, of) = (
                effect.success.hits,
                effect.without.hits,
                effect.success.trials,
            );
            let excess = led as f64 - without as f64;
            (excess > allowed(self.excess, of)).then_some(Shortfall::Trigger {
                target: effect.target,
                led,
                without,
                of,
            })
        });
        accuracy.into_iter().chain(triggers).collect()
    }

    /// How far a model is from what is wanted: the smaller, the better. What triggers still do
    /// counts, a fall of accuracy within the budget little, one beyond it much.
    #[must_use]
    pub fn distance(&self, before: &Measured, after: &Measured) -> f64 {
        let lost = after.lost_since(before) as f64 / after.clean.trials.max(1) as f64;
        let beyond = (lost - self.budget).max(0.0);
        after.worst_excess() + BEYOND_BUDGET * beyond + WITHIN_BUDGET * lost
    }
}

/// A repair that was tried.
#[derive(Debug)]
pub struct Attempt {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// Time taken, in seconds.
    pub seconds: f64,
}

/// What came of a repair.
#[derive(Debug)]
pub enum Outcome {
    /// It could not be done.
    Failed(String),
    /// The model was changed.
    Changed {
        /// What the model does on the images to check.
        measured: Measured,
        /// In what it falls short.
        shortfalls: Vec<Shortfall>,
        /// What was done.
        notes: Vec<String>,
        /// What pruning came to.
        curve: Vec<CurvePoint>,
    },
}

/// The repair that was taken.
#[derive(Debug)]
pub struct Chosen {
    /// The repaired model, of the attempt at `taken`; `None` if all failed.
    pub model: Option<Model>,
    /// Place of the attempt that was taken.
    pub taken: Option<usize>,
    /// What the model does on the images to check, as it was.
    pub before: Measured,
    /// All that were tried, in order.
    pub attempts: Vec<Attempt>,
    /// Why this one, in a sentence.
    pub why: String,
    /// Names of the repairs that were not tried since the time was over.
    pub untried: Vec<&'static str>,
}

/// Tries repairs in their order until one leaves accuracy within the budget and no trigger working,
/// and takes that; else the one that comes nearest. Nothing but the images to check is looked at.
/// What the patient's folder of work has of an attempt is not made again.
///
/// # Errors
/// A model that cannot be run; work that was kept of something else, or cannot be kept. A repair
/// that cannot be done on the model is no error, but an attempt that failed.
pub fn choose(
    patient: &Patient<'_>,
    repairs: &[Box<dyn Repair>],
    observer: &dyn RepairObserver,
) -> Result<Chosen, Error> {
    let limits = Limits::of(patient);
    let before = patient.measured(patient.model)?;
    let mut attempts = Vec::new();
    let mut best: Option<(Model, usize, f64)> = None;
    let mut done = false;
    let mut untried = Vec::new();
    for (place, repair) in repairs.iter().enumerate() {
        let about = repair.about();
        if done {
            break;
        }
        if observer.stop() {
            untried.push(about.name);
            continue;
        }
        observer.repair(about.title, place, repairs.len());
        let clock = Instant::now();
        let outcome = match kept_or_done(repair.as_ref(), patient, observer) {
            Err(error) if error.is_of_work() => return Err(error),
            Err(error) => Outcome::Failed(error.to_string()),
            Ok(Repaired {
                model,
                mut notes,
                curve,
            }) => {
                if observer.stop() {
                    notes.push("cut short: the time was over".to_owned());
                }
                let measured = patient.measured(&model)?;
                let shortfalls = limits.shortfalls(&before, &measured);
                let distance = limits.distance(&before, &measured);
                done = shortfalls.is_empty();
                if best.as_ref().is_none_or(|(.., known)| distance < *known) || done {
                    best = Some((model, attempts.len(), distance));
                }
                Outcome::Changed {
                    measured,
                    shortfalls,
                    notes,
                    curve,
                }
            }
        };
        let attempt = Attempt {
            name: about.name,
            title: about.title,
            outcome,
            seconds: clock.elapsed().as_secs_f64(),
        };
        observer.came_of(&attempt.to_string());
        attempts.push(attempt);
    }
    let taken = best.as_ref().map(|(_, place, _)| *place);
    let why = match (taken, done) {
        (None, _) if attempts.is_empty() => "no time was left to try a repair".to_owned(),
        (None, _) => "no repair could be done".to_owned(),
        (Some(place), true) => format!(
            "{} was the first to leave accuracy within the budget and no trigger working on images held back from it",
            attempts[place].title
        ),
        (Some(place), false) => format!(
            "{} came nearest to accuracy within the budget and no trigger working on images held back from it, but missed",
            attempts[place].title
        ),
    };
    Ok(Chosen {
        model: best.map(|(model, ..)| model),
        taken,
        before,
        attempts,
        why,
        untried,
    })
}

/// What came of it, in a sentence.
impl std::fmt::Display for Attempt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { title, seconds, .. } = self;
        match &self.outcome {
            Outcome::Failed(why) => write!(formatter, "{title}: not done, {why}"),
            Outcome::Changed { measured, .. } => {
                write!(
                    formatter,
                    "{title}: right on {:.1} %",
                    100.0 * measured.clean.rate().unwrap_or(0.0)
                )?;
                if !measured.triggers.is_empty() {
                    let worst = 100.0 * measured.worst_excess();
                    write!(formatter, ", triggers lead {worst:.1} % away")?;
                }
                write!(formatter, " ({seconds:.0} s)")
            }
        }
    }
}
