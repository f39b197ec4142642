//! Repairs: one published method a file, named as the field names it, and one row of [`REPAIRS`].
//!
//! A repair gets a [`Patient`], a model with clean images and whatever triggers are known, and
//! gives a changed model. Whether that helped is nothing that it says of itself: [`measure`] counts
//! it on images that neither searches nor repairs have seen, and [`choose`] tries several and takes
//! one.

mod adjustable;
mod anp;
mod answers;
mod batches;
mod bounded_activations;
mod candidates;
mod choose;
mod clp;
mod cuts;
mod fine_pruning;
mod fine_tuning;
mod ft_sam;
mod grain;
mod i_bau;
mod kept;
mod losses;
mod masks;
pub mod measure;
mod nad;
mod neural_cleanse_pruning;
mod observer;
mod patient;
mod progress;
mod pruning;
mod retune;
mod rnp;
mod sau;
mod sealed;
mod stamped;
mod switch_off;
mod tuning;
mod unlearning;
mod updates;

use std::fmt::Debug;

use gifthorse_onnx::Model;

use crate::error::Error;

pub use choose::{Attempt, Chosen, Limits, Outcome, Shortfall, choose};
pub use observer::{RepairObserver, Silent};
pub use patient::{KnownTrigger, Patient};
pub(crate) use progress::{Progress, from_bytes, to_bytes};
pub use pruning::CurvePoint;
pub use retune::retuned;
pub(crate) use switch_off::bounded;

/// What a repair is.
#[derive(Debug)]
pub struct About {
    /// Its name in tables, reports and on the command line, in snake case.
    pub name: &'static str,
    /// Its name for people, with authors and year.
    pub title: &'static str,
    /// Whether it does nothing without a trigger that can be stamped on images.
    pub needs_trigger: bool,
    /// Whether it is tried where nobody chose a repair.
    pub in_auto: bool,
    /// What it changes in a model, in words.
    pub changes: &'static str,
    /// What it does not repair, in words.
    pub misses: &'static [&'static str],
}

/// A changed model.
#[derive(Debug)]
pub struct Repaired {
    /// The model, differing from the file only where it was repaired.
    pub model: Model,
    /// What was done, in sentences.
    pub notes: Vec<String>,
    /// Of pruning: what each number of channels came to, in the order in which they were tried.
    pub curve: Vec<CurvePoint>,
}

impl Repaired {
    fn new(model: Model, note: String) -> Self {
        Self {
            model,
            notes: vec![note],
            curve: Vec::new(),
        }
    }
}

/// A repair.
pub trait Repair: Debug + Send + Sync {
    /// Its row.
    fn about(&self) -> &'static About;

    /// Repairs a model.
    ///
    /// # Errors
    /// [`Error::CannotRepair`] for a model that has nothing of what the repair changes, or without
    /// a trigger that it needs; a model that cannot be run, trained or changed.
    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error>;
}

/// A row of the table of repairs.
#[derive(Debug)]
pub struct Row {
    /// What the repair is.
    pub about: &'static About,
    /// Makes it with its default settings.
    pub make: fn() -> Box<dyn Repair>,
}

/// All repairs, in the order in which they are tried where nobody chose one and a trigger is known.
/// Unlearning comes before pruning, which is cheaper, since it leaves less of the trigger that was
/// planted, of which the one that was found is only the likeness (docs/repair.md); with few images
/// [`auto`] turns that round.
pub const REPAIRS: [Row; 12] = [
    unlearning::ROW,
    neural_cleanse_pruning::ROW,
    clp::ROW,
    fine_tuning::ROW,
    bounded_activations::ROW,
    rnp::ROW,
    anp::ROW,
    nad::ROW,
    fine_pruning::ROW,
    i_bau::ROW,
    sau::ROW,
    ft_sam::ROW,
];

/// The repair of this name.
///
/// # Errors
/// [`Error::NoSuchRepair`], with the names that there are.
pub fn named(name: &str) -> Result<Box<dyn Repair>, Error> {
    let row = REPAIRS.iter().find(|row| row.about.name == name);
    let row = row.ok_or_else(|| Error::NoSuchRepair {
        name: name.to_owned(),
        known: REPAIRS.iter().map(|row| row.about.name).collect(),
    })?;
    Ok((row.make)())
}

/// Images to learn from below which pruning is tried before unlearning: the labels of so few
/// overthrow more than a backdoor, and switching neurons off does not (docs/repair.md).
const FEW: usize = 1000;

/// The repairs to try where nobody chose one: with a trigger those of the table, since it can be
/// seen whether it still works; without, those that need none, the strongest first. `images` is the
/// number of images to learn from.
#[must_use]
pub fn auto(has_trigger: bool, images: usize) -> Vec<Box<dyn Repair>> {
    let fitting = REPAIRS
        .iter()
        .filter(|row| row.about.in_auto && (has_trigger || !row.about.needs_trigger));
    let mut rows: Vec<&Row> = fitting.collect();
    if !has_trigger {
        rows.reverse();
    } else if images < FEW {
        // Those that are no pruning stay in their order.
        rows.sort_by_key(|row| row.about.name != neural_cleanse_pruning::ROW.about.name);
    }
    rows.iter().map(|row| (row.make)()).collect()
}
