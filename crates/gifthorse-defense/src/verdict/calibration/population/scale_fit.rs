//! The prior of the scale from the variances of clean models (Smyth 2004, section 6.2).
//!
//! A model's sample variance with d degrees of freedom is `s0^2 F(d, d0)` distributed, so its
//! logarithm has mean `ln s0^2 + g(d) - g(d0)`, g(d) being `digamma(d/2) - ln(d/2)`, and variance
//! `trigamma(d/2) + trigamma(d0/2)`. Both are solved for s0 and d0, with weights, since models of
//! two classes scatter a hundred times as much as those of forty.

use statrs::function::gamma::digamma;

use crate::verdict::calibration::ScalePrior;

/// More degrees of freedom say that all models have one scale, which no library of a few hundred
/// can tell.
const MOST_DEGREES: f64 = 100.0;
/// Fewer would give scales without a mean; a handful of models may suggest it by chance.
const LEAST_DEGREES: f64 = 2.0;
/// Rounds in which weights and scatter are settled.
const ROUNDS: usize = 30;
/// Standard deviations below this are no spread, and have no logarithm to speak of.
const NO_SPREAD: f64 = 1e-6;

/// The variance of one model's log sizes.
#[derive(Debug, Clone, Copy)]
pub(in crate::verdict) struct ModelVariance {
    pub variance: f64,
    /// Number of classes it is from, less one.
    pub degrees: f64,
}

impl ModelVariance {
    /// The variance of numbers; 0 of a single one.
    pub(in crate::verdict) fn of(numbers: &[f64]) -> Self {
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
        let degrees = count - 1.0;
        Self {
            variance: squares / degrees.max(1.0),
            degrees,
        }
    }

    /// The variance drawn towards that of all models.
    pub(in crate::verdict) fn moderated(self, prior: Option<ScalePrior>) -> f64 {
        prior.map_or(self.variance, |prior| {
            let weight = prior.degrees_of_freedom();
            let squares = weight * prior.scale().powi(2) + self.degrees * self.variance;
            squares / (weight + self.degrees)
        })
    }
}

/// Fits the prior; `None` if fewer than two models have any spread.
pub(in crate::verdict) fn fit_prior(models: &[ModelVariance]) -> Option<ScalePrior> {
    let usable = models
        .iter()
        .filter(|model| model.degrees >= 1.0 && model.variance > NO_SPREAD * NO_SPREAD);
    // Log variances, freed of what their own degrees of freedom do to them, and how much these
    // scatter them.
    let logs: Vec<(f64, f64)> = usable
        .map(|model| {
            let half = model.degrees / 2.0;
            (model.variance.ln() - bias(half), trigamma(half))
        })
        .collect();
    if logs.len() < 2 {
        return None;
    }
    let half = half_degrees(scatter_between(&logs));
    let mean = weighted(
        logs.iter()
            .map(|&(log, scatter)| (log, 1.0 / (scatter + trigamma(half)))),
    );
    ScalePrior::new(((mean + bias(half)) / 2.0).exp(), 2.0 * half).ok()
}

/// How much the logarithms scatter beyond their own scatter. Each counts by how little it scatters
/// itself: a model of two classes says next to nothing.
fn scatter_between(logs: &[(f64, f64)]) -> f64 {
    let least = trigamma(MOST_DEGREES / 2.0);
    let unbiased = logs.len() as f64 / (logs.len() as f64 - 1.0);
    (0..ROUNDS).fold(1.0, |between, _| {
        let mean = weighted(
            logs.iter()
                .map(|&(log, scatter)| (log, 1.0 / (scatter + between))),
        );
        let excess = logs.iter().map(|&(log, scatter)| {
            let beyond = unbiased * (log - mean).powi(2) - scatter;
            (beyond, (scatter + between).powi(-2))
        });
        weighted(excess).max(least)
    })
}

/// The mean of numbers with their weights.
fn weighted(numbers: impl Iterator<Item = (f64, f64)>) -> f64 {
    let add = |(sum, weights): (f64, f64), (number, weight): (f64, f64)| {
        (sum + number * weight, weights + weight)
    };
    let (sum, weights) = numbers.fold((0.0, 0.0), add);
    sum / weights
}

fn bias(half: f64) -> f64 {
    digamma(half) - half.ln()
}

/// Half the degrees of freedom at which the logarithm of a variance scatters by `between`.
fn half_degrees(between: f64) -> f64 {
    let (mut low, mut high) = (LEAST_DEGREES / 2.0, MOST_DEGREES / 2.0);
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if trigamma(middle) > between {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Derivative of digamma, for positive x: recurrence up to 10, then the asymptotic series.
fn trigamma(x: f64) -> f64 {
    let mut sum = 0.0;
    let mut x = x;
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = square * (1.0 / 6.0 - square * (1.0 / 30.0 - square / 42.0));
    sum + 1.0 / x + square / 2.0 + series / x
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{ChiSquared, Distribution};

    use super::*;

    #[test]
    fn trigamma_has_its_known_values() {
        let square = std::f64::consts::PI.powi(2);
        assert!((trigamma(1.0) - square / 6.0).abs() < 1e-9);
        assert!((trigamma(0.5) - square / 2.0).abs() < 1e-9);
        assert!((trigamma(30.0) - 0.033_895_060_2).abs() < 1e-9);
    }

    #[test]
    fn prior_of_simulated_variances_is_found_again() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for (scale, weight) in [(0.3, 6.0), (0.5, 20.0)] {
            let truth = ScalePrior::new(scale, weight).unwrap();
            let models: Vec<ModelVariance> = (0..3000)
                .map(|model| {
                    let degrees = f64::from([1, 4, 9, 42][model % 4]);
                    let chi = ChiSquared::new(degrees).unwrap().sample(&mut rng);
                    let variance = truth.draw(&mut rng).powi(2) * chi / degrees;
                    ModelVariance { variance, degrees }
                })
                .collect();
            let found = fit_prior(&models).unwrap();
            assert!((found.scale() / scale - 1.0).abs() < 0.05, "{found:?}");
            let degrees = found.degrees_of_freedom();
            assert!((degrees / weight - 1.0).abs() < 0.3, "{found:?}");
        }
    }

    #[test]
    fn models_without_spread_give_no_prior() {
        let of = |variance, degrees| ModelVariance { variance, degrees };
        assert_eq!(fit_prior(&[]), None);
        assert_eq!(fit_prior(&[of(0.1, 9.0), of(0.0, 9.0), of(0.0, 0.0)]), None);
        // All of one scale: nearly certain. Of wildly different ones: nearly nothing is known.
        let alike = fit_prior(&[of(0.1, 9.0), of(0.1, 9.0), of(0.1, 4.0)]).unwrap();
        assert!(alike.degrees_of_freedom() > 99.0);
        let unlike = fit_prior(&[of(1e-4, 9.0), of(1e2, 9.0), of(0.1, 9.0)]).unwrap();
        assert!(unlike.degrees_of_freedom() < 2.1);
    }

    #[test]
    fn a_model_of_few_classes_is_drawn_towards_the_others() {
        let prior = ScalePrior::new(0.5, 4.0).ok();
        let of = |degrees| ModelVariance {
            variance: 1.0,
            degrees,
        };
        assert_eq!(of(1.0).moderated(prior), 0.4);
        assert!(of(96.0).moderated(prior) > 0.96);
        assert_eq!(of(1.0).moderated(None), 1.0);
    }
}
