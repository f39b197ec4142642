//! What a detector found: one type for all of them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::exact;
use crate::trigger::Trigger;
use crate::verdict::Confirmation;

/// What one search of a detector is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A target class, from images of any other.
    Class(usize),
    /// A target class, from images of one source class.
    Pair {
        /// The class that images are of.
        source: usize,
        /// The class that they are led to.
        target: usize,
    },
    /// The model as a whole.
    Model,
    /// The images of one class, wherever they go.
    Source(usize),
}

impl Unit {
    /// The target class of a search that is about one.
    ///
    /// # Errors
    /// [`Error::OtherUnit`] for any other unit.
    pub fn class(self) -> Result<usize, Error> {
        match self {
            Self::Class(class) => Ok(class),
            other => Err(Error::OtherUnit(other)),
        }
    }

    /// The class by which the unit is known among those of its detector: the source of a search
    /// from one class, else the target.
    pub fn class_of_search(self) -> Option<usize> {
        match self {
            Self::Source(class) => Some(class),
            other => other.target(),
        }
    }

    /// The class that a backdoor found here leads to; `None` where that is not known beforehand.
    pub fn target(self) -> Option<usize> {
        match self {
            Self::Class(class) | Self::Pair { target: class, .. } => Some(class),
            Self::Model | Self::Source(_) => None,
        }
    }
}

/// The unit as a word, also part of a file name: `class-3`, `class-1-to-3`, `class-1-to-any`,
/// `model`.
impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => write!(formatter, "class-{class}"),
            Self::Pair { source, target } => write!(formatter, "class-{source}-to-{target}"),
            Self::Model => formatter.write_str("model"),
            Self::Source(class) => write!(formatter, "class-{class}-to-any"),
        }
    }
}

/// What became of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It found what it looks for, such as a trigger that meets the success threshold.
    Reached,
    /// It came to its end without.
    Unreached,
    /// It was ended after a few updates, since others had got further.
    Eliminated,
    /// It was stopped or never started.
    Skipped,
}

impl State {
    /// Whether the search came to its end.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Reached | Self::Unreached)
    }
}

/// A number that a detector tells about a unit beside its statistic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What it is, in snake case, such as `margin_of_picture`.
    pub name: String,
    /// The number.
    #[serde(with = "exact::double")]
    pub value: f64,
    /// What it is counted in; empty for a plain number.
    pub unit: String,
}

/// Where images of a class are led, as by a trigger: the class that most of those go to that leave
/// their own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// The class that they go to.
    pub class: usize,
    /// What share of all images of the first class that is, 0 to 1.
    #[serde(with = "exact::double")]
    pub share: f64,
}

/// What a detector found for one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was searched.
    pub unit: Unit,
    /// Of a search from one class: the class that the trigger leads most of its images to, if it
    /// leads any away.
    #[serde(default)]
    pub leads_to: Option<usize>,
    /// Of a search of the model as a whole: the only class whose images it leads there, if they are
    /// of one.
    #[serde(default)]
    pub leads_from: Option<usize>,
    /// Of a search of the model as a whole: where images of each class are led, in class order,
    /// `None` for a class that is led nowhere. Empty for other searches.
    #[serde(default)]
    pub map: Vec<Option<Destination>>,
    /// What became of it.
    pub state: State,
    /// Why nothing was reached, where the search can tell; in words that go after "class 3: ".
    pub reason: Option<String>,
    /// The detector's statistic in its own unit ([`Statistic`](crate::verdict::Statistic)); that of
    /// the last attempt where nothing was reached, and 0 for a unit that was skipped before it
    /// began.
    #[serde(with = "exact::double")]
    pub statistic: f64,
    /// What leads to the target, if the detector has something to show.
    pub trigger: Option<Trigger>,
    /// Share of the search images of other classes that the trigger sends to the target; `None` if
    /// it was not tried.
    #[serde(with = "exact::maybe_double")]
    pub success_rate: Option<f64>,
    /// The trigger on held-out images of the other classes; `None` if it was not tried.
    pub confirmation: Option<Confirmation>,
    /// Further numbers.
    pub measures: Vec<Measure>,
    /// Updates that the search made.
    pub updates: usize,
    /// Time taken, in seconds.
    pub seconds: f64,
}

impl Finding {
    /// What was found, as a unit with a target: the pair of classes, for a search from one class
    /// that led somewhere, or one of the model that found a pair.
    pub fn led(&self) -> Unit {
        match (self.unit, self.leads_from, self.leads_to) {
            (Unit::Source(source), _, Some(target)) | (Unit::Model, Some(source), Some(target)) => {
                Unit::Pair { source, target }
            }
            (unit, _, _) => unit,
        }
    }

    /// The classes that more than half of the images of some class are led to, in order, where the
    /// search was of the model as a whole.
    pub fn led_by_a_class(&self) -> Vec<usize> {
        let destinations = self.map.iter().flatten();
        let led = destinations.filter(|destination| destination.share > 0.5);
        let led: BTreeSet<usize> = led.map(|destination| destination.class).collect();
        led.into_iter().collect()
    }

    /// The finding for a unit whose search never began.
    pub fn skipped(unit: Unit) -> Self {
        Self {
            unit,
            leads_to: None,
            leads_from: None,
            map: Vec::new(),
            state: State::Skipped,
            reason: None,
            statistic: 0.0,
            trigger: None,
            success_rate: None,
            confirmation: None,
            measures: Vec::new(),
            updates: 0,
            seconds: 0.0,
        }
    }
}

/// What a detector found in a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// One finding for each unit that was to be searched, in the order of units.
    pub units: Vec<Finding>,
    /// Of the units searched to the end, those that were drawn at random to stand for the
    /// eliminated ones, in order; empty if none was eliminated.
    pub sampled: Vec<Unit>,
}

impl Findings {
    /// The findings of searches that came to their end.
    pub fn ended(&self) -> impl Iterator<Item = &Finding> {
        self.units
            .iter()
            .filter(|finding| finding.state.has_ended())
    }

    /// How many units were eliminated early.
    pub fn eliminated(&self) -> usize {
        let eliminated = |finding: &&Finding| finding.state == State::Eliminated;
        self.units.iter().filter(eliminated).count()
    }

    /// The units that stand for the eliminated ones and whose search came to its end.
    pub fn stand_ins(&self) -> Vec<Unit> {
        let ended = self.ended().map(|finding| finding.unit);
        ended.filter(|unit| self.sampled.contains(unit)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_names_of_their_own_that_make_files() {
        let pair = |source, target| Unit::Pair { source, target };
        let units = [
            (Unit::Class(3), "class-3"),
            (Unit::Class(13), "class-13"),
            (pair(1, 3), "class-1-to-3"),
            (pair(3, 1), "class-3-to-1"),
            (Unit::Model, "model"),
            (Unit::Source(1), "class-1-to-any"),
        ];
        for (unit, name) in units {
            assert_eq!(unit.to_string(), name);
        }
    }

    #[test]
    fn only_a_class_is_a_class_and_a_pair_has_its_target() {
        let pair = Unit::Pair {
            source: 1,
            target: 3,
        };
        assert_eq!(Unit::Class(2).class().ok(), Some(2));
        for other in [pair, Unit::Model, Unit::Source(2)] {
            let refused = other.class().unwrap_err();
            assert!(
                refused.to_string().contains(&other.to_string()),
                "{refused}"
            );
        }
        let targets = [Unit::Class(2), pair, Unit::Model, Unit::Source(1)].map(Unit::target);
        assert_eq!(targets, [Some(2), Some(3), None, None]);
    }
}
