//! What the user can do to have a better answer.

use super::confirmation::{Gate, trials_needed};
use super::hearing::Unheard;
use super::obstacle::{Obstacle, stand_against_clean, told};
use super::reasons::Grounds;
use super::test::CannotSay;
use super::trial::gate;

/// What helps, the nearest first; empty where nothing is known to.
pub(super) fn remedies(grounds: &Grounds<'_>) -> Vec<String> {
    let mut remedies: Vec<String> = Vec::new();
    for charge in grounds.suspects().filter(|charge| !charge.convicted) {
        for hearing in &grounds.trial.hearings {
            if let Gate::TooFew { trials } = gate(hearing, charge.class, grounds.gates) {
                let of = match hearing.witness.against(charge.class) {
                    Some((_, found)) if found.source.is_some() => {
                        format!("class {}", found.class_of_search())
                    }
                    _ => format!("classes other than {}", charge.class),
                };
                remedies.push(format!(
                    "Give more images: {} held-out images of {of} are needed, and there are {trials}.",
                    trials_needed(hearing.statistic().conviction.rate()),
                ));
            }
        }
    }
    let stands = stand_against_clean(grounds.obstacles);
    let of_obstacles =
        told(grounds.obstacles).filter(|_| stands && grounds.suspects().next().is_none());
    remedies.extend(of_obstacles.filter_map(remedy));
    remedies.extend(
        grounds
            .doubts
            .iter()
            .filter_map(|(doubt, _)| doubt.remedy()),
    );
    if grounds.trial.out_of_span.is_some() || grounds.is_outvoted() {
        remedies.push("Give clean models of the same task (--reference).".to_owned());
    }
    remedies.dedup();
    remedies
}

/// What helps against an obstacle; nothing, if it lies in the model itself.
fn remedy(obstacle: &Obstacle) -> Option<String> {
    match obstacle {
        Obstacle::CannotSay(_, why) | Obstacle::Unheard(_, Unheard::CannotSay(why)) => match why {
            CannotSay::TooManyUnreached { .. } | CannotSay::TooFewReached { .. } => {
                Some("Give the search more steps or more images.".to_owned())
            }
            CannotSay::TooFewClasses(_) => {
                Some("Give clean models of the same task (--reference).".to_owned())
            }
            CannotSay::NoSpread => None,
        },
        Obstacle::NothingWouldStandOut(_) | Obstacle::TooFewCleanModels { .. } => {
            Some("Give clean models of the same task (--reference).".to_owned())
        }
        Obstacle::Unheard(_, Unheard::NothingSearched | Unheard::Unrepresented(_)) => {
            Some("Give the searches more time (--max-time).".to_owned())
        }
        Obstacle::Unheard(_, Unheard::Unsound(_) | Unheard::NotCalibrated) | Obstacle::None(_) => {
            None
        }
    }
}
