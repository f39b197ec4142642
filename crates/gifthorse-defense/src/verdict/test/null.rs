//! How large scores get in clean models: simulated, with a seed, and the same whatever the number
//! of threads.

use std::iter::repeat;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::moments::Sums;
use super::ranks::{Ranks, TailRule};
use super::scan_statistic::Scan;
use super::standing::Standing;
use crate::verdict::calibration::{NullModel, ScalePrior};
use crate::verdict::error::StatsError;
use crate::verdict::set_aside::Thinning;

/// Clean models simulated: the standard error of a p-value of 0.05 is then 0.002, and a thousand
/// classes take a fraction of a second.
pub const DRAWS: usize = 9_999;
/// Clean models simulated at most for each model that is ranked among measured ones, and for each
/// of these: a surprise need not be finer than the ranks that it is for, and only numbers found in
/// the same way can be ranked.
const RANKED_DRAWS: usize = 2_000;
/// Where classes are counted, fewer models are drawn the more classes they have: this many in all.
const RANKED_CLASSES: usize = 20_000;
/// But no fewer than this: classes of one model go together.
const FEWEST_DRAWS: usize = 400;
/// Models that share one stream of random numbers.
const PER_STREAM: usize = 64;
/// The simulation's largest hundredth is replaced by an exponential tail. Its slope is that of this
/// hundredth, or of the largest fifty where these are more: it errs by a seventh at most.
const TAIL: TailRule = TailRule {
    replaced: 0.01,
    fitted: 0.01,
    least: 50,
};
/// Range of false positive rates for which enough simulated models lie beyond the critical score.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=0.5;

/// What a surprise is measured among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verdict) enum Among {
    /// The classes of clean models: how rarely a class is so suspicious. For surprises that are
    /// added up over witnesses and then ranked among measured models, which know what the most
    /// suspicious of several classes is like.
    Classes,
    /// The most suspicious class of each clean model: how rarely a model has one so suspicious. For
    /// surprises that are taken at their word.
    Models,
}

impl Among {
    /// By whether the model at hand is ranked among measured clean models.
    pub(in crate::verdict) fn measured(ranked: bool) -> Self {
        if ranked { Self::Classes } else { Self::Models }
    }

    /// How many models with so many values each to simulate.
    fn draws(self, values: usize) -> usize {
        match self {
            Self::Classes => (RANKED_CLASSES / values.max(1)).clamp(FEWEST_DRAWS, RANKED_DRAWS),
            Self::Models => DRAWS,
        }
    }
}

/// Simulated clean models, of as many classes as the model at hand, the same number of the largest
/// censored.
#[derive(Debug, Clone)]
pub struct Null {
    scores: Ranks,
    smallness: Ranks,
}

/// How the classes of a model are compared with one another.
#[derive(Debug, Clone, Copy)]
pub(in crate::verdict) enum Score<'a> {
    /// By the largest score of a scan over the number of suspects.
    OfModel(&'a Scan),
    /// By the standing of each class that was reached, so many.
    OfClasses {
        /// How many were.
        reached: usize,
        /// What is known of their scale.
        prior: Option<ScalePrior>,
    },
}

/// What clean models to simulate.
#[derive(Debug, Clone, Copy)]
pub(in crate::verdict) struct Simulation<'a> {
    /// How its classes are compared with one another; `None` if they cannot be, in which case only
    /// their values count.
    pub score: Option<Score<'a>>,
    /// How many values it has, unreached ones included: one for each class, or one for the model.
    pub values: usize,
    /// How many classes a model like it has.
    pub classes: usize,
    /// How its classes were thinned out.
    pub thinning: Option<Thinning>,
    /// What its values are measured among.
    pub among: Among,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Simulation<'_> {
    /// Draws clean models of `null_model`, the same whatever the number of threads.
    ///
    /// # Errors
    /// The null model drew values that are not finite.
    pub(in crate::verdict) fn run(self, null_model: &dyn NullModel) -> Result<Null, StatsError> {
        let draws = self.among.draws(self.values);
        let streams: Vec<Vec<(f64, f64)>> = (0..draws.div_ceil(PER_STREAM))
            .into_par_iter()
            .map(|stream| {
                let models = PER_STREAM.min(draws - stream * PER_STREAM);
                self.stream(stream, models, null_model)
            })
            .collect::<Result<_, _>>()?;
        let (scores, smallness) = streams.into_iter().flatten().unzip();
        Ok(Null {
            scores: Ranks::new(scores, TAIL),
            smallness: Ranks::new(smallness, TAIL),
        })
    }

    /// Score and smallness, of each class or of each model's most suspicious one, in the models that
    /// share a stream of random numbers.
    fn stream(
        self,
        stream: usize,
        models: usize,
        null_model: &dyn NullModel,
    ) -> Result<Vec<(f64, f64)>, StatsError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream as u64);
        let mut values = vec![0.0; self.values];
        let mut sums = Sums::default();
        let counted = match self.among {
            Among::Classes => self.values,
            Among::Models => self.values.min(1),
        };
        let mut numbers = Vec::with_capacity(models * counted);
        for _ in 0..models {
            null_model.draw(&mut rng, self.classes, &mut values);
            if values.iter().any(|value| !value.is_finite()) {
                return Err(StatsError::NullModel);
            }
            values.sort_unstable_by(f64::total_cmp);
            if let Some(thinning) = self.thinning {
                thinning.apply(&mut values, &mut rng);
            }
            let scores = match self.score {
                None => Vec::new(),
                Some(Score::OfModel(scan)) => vec![scan.largest_score(&values, &mut sums)],
                Some(Score::OfClasses { reached, prior }) => {
                    Standing::new(&values[..reached], prior)
                        .map_or_else(Vec::new, |standing| standing.scores())
                }
            };
            let scores = scores.into_iter().chain(repeat(f64::NEG_INFINITY));
            let smallness = values.iter().map(|value| -value);
            numbers.extend(scores.zip(smallness).take(counted));
        }
        Ok(numbers)
    }
}

impl Null {
    /// Simulates [`DRAWS`] clean models of `null_model`.
    ///
    /// # Errors
    /// The null model drew values that are not finite.
    pub fn simulate(
        scan: &Scan,
        null_model: &dyn NullModel,
        seed: u64,
    ) -> Result<Self, StatsError> {
        Self::simulate_thinned(scan, None, null_model, seed)
    }

    /// Simulates clean models whose classes are then thinned out as those of the model at hand
    /// were.
    ///
    /// # Errors
    /// As [`Self::simulate`].
    pub fn simulate_thinned(
        scan: &Scan,
        thinning: Option<Thinning>,
        null_model: &dyn NullModel,
        seed: u64,
    ) -> Result<Self, StatsError> {
        let simulation = Simulation {
            score: Some(Score::OfModel(scan)),
            values: scan.searched(),
            classes: scan.searched(),
            thinning,
            among: Among::Models,
            seed,
        };
        simulation.run(null_model)
    }

    /// Share of clean models that score at least as high, the model itself counted among them, so
    /// never 0.
    #[must_use]
    pub fn p_value(&self, score: f64) -> f64 {
        self.scores.p_value(score)
    }

    /// The score that has to be exceeded for the p-value to be at most `fpr`; infinite where none
    /// is so rare.
    #[must_use]
    pub fn critical_score(&self, fpr: f64) -> f64 {
        self.scores.critical(fpr)
    }

    /// Scores of the clean models.
    pub(in crate::verdict) fn scores(&self) -> &Ranks {
        &self.scores
    }

    /// Minus the smallest value of each clean model.
    pub(in crate::verdict) fn smallness(&self) -> &Ranks {
        &self.smallness
    }
}

/// Whether the simulation is fine enough for this false positive rate.
pub(in crate::verdict) fn check_rate(fpr: f64) -> Result<(), StatsError> {
    if RATES.contains(&fpr) {
        Ok(())
    } else {
        Err(StatsError::FalsePositiveRate(fpr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::EqualClasses;

    #[test]
    fn p_values_and_critical_scores_agree() {
        let scan = Scan::new(10, 0, None).unwrap();
        let null = Null::simulate(&scan, &EqualClasses::default(), 7).unwrap();
        assert_eq!(null.scores.len(), DRAWS);
        for fpr in [0.001, 0.01, 0.05, 0.123, 0.5] {
            let critical = null.critical_score(fpr);
            assert!(null.p_value(critical) > fpr, "{fpr}");
            assert!(null.p_value(critical + 1e-9) <= fpr, "{fpr}");
        }
        assert_eq!(null.critical_score(1e-6), f64::INFINITY);
        assert_eq!(null.p_value(f64::INFINITY), 1.0 / (1 + DRAWS) as f64);
        assert_eq!(null.p_value(f64::NEG_INFINITY), 1.0);
    }

    #[test]
    fn depends_on_the_seed_and_not_on_threads() {
        let scan = Scan::new(5, 1, None).unwrap();
        let one = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let three = rayon::ThreadPoolBuilder::new()
            .num_threads(3)
            .build()
            .unwrap();
        let run = |seed| {
            Null::simulate(&scan, &EqualClasses::default(), seed)
                .unwrap()
                .scores
        };
        assert_eq!(one.install(|| run(1)), three.install(|| run(1)));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn rejects_rates_beyond_its_resolution() {
        for fpr in [0.0, 0.0001, 0.6, f64::NAN, -1.0] {
            assert!(check_rate(fpr).is_err());
        }
    }

    #[test]
    fn null_model_that_draws_nonsense_is_an_error() {
        struct Broken;
        impl NullModel for Broken {
            fn draw(&self, _: &mut ChaCha8Rng, _: usize, values: &mut [f64]) {
                values.fill(f64::NAN);
            }
        }
        let scan = Scan::new(4, 0, None).unwrap();
        assert!(matches!(
            Null::simulate(&scan, &Broken, 0),
            Err(StatsError::NullModel)
        ));
    }
}
