//! What the detectors found in one model: a witness each, and what is known to stand against them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::confirmation::{Confirmation, REQUIRED_RATE};
use super::doubt::Doubt;
use super::error::StatsError;
use super::set_aside::SetAside;

/// All that a verdict on one model rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// What each detector found, in any order, each detector once. May be empty: then nothing can
    /// be said.
    pub witnesses: Vec<Witness>,
    /// What else is known of the scan, and bears on what may be said.
    pub doubts: Vec<Doubt>,
    /// Height times width of the model's input.
    pub pixels: usize,
    /// Number of classes of the model, searched or not.
    pub classes: usize,
}

/// What one detector found: a value for each class that it searched, or one for the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// The detector and its preset.
    pub method: Method,
    /// How its values are to be read.
    pub statistic: Statistic,
    /// The classes searched to the end, in any order, each once; or the source classes; or a single
    /// entry where the search was of the model as a whole ([`Statistic::of_model`]).
    pub classes: Vec<ClassEvidence>,
    /// Classes whose search was ended early; not in `classes`.
    pub set_aside: SetAside,
    /// Whether the detector's search can be believed for this model.
    pub soundness: Soundness,
}

/// The outcome of one detector's search for one target class, or from one source class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassEvidence {
    /// Class index: where the trigger leads to.
    pub class: usize,
    /// Further classes that the same trigger leads images to, where the search was of the model as
    /// a whole.
    pub also: Vec<usize>,
    /// The class whose images it works on, if the search was about those of one.
    pub source: Option<usize>,
    /// The detector's statistic on its logarithmic scale ([`Statistic::value`]): the smaller, the
    /// more suspicious. Ignored unless `reached`, but finite.
    pub value: f64,
    /// Whether the search came to a value. A class that was not reached is censored: its value is
    /// larger than any found, so it is never a candidate.
    pub reached: bool,
    /// The trigger tried on held-out images; `None` if it was not tried or there is none.
    pub confirmation: Option<Confirmation>,
}

/// A detector with its preset, such as `neural_cleanse standard`. Values found with another preset
/// are not comparable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Method {
    /// Name of the detector, without spaces.
    pub detector: String,
    /// Name of the preset.
    pub preset: String,
}

/// Whether a detector's search can be believed for one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soundness {
    /// It can.
    Sound,
    /// It cannot, for the reason given in words: gradients that vanish, logits that saturate. The
    /// witness is not heard.
    Unsound(String),
    /// It can, but the detector goes by margins, which this model's training kept small, for the
    /// reason given in words. The witness is heard, and each sound one by itself as well, so that
    /// none that is sure is outvoted in silence.
    Faint(String),
}

/// In which direction a detector's statistic is suspicious, before any logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Small numbers are suspicious.
    Small,
    /// Large numbers are.
    Large,
}

/// When a class that a witness finds suspicious is taken for a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Conviction {
    /// Only if its trigger works on held-out images: clean models have classes that are easy to
    /// reach, and a search may end in a mask that does nothing.
    ByTrigger {
        /// The success rate that is asked for, with a confidence of 95 %.
        rate: f64,
    },
    /// By the statistic alone; the detector has no trigger to try.
    ByStatistic,
}

/// How the values of a witness are to be read.
///
/// A positive number `x` in `unit` has the value `ln(x / whole)` if small numbers are suspicious,
/// `-ln(x / whole)` if large ones are. Of numbers that may be negative, which are `linear`, it is
/// `x / whole` or `-x / whole`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistic {
    /// What a class is found by, to be read after "class 3 is": `reached by a trigger`.
    pub found: &'static str,
    /// Unit of the statistic, in the plural: `pixels`.
    pub unit: &'static str,
    /// Which end is suspicious.
    pub tail: Tail,
    /// The number whose value is 0, in `unit`: the pixels of the image for the norm of a mask.
    pub whole: f64,
    /// The most suspicious number that means anything, in `unit`: one pixel for the norm of a mask.
    /// A test that would not flag even this finds nothing. `None` if there is no such end.
    pub extreme: Option<f64>,
    /// Whether the values of different models may be compared. Sizes of triggers may; margins
    /// between logits may not, since each model has its own scale of logits, and are compared among
    /// the classes of one model alone.
    pub comparable: bool,
    /// Whether numbers are taken as they are, and not by their logarithm.
    pub linear: bool,
    /// Whether there is one value for the model, and none for each class: nothing in the model
    /// itself to compare it with.
    pub of_model: bool,
    /// What makes a suspicious class a target.
    pub conviction: Conviction,
}

impl ClassEvidence {
    /// The classes that it is held against.
    pub(super) fn accused(&self) -> Vec<usize> {
        let others = self
            .also
            .iter()
            .copied()
            .filter(|&class| class != self.class);
        [self.class].into_iter().chain(others).collect()
    }

    /// The class that the search was about, by which it is known among those of its witness.
    pub(super) fn class_of_search(&self) -> usize {
        self.source.unwrap_or(self.class)
    }
}

impl Witness {
    /// What it holds against a class: the most suspicious of its findings that lead there.
    pub(super) fn against(&self, class: usize) -> Option<(usize, &ClassEvidence)> {
        let found = self.classes.iter().enumerate();
        let accuses = |found: &ClassEvidence| found.class == class || found.also.contains(&class);
        let of_class = found.filter(|(_, found)| accuses(found));
        of_class.min_by(|(_, a), (_, b)| {
            let unreached = (!a.reached).cmp(&!b.reached);
            unreached.then(a.value.total_cmp(&b.value))
        })
    }
}

impl Conviction {
    /// The success rate on held-out images that a trigger is asked for.
    pub fn rate(&self) -> f64 {
        match self {
            Self::ByTrigger { rate } => *rate,
            Self::ByStatistic => REQUIRED_RATE,
        }
    }
}

impl Statistic {
    /// The value of a number in `unit`.
    #[must_use]
    pub fn value(&self, number: f64) -> f64 {
        let part = number / self.whole;
        let upwards = if self.linear { part } else { part.ln() };
        match self.tail {
            Tail::Small => upwards,
            Tail::Large => -upwards,
        }
    }

    /// The number in `unit` that has a value.
    #[must_use]
    pub fn number(&self, value: f64) -> f64 {
        let upwards = match self.tail {
            Tail::Small => value,
            Tail::Large => -value,
        };
        self.whole * if self.linear { upwards } else { upwards.exp() }
    }

    /// Whether a class below this value would be more suspicious than anything that means
    /// something.
    pub(super) fn is_beyond_reach(&self, value: f64) -> bool {
        self.extreme
            .is_some_and(|extreme| value < self.value(extreme))
    }
}

impl Method {
    /// A detector with its preset.
    ///
    /// # Errors
    /// A name that is empty or has a space in it.
    pub fn new(detector: impl Into<String>, preset: impl Into<String>) -> Result<Self, StatsError> {
        let (detector, preset) = (detector.into(), preset.into());
        let word = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        if word(&detector) && word(&preset) {
            Ok(Self { detector, preset })
        } else {
            Err(StatsError::Method(format!("{detector} {preset}")))
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.detector, self.preset)
    }
}

impl FromStr for Method {
    type Err = StatsError;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, StatsError> {
        let (detector, preset) = text
            .split_once(' ')
            .ok_or_else(|| StatsError::Method(text.to_owned()))?;
        Self::new(detector, preset)
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.to_string()
    }
}

impl TryFrom<String> for Method {
    type Error = StatsError;

    fn try_from(text: String) -> Result<Self, StatsError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_small_where_numbers_are_suspicious() {
        let norm = Statistic {
            found: "reached by a trigger",
            unit: "pixels",
            tail: Tail::Small,
            whole: 1024.0,
            extreme: Some(1.0),
            comparable: true,
            linear: false,
            of_model: false,
            conviction: Conviction::ByTrigger { rate: 0.9 },
        };
        let margin = Statistic {
            tail: Tail::Large,
            whole: 1.0,
            extreme: None,
            ..norm
        };
        assert!(norm.value(3.0) < norm.value(30.0) && norm.value(1024.0) == 0.0);
        assert!(margin.value(30.0) < margin.value(3.0));
        let sum = Statistic {
            linear: true,
            ..margin
        };
        assert!(sum.value(-1.0) == 1.0 && sum.value(3.0) == -3.0);
        for statistic in [norm, margin, sum] {
            assert!((statistic.number(statistic.value(7.0)) - 7.0).abs() < 1e-9);
        }
        assert!(norm.is_beyond_reach(norm.value(0.9)) && !norm.is_beyond_reach(norm.value(1.1)));
        assert!(!margin.is_beyond_reach(-1e9));
    }

    #[test]
    fn methods_are_two_words() {
        let method: Method = "mm_bd standard".parse().unwrap();
        assert_eq!(method, Method::new("mm_bd", "standard").unwrap());
        assert_eq!(method.to_string(), "mm_bd standard");
        for bad in ["", "mm_bd", "mm_bd ", " standard", "a b c"] {
            assert!(bad.parse::<Method>().is_err(), "{bad}");
        }
    }
}
