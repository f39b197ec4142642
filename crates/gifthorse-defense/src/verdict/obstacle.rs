//! What stands in the way of "clean" where nothing is flagged.

use super::hearing::Unheard;
use super::test::CannotSay;

/// What keeps a witness from being of use, or all of them. Witnesses go by their place in the
/// evidence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Obstacle {
    /// Nothing: the witness could have flagged something.
    None(usize),
    /// The witness was not heard.
    Unheard(usize, Unheard),
    /// The classes could not be compared with one another.
    CannotSay(usize, CannotSay),
    /// They could, but even the most suspicious number that means anything would have passed for
    /// one of a clean model.
    NothingWouldStandOut(usize),
    /// So few clean models were measured that no model can be told to be rarer than the rate of
    /// false alarms.
    TooFewCleanModels {
        /// Smallest p-value that they vouch for.
        least: f64,
        /// The rate.
        rate: f64,
    },
}

impl Obstacle {
    /// Whether it is a search that failed, and so might have missed what the other witnesses cannot
    /// see, or concerns all witnesses. The others only take away one that had nothing to say.
    fn is_failure(&self) -> bool {
        match self {
            Self::None(_) | Self::NothingWouldStandOut(_) => false,
            Self::Unheard(_, Unheard::Unsound(_) | Unheard::NotCalibrated) => false,
            Self::Unheard(_, Unheard::NothingSearched | Unheard::Unrepresented(_)) => true,
            Self::Unheard(_, Unheard::CannotSay(why)) | Self::CannotSay(_, why) => {
                !matches!(why, CannotSay::TooFewClasses(_))
            }
            Self::TooFewCleanModels { .. } => true,
        }
    }
}

/// Whether a model in which nothing was flagged may still not be called clean: no witness could
/// have flagged anything, or the search of one failed.
pub(super) fn stand_against_clean(obstacles: &[Obstacle]) -> bool {
    let able = obstacles.iter().any(|it| matches!(it, Obstacle::None(_)));
    !able || obstacles.iter().any(Obstacle::is_failure)
}

/// The obstacles that have to be told: all if they stand against "clean", else those of witnesses
/// that had nothing to say.
pub(super) fn told(obstacles: &[Obstacle]) -> impl Iterator<Item = &Obstacle> {
    obstacles
        .iter()
        .filter(|it| !matches!(it, Obstacle::None(_)))
}
