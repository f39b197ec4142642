//! Searches, whatever the detector: moved on step by step, kept, taken up again, and ended early
//! where others are ahead.

mod belongs;
mod drive;
mod early;
mod evaluate;
mod keeper;
mod nothing;
mod observer;

use crate::error::Error;
use crate::finding::{Finding, State};

pub use belongs::{Belongs, SnapshotError};
pub use drive::search;
pub use early::{Early, Next};
pub use evaluate::{answers, evaluate_away, evaluate_from, evaluate_trigger, picture_margin};
pub use keeper::{KeepNothing, Keeper, KeeperError, Kept, Stage};
pub use nothing::Nothing;
pub use observer::{Observer, Silent};

/// The search of one unit. Moved on in any portions, with or without a rest in between, it ends the
/// same.
pub trait Search: Send {
    /// Makes so many steps, or fewer if the search ends before.
    ///
    /// # Errors
    /// A model that cannot be run or passes no gradient back.
    fn advance(&mut self, steps: usize) -> Result<(), Error>;

    /// Whether the search is over.
    fn has_ended(&self) -> bool;

    /// Steps made so far.
    fn steps(&self) -> usize;

    /// Updates made so far, of which a step has one or several.
    fn updates(&self) -> usize;

    /// The most updates that it makes, where the search knows better than its detector.
    fn at_most(&self) -> Option<usize> {
        None
    }

    /// How far the search was from its goal after its first `steps` steps: the smaller, the further
    /// ahead. Asked only of the short searches of an early phase.
    fn standing(&self, steps: usize) -> f64;

    /// The search as it is now, as JSON, to be kept.
    ///
    /// # Errors
    /// A number that JSON does not have.
    fn snapshot(&self) -> Result<String, Error>;

    /// What the search found, tried on held-out images.
    ///
    /// # Errors
    /// A model that cannot be run.
    fn finding(&self) -> Result<Finding, Error>;

    /// Where the search was when it was left off, as `state` says; nothing is tried on images,
    /// since it counts for nothing.
    fn unfinished(&self, state: State) -> Finding;
}
