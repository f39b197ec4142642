//! The comparisons of one model, read at one rate of false alarms.

use crate::verdict::calibration::reference::Reference;
use crate::verdict::error::StatsError;
use crate::verdict::evidence::LogSizes;
use crate::verdict::test::comparison::{Comparison, Surprises};
use crate::verdict::test::null::{DRAWS, RANKED_DRAWS};
use crate::verdict::test::outlier::{CannotSay, Reading};

/// No trigger is smaller than this many pixels; a test that would not flag even this one finds
/// nothing.
const SMALLEST_TRIGGER: f64 = 1.0;

/// p-values of simulated models have been through a logarithm and back.
const ROUNDING: f64 = 1e-12;

/// Why a model in which nothing is flagged is still not clean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::verdict) enum Obstacle {
    /// The classes could not be compared.
    CannotSay(CannotSay),
    /// They could, but even a trigger of a single pixel would have passed for one of a clean model.
    NothingWouldStandOut,
}

/// What the comparisons come to.
pub(in crate::verdict) struct Findings {
    /// p-values of the reached classes, smallest first, corrected for the number of comparisons and of classes; none if
    /// there was no comparison.
    p_values: Vec<f64>,
    flagged: usize,
    reading: Result<Reading, CannotSay>,
    /// The log size below which a class is too small for any clean model.
    log_size_limit: Option<f64>,
}

impl Findings {
    /// Compares the model with the reference.
    pub(in crate::verdict) fn gather(
        sizes: &LogSizes,
        reference: &dyn Reference,
        fpr: f64,
        seed: u64,
    ) -> Result<Self, StatsError> {
        let draws = reference.measured().map_or(DRAWS, |_| RANKED_DRAWS);
        let comparison = Comparison::run(sizes, reference, draws, seed)?;
        let scale = Scale {
            measured: reference.measured(),
            tests: comparison.tests() as f64,
        };
        let least = scale.smallest_p_value();
        let p_values: Vec<f64> = match comparison.tests() {
            0 => Vec::new(),
            _ => {
                let surprises = comparison.surprises();
                surprises.into_iter().map(|s| scale.p_value(s)).collect()
            }
        };
        let critical = scale.critical(fpr);
        let reading = match &comparison.outlier {
            _ if least > fpr => Err(CannotSay::ReferenceTooSmall { least, rate: fpr }),
            Err(why) => Err(*why),
            Ok(test) => {
                let too_few = CannotSay::TooFewReached {
                    reached: sizes.ascending().len(),
                    searched: sizes.compared(),
                };
                test.read(comparison.score_at(critical)).ok_or(too_few)
            }
        };
        Ok(Self {
            flagged: p_values
                .iter()
                .take_while(|&&p| p <= fpr * (1.0 + ROUNDING))
                .count(),
            p_values,
            reading,
            log_size_limit: comparison.log_size_at(critical),
        })
    }

    /// The comparison of the classes with one another, if there was one.
    pub(in crate::verdict) fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref().ok()
    }

    /// How many of the smallest classes are flagged.
    pub(in crate::verdict) fn flagged(&self) -> usize {
        self.flagged
    }

    /// How many of the flagged classes do not stand out from the others, and are flagged for being smaller than those of
    /// clean models.
    pub(in crate::verdict) fn flagged_by_size(&self) -> usize {
        let outliers = self.reading().map_or(0, |reading| reading.flagged);
        self.flagged.saturating_sub(outliers)
    }

    /// p-values of the reached classes, smallest first; `None` if there was no comparison.
    pub(in crate::verdict) fn class_p_values(&self) -> Option<&[f64]> {
        (!self.p_values.is_empty()).then_some(&self.p_values)
    }

    /// The model's p-value; `None` if there was no comparison.
    pub(in crate::verdict) fn p_value(&self) -> Option<f64> {
        self.p_values.first().copied()
    }

    /// The log size below which a reached class is or would have been flagged, by either comparison.
    pub(in crate::verdict) fn log_size_threshold(&self) -> Option<f64> {
        let relative = self.reading().map(|reading| reading.log_size_threshold);
        relative
            .into_iter()
            .chain(self.log_size_limit)
            .reduce(f64::max)
            .filter(|limit| limit.is_finite())
    }

    /// What stands in the way of "clean" where nothing is flagged: a comparison of the classes that
    /// could not be made, unless there are too few and their sizes are known, or comparisons
    /// that could not have flagged anything.
    pub(in crate::verdict) fn obstacle(&self, norm_threshold: Option<f64>) -> Option<Obstacle> {
        match (&self.reading, self.log_size_limit) {
            (Err(CannotSay::TooFewClasses(_)), Some(_)) | (Ok(_), _) => norm_threshold
                .is_none_or(|norm| norm < SMALLEST_TRIGGER)
                .then_some(Obstacle::NothingWouldStandOut),
            (Err(why), _) => Some(Obstacle::CannotSay(*why)),
        }
    }
}

/// From surprises to p-values.
struct Scale<'a> {
    measured: Option<&'a Surprises>,
    tests: f64,
}

impl Scale<'_> {
    fn p_value(&self, surprise: f64) -> f64 {
        match self.measured {
            Some(measured) => measured.p_value(surprise),
            None => (self.tests * (-surprise).exp())
                .max(self.smallest_p_value())
                .min(1.0),
        }
    }

    fn smallest_p_value(&self) -> f64 {
        self.measured.map_or_else(
            || self.tests / (1 + DRAWS) as f64,
            Surprises::smallest_p_value,
        )
    }

    /// The surprise that has to be exceeded for a p-value of at most `fpr`.
    fn critical(&self, fpr: f64) -> f64 {
        match self.measured {
            Some(measured) => measured.critical(fpr),
            None => -(fpr / self.tests).ln(),
        }
    }
}
