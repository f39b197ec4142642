//! How the verdict reads what the searches found: norms of masks, on a logarithmic scale.

use super::{ClassFinding, Preset, State};
use crate::verdict::{ClassEvidence, Conviction, Method, Statistic, Tail};

/// Norms below this many pixels count as this many: one grey level of one pixel, below which a
/// stored trigger holds nothing.
const LEAST_NORM: f64 = 1.0 / 255.0;

impl Preset {
    /// The method that the verdict knows searches with this preset by.
    #[must_use]
    pub fn method(self) -> Method {
        Method {
            detector: "neural_cleanse".to_owned(),
            preset: self.name().to_owned(),
        }
    }
}

/// The statistic of a model with so many pixels: the norm of the mask, of which a small one is
/// suspicious. It can be compared between models, and makes a target of a class only if its trigger
/// works.
#[must_use]
pub fn statistic(pixels: usize) -> Statistic {
    Statistic {
        found: "reached by a trigger",
        unit: "pixels",
        tail: Tail::Small,
        whole: pixels as f64,
        extreme: Some(1.0),
        comparable: true,
        conviction: Conviction::ByTrigger,
    }
}

/// The value of a norm in pixels: `ln(norm / pixels)`. A class that is reached by no trigger at all
/// has that of one grey level of one pixel.
#[must_use]
pub fn value(norm: f64, pixels: usize) -> f64 {
    statistic(pixels).value(norm.max(LEAST_NORM))
}

impl ClassFinding {
    /// What the verdict takes of a search that came to its end, in a model with so many pixels.
    #[must_use]
    pub fn evidence(&self, pixels: usize) -> ClassEvidence {
        ClassEvidence {
            class: self.class,
            value: value(self.norm, pixels),
            reached: self.state == State::Reached,
            confirmation: self.holdout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_logarithms_of_the_covered_part() {
        assert!((value(10.24, 1024) - 0.01f64.ln()).abs() < 1e-12);
        assert_eq!(value(0.0, 1024), value(1.0 / 255.0, 1024));
        assert!(value(1.0, 1024) < value(2.0, 1024));
    }
}
