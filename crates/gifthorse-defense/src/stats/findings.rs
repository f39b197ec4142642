//! The tests of one model, combined: the classes compared with one another and, where the reference
//! has any, absolute evidence.

use super::error::StatsError;
use super::evidence::LogSizes;
use super::outlier::{CannotSay, OutlierTest, Reading};
use super::reference::Reference;

/// No trigger is smaller than this many pixels; a test that would not flag even this one finds
/// nothing.
const SMALLEST_TRIGGER: f64 = 1.0;

/// Why a model in which nothing is flagged is still not clean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Obstacle {
    /// The classes could not be compared.
    CannotSay(CannotSay),
    /// They could, but even a trigger of a single pixel would have passed for one of a clean model.
    NothingWouldStandOut,
}

/// The tests that could be done.
pub(super) struct Findings {
    /// Comparison of the classes: p-values of the reached, smallest first, and the reading at this
    /// test's share of the rate.
    relative: Result<(Vec<f64>, Reading), CannotSay>,
    /// p-value of the absolute evidence.
    absolute: Option<f64>,
    /// How many tests share the false positive rate.
    tests: f64,
    share: f64,
}

impl Findings {
    /// Does the tests; `fpr` is shared out among them.
    pub(super) fn gather(
        sizes: &LogSizes,
        reference: &dyn Reference,
        fpr: f64,
        seed: u64,
    ) -> Result<Self, StatsError> {
        let absolute = reference
            .absolute_p_value(sizes.ascending())
            .filter(|p| !p.is_nan())
            .map(|p| p.clamp(0.0, 1.0));
        let test = OutlierTest::run(sizes, reference, seed)?;
        let tests = if test.is_ok() && absolute.is_some() {
            2.0
        } else {
            1.0
        };
        let share = fpr / tests;
        let least = reference.smallest_p_value();
        let relative = match test {
            _ if least > share => Err(CannotSay::ReferenceTooSmall { least, rate: share }),
            Err(why) => Err(why),
            Ok(test) => {
                let vouched = |p: f64| p.max(least).min(1.0);
                let p_values = test.p_values().into_iter().map(vouched).collect();
                let too_few = CannotSay::TooFewReached {
                    reached: sizes.ascending().len(),
                    searched: sizes.compared(),
                };
                test.read(share)
                    .map(|reading| (p_values, reading))
                    .ok_or(too_few)
            }
        };
        Ok(Self {
            relative,
            absolute,
            tests,
            share,
        })
    }

    /// The comparison of the classes, if there was one.
    pub(super) fn reading(&self) -> Option<&Reading> {
        self.relative.as_ref().ok().map(|(_, reading)| reading)
    }

    fn absolute_flags(&self) -> bool {
        self.absolute.is_some_and(|p| p <= self.share)
    }

    /// How many of the smallest classes are flagged.
    pub(super) fn flagged(&self) -> usize {
        self.reading()
            .map_or(0, |reading| reading.flagged)
            .max(usize::from(self.absolute_flags()))
    }

    /// p-values of the reached classes, smallest first, corrected for the number of tests.
    pub(super) fn class_p_values(&self, reached: usize) -> Option<Vec<f64>> {
        let mut values = match (&self.relative, self.absolute) {
            (Ok((values, _)), _) => values.clone(),
            (Err(_), Some(_)) => vec![1.0; reached],
            (Err(_), None) => return None,
        };
        if let (Some(smallest), Some(absolute)) = (values.first_mut(), self.absolute) {
            *smallest = smallest.min(absolute);
        }
        Some(
            values
                .into_iter()
                .map(|p| (p * self.tests).min(1.0))
                .collect(),
        )
    }

    /// The model's p-value, corrected for the number of tests; `None` if there was no test.
    pub(super) fn p_value(&self) -> Option<f64> {
        self.class_p_values(1)?.first().copied()
    }

    /// What stands in the way of "clean" where nothing is flagged: a comparison of the classes that
    /// could not be made, unless there are too few and absolute evidence takes its place, or one
    /// that could not have flagged anything.
    pub(super) fn obstacle(&self, norm_threshold: Option<f64>) -> Option<Obstacle> {
        match (&self.relative, self.absolute) {
            (Err(CannotSay::TooFewClasses(_)), Some(_)) | (Ok(_), Some(_)) => None,
            (Err(why), _) => Some(Obstacle::CannotSay(*why)),
            (Ok(_), None) => norm_threshold
                .is_some_and(|norm| norm < SMALLEST_TRIGGER)
                .then_some(Obstacle::NothingWouldStandOut),
        }
    }
}
