//! Which of the flagged classes are named as targets.
//!
//! Every class that is flagged is more suspicious than any of nearly all clean models. Beside a
//! target that need not make it one: classes of one model are alike (all are easier to reach in a
//! small net), a backdoor disturbs those near it, and where one class is far below the others a few
//! more stand below the rest by nature. A target is far below; the others are not as far. So,
//! beside the most suspicious class, those are named that lie at least a part of its distance below
//! the classes that are not flagged.

use super::calibration::ScalePrior;
use super::hearing::Hearing;
use super::test::moments::cut_normal;

/// A class is named if its distance is at least this part of that of the most suspicious class
/// (decision 0012).
const NAMED: f64 = 0.6;
/// The same where more than half of the classes are flagged: infected classes are then the rule,
/// and the smallest of many lies far below the others by chance alone.
const NAMED_AMONG_MANY: f64 = 0.4;

/// Scales below this, in natural logarithms, are no spread at all.
const NO_SPREAD: f64 = 1e-6;

/// How far each of the flagged classes lies from those that are not flagged, over all witnesses:
/// the root of the sum of squares of the distances to each, in units of the scale that the other
/// classes have to it. Zero if no witness has anything to measure it by.
pub(super) fn distances(hearings: &[Hearing<'_>], flagged: &[usize]) -> Vec<f64> {
    let mut squares = vec![0.0; flagged.len()];
    for hearing in hearings {
        let Some((location, scale)) = of_others(hearing, flagged) else {
            continue;
        };
        for (square, class) in squares.iter_mut().zip(flagged) {
            // Of searches from several classes that lead to one, the furthest counts.
            if let Some(place) = hearing.values.place_of(*class) {
                let value = hearing.values.ascending()[place];
                *square += ((location - value) / scale).max(0.0).powi(2);
            }
        }
    }
    squares.into_iter().map(f64::sqrt).collect()
}

/// Which of the flagged classes are named, of so many classes in all; the first is the most
/// suspicious.
pub(super) fn named(distances: &[f64], classes: usize) -> Vec<bool> {
    let first = distances.first().copied().unwrap_or(0.0);
    let part = if 2 * distances.len() > classes {
        NAMED_AMONG_MANY
    } else {
        NAMED
    };
    let near = |distance: &f64| *distance >= part * first;
    distances.iter().map(near).collect()
}

/// Location and scale of the classes that are not flagged; where these are fewer than half, those
/// of clean models, if they are known.
fn of_others(hearing: &Hearing<'_>, flagged: &[usize]) -> Option<(f64, f64)> {
    let values = &hearing.values;
    let is_flagged = |accused: &[usize]| accused.iter().any(|class| flagged.contains(class));
    let reached = values.accused().iter().zip(values.ascending());
    let others = reached.filter(|(accused, _)| !is_flagged(accused));
    let others: Vec<f64> = others.map(|(_, value)| *value).collect();
    let count = others.len() as f64;
    let all = others.len() + values.unreached();
    let prior = hearing.null_model.scale_prior();
    if 2 * all < values.compared() || others.is_empty() {
        let scale = prior.map_or(1.0, |prior| prior.scale());
        return Some((hearing.usual_location()?, scale));
    }
    let mean = others.iter().sum::<f64>() / count;
    let squares: f64 = others.iter().map(|value| (value - mean).powi(2)).sum();
    let (shift, stretch) = cut_normal(values.unreached() as f64 / all as f64);
    let variance = moderated(squares * stretch * stretch, count - 1.0, prior);
    let scale = variance.sqrt().max(NO_SPREAD);
    Some((mean + shift * scale, scale))
}

/// The variance drawn towards that of clean models.
fn moderated(squares: f64, degrees: f64, prior: Option<ScalePrior>) -> f64 {
    match prior {
        Some(prior) => {
            let weight = prior.degrees_of_freedom();
            (weight * prior.scale().powi(2) + squares) / (weight + degrees)
        }
        None => squares / degrees.max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_always_named_and_others_only_near_it() {
        let distances = [8.0, 7.0, 4.9, 3.3, 9.0];
        assert_eq!(named(&distances, 10), [true, true, true, false, true]);
        assert!(named(&distances, 9).iter().all(|named| *named));
        assert_eq!(named(&[8.0, 3.0], 2), [true, false]);
        assert_eq!(named(&[0.0, 0.0], 43), [true, true]);
        assert!(named(&[], 10).is_empty());
    }
}
