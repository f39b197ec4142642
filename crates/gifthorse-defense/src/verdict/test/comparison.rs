//! One witness's values measured against clean models: the classes with one another, and with those
//! of clean models.
//!
//! Both comparisons end in a surprise, minus the logarithm of a p-value among simulated clean
//! models. Where clean models were measured, it is that of a class among their classes; a class
//! counts for both of its two, and their sum is ranked among the same sums of measured clean models
//! (a conformal p-value). So whatever the simulation gets wrong, that there are two comparisons
//! included, is in the ranks as well, as far as the model at hand is like those measured. Where none
//! were, it is that of the most suspicious class of a model, and a class counts for the larger.

use super::null::{Among, Null, Simulation};
use super::outlier::{CannotSay, OutlierTest, Reading};
use super::ranks::{Ranks, TailRule};
use super::standing::Standing;
use crate::verdict::calibration::NullModel;
use crate::verdict::error::StatsError;
use crate::verdict::values::Values;

/// Ranks of measured models hold as they are down to the first p-value above 0.05 (0.061 of 162
/// models). Of a rarer model they say little, unless there are thousands: what it takes to be among
/// the first hundredth of 150 models depends on a single one of them. So the ranks go on in an
/// exponential tail, as surprises have it by their making, with the slope of the largest fifth. If
/// they are exponential, a clean model has a p-value of at most 0.05 in 4.5 % of cases and one of
/// at most 0.01 in 1.0 %, with 162 models; if their tail is that of a Weibull distribution of shape
/// 0.7, in 4.7 and 1.3 % (`oracle/ranked_tail.py`).
const TAIL: TailRule = TailRule {
    replaced: 0.05,
    fitted: 0.2,
    least: 10,
};

/// No value lies so far below others, in natural logarithms.
const FURTHEST: f64 = 1e6;
/// How often the interval that a limit lies in is halved.
const HALVINGS: u32 = 50;

/// How surprising each of a number of measured clean models is.
#[derive(Debug, Clone, PartialEq)]
pub struct Surprises(Ranks);

impl Surprises {
    /// Takes them up in any order.
    #[must_use]
    pub fn new(surprises: Vec<f64>) -> Self {
        Self(Ranks::new(surprises, TAIL))
    }

    /// How surprising they are, in rising order.
    #[cfg(test)]
    pub(in crate::verdict) fn all(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.ascending().iter().copied()
    }

    /// How many clean models were measured.
    #[must_use]
    pub fn models(&self) -> usize {
        self.0.len()
    }

    /// Share of clean models at least as surprising, the model at hand counted among them, which
    /// beyond the largest twentieth is that of the exponential tail, but never below
    /// [`Self::smallest_p_value`].
    #[must_use]
    pub fn p_value(&self, surprise: f64) -> f64 {
        (-self.0.surprise(surprise))
            .exp()
            .max(self.smallest_p_value())
    }

    /// Minus the logarithm of the p-value, without a lower bound: what a surprise is worth by its
    /// rank. Strictly rising beyond the largest.
    #[must_use]
    pub fn worth(&self, surprise: f64) -> f64 {
        self.0.surprise(surprise)
    }

    /// Smallest p-value that so many models can vouch for.
    #[must_use]
    pub fn smallest_p_value(&self) -> f64 {
        1.0 / (1 + self.models()) as f64
    }

    /// The surprise that has to be exceeded for a p-value of at most `fpr`.
    pub(in crate::verdict) fn critical(&self, fpr: f64) -> f64 {
        if fpr < self.smallest_p_value() {
            f64::INFINITY
        } else {
            self.0.number_at(-fpr.ln())
        }
    }
}

/// The comparisons of one witness.
#[derive(Debug)]
pub(in crate::verdict) struct Comparison {
    /// The classes among one another.
    pub outlier: Result<OutlierTest, CannotSay>,
    /// Values of the reached classes, as they would be in images of a usual size, if they are
    /// compared with those of clean models.
    beside_clean: Option<Vec<f64>>,
    /// How much higher they are in images of the model's size.
    shift: f64,
    reached: usize,
    /// Minus the logarithm of the share of a model's classes that each value is held against where
    /// one value speaks for all: a class of a clean model is accused that rarely.
    rarity: Vec<f64>,
    null: Null,
    among: Among,
}

impl Comparison {
    /// Simulates clean models and measures the values of a model with so many `pixels` among them:
    /// beside those of clean models only if `comparable`.
    ///
    /// # Errors
    /// The null model drew values that are not finite.
    pub(in crate::verdict) fn run(
        (values, pixels): (&Values, usize),
        null_model: &dyn NullModel,
        comparable: bool,
        among: Among,
        seed: u64,
    ) -> Result<Self, StatsError> {
        let outlier = OutlierTest::new(values, null_model.scale_prior(), among);
        let simulation = Simulation {
            score: outlier.as_ref().ok().map(OutlierTest::score),
            values: values.compared(),
            classes: values.classes_of_model(),
            thinning: values.thinning(),
            among,
            seed,
        };
        let null = simulation.run(null_model)?;
        let ascending = values.ascending();
        let comparable = comparable && null_model.location(values.classes_of_model()).is_some();
        let shift = null_model.shift(pixels);
        let shifted = ascending.iter().map(|value| value - shift);
        Ok(Self {
            among,
            outlier,
            beside_clean: comparable.then(|| shifted.collect()),
            shift,
            reached: ascending.len(),
            rarity: values.rarity(),
            null,
        })
    }

    /// How many comparisons there are.
    pub(in crate::verdict) fn tests(&self) -> usize {
        usize::from(self.outlier.is_ok()) + usize::from(self.beside_clean.is_some())
    }

    /// The surprise at each reached class, smallest value first.
    pub(in crate::verdict) fn surprises(&self) -> Vec<f64> {
        let both = match self.among {
            Among::Classes => |one: f64, other: f64| one + other,
            Among::Models => f64::max,
        };
        let mut surprises = vec![0.0f64; self.reached];
        if let Ok(test) = &self.outlier {
            for (surprise, score) in surprises.iter_mut().zip(test.scores()) {
                *surprise = self.null.scores().surprise(score).max(0.0);
            }
        }
        for (surprise, value) in surprises.iter_mut().zip(self.beside_clean.iter().flatten()) {
            *surprise = both(*surprise, self.null.smallness().surprise(-value));
        }
        if self.among == Among::Classes {
            for (surprise, rarity) in surprises.iter_mut().zip(&self.rarity) {
                *surprise += rarity;
            }
        }
        surprises
    }

    /// Reads the comparison of the classes with one another, where a surprise above `critical` is
    /// significant.
    ///
    /// # Errors
    /// Classes that cannot be compared.
    pub(in crate::verdict) fn read(&self, critical: f64) -> Result<Option<Reading>, CannotSay> {
        match self.outlier.as_ref().map_err(|why| *why)? {
            OutlierTest::Scan(test) => Ok(test.read(self.null.scores().number_at(critical))),
            OutlierTest::Standing { standing, .. } => {
                Ok(Some(self.read_standings(standing, critical)))
            }
        }
    }

    /// The value below which a class is more surprising than that by itself, beside clean models
    /// alone, if values are compared with theirs.
    pub(in crate::verdict) fn value_at(&self, surprise: f64) -> Option<f64> {
        let needed = match self.among {
            Among::Classes => surprise - self.rarity.first().unwrap_or(&0.0),
            Among::Models => surprise,
        };
        let comparable = self.beside_clean.is_some();
        comparable.then(|| self.shift - self.null.smallness().number_at(needed))
    }

    fn read_standings(&self, standing: &Standing, critical: f64) -> Reading {
        let residuals = standing.scores();
        let limits: Vec<f64> = (0..residuals.len())
            .map(|class| self.limit(standing, class, critical))
            .collect();
        let values = standing.ascending().iter().zip(&limits);
        let flagged = values.take_while(|(value, limit)| value < limit).count();
        let shown = flagged.saturating_sub(1);
        Reading {
            flagged,
            statistic: residuals[shown],
            threshold: standing.at(shown, limits[shown]),
            value_threshold: if flagged > 0 {
                limits[shown]
            } else {
                limits.into_iter().fold(f64::INFINITY, f64::min)
            },
            residuals,
        }
    }

    /// The value below which the class of this place is more surprising than that by itself, by
    /// both comparisons together.
    fn limit(&self, standing: &Standing, class: usize, critical: f64) -> f64 {
        let is_enough = |value: f64| {
            let beside_others = self.null.scores().surprise(standing.at(class, value));
            let beside_clean = match self.beside_clean {
                Some(_) => self.null.smallness().surprise(self.shift - value),
                None => 0.0,
            };
            beside_others.max(0.0) + beside_clean > critical
        };
        let (middle, scale) = standing.others(class);
        let (mut above, mut step) = (middle, scale.max(f64::EPSILON));
        while !is_enough(above - step) {
            if step > FURTHEST {
                return f64::NEG_INFINITY;
            }
            (above, step) = (above - step, 2.0 * step);
        }
        let mut below = above - step;
        for _ in 0..HALVINGS {
            let between = f64::midpoint(below, above);
            if is_enough(between) {
                below = between;
            } else {
                above = between;
            }
        }
        below
    }
}
