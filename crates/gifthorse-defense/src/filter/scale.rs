//! What the scores of several triggers are measured in.

use serde::{Deserialize, Serialize};

use crate::exact;

/// Clean images beyond this share of them are rare.
const RARE: f64 = 0.95;
/// A unit is no less than this of how far a trigger moves images: neurons that no clean image wakes
/// would be infinitely sure otherwise.
const LEAST: f64 = 1e-3;

/// The scale of a trigger's score: 0 in the middle of clean images, and 1 where they become rare.
/// That of a trigger which tells stamped images badly would drown the others if each were measured
/// by how far its own trigger moves images; a standard deviation would be that of the few images of
/// the target class, which raise its neurons themselves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    /// The median of clean images,
    #[serde(with = "exact::double")]
    pub middle: f64,
    /// and how far above it nineteen of twenty end.
    #[serde(with = "exact::double")]
    pub unit: f64,
}

impl Scale {
    /// The scale by the scores of clean images, of which 1 is as far as the trigger moves them.
    pub(super) fn of(mut scores: Vec<f64>) -> Self {
        scores.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * scores.len().saturating_sub(1) as f64;
            scores.get(place as usize).copied().unwrap_or_default()
        };
        let (middle, rare) = (at(0.5), at(RARE));
        Self {
            middle,
            // What is no number is no unit either.
            unit: (rare - middle).max(LEAST),
        }
    }

    /// Whether something can be measured by it.
    pub(super) fn is_sound(&self) -> bool {
        self.middle.is_finite() && self.unit.is_finite() && self.unit > 0.0
    }

    /// A score on it.
    pub(super) fn apply(&self, score: f64) -> f64 {
        (score - self.middle) / self.unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_nought_and_where_images_are_rare_is_one() {
        let scale = Scale::of((0..=100).rev().map(f64::from).collect());
        assert_eq!((scale.apply(50.0), scale.apply(95.0)), (0.0, 1.0));
    }

    #[test]
    fn a_unit_is_never_nothing() {
        for scores in [vec![0.5; 3], vec![f64::NAN], Vec::new()] {
            assert_eq!(Scale::of(scores).unit, LEAST);
        }
    }
}
