//! Numbers that detectors bring with them: what they are called, what they are counted in and which
//! of them are suspicious.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number that a detector measured beside its statistic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measure {
    /// What it is, in lower case with underscores, such as `anomaly_index`.
    pub name: String,
    /// Its value; null where it is undefined.
    pub value: Option<f64>,
    /// What it is counted in, such as `pixels` or `%`; `share` for a part of a whole in [0, 1],
    /// which people are shown in percent; empty for a plain number.
    pub unit: String,
}

impl Measure {
    /// The unit of a part of a whole.
    pub const SHARE: &str = "share";

    /// A number counted in `unit`, or a plain one if that is empty.
    pub fn new(name: &str, value: Option<f64>, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        }
    }
}

/// What the statistic of a detector's units is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitStatistic {
    /// Its name, in a word or two, such as `norm`.
    pub name: String,
    /// What it is counted in, such as `pixels`.
    pub unit: String,
    /// What it is, in plain words that go on a sentence, such as `L1 norm of the mask`.
    pub meaning: String,
    /// Which values are suspicious.
    pub suspicious: Tail,
}

/// The end of a range at which values are suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tail {
    /// Small values are suspicious.
    Small,
    /// Large values are suspicious.
    Large,
}

impl Tail {
    /// Puts the more suspicious of two values first; what is undefined comes last.
    pub fn compare(self, a: Option<f64>, b: Option<f64>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self == Self::Small => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suspicious_end_comes_first_and_the_undefined_last() {
        let sorted = |tail: Tail| {
            let mut values = [None, Some(3.0), Some(1.0), Some(2.0)];
            values.sort_by(|a, b| tail.compare(*a, *b));
            values
        };
        assert_eq!(sorted(Tail::Small), [Some(1.0), Some(2.0), Some(3.0), None]);
        assert_eq!(sorted(Tail::Large), [Some(3.0), Some(2.0), Some(1.0), None]);
    }
}
