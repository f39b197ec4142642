//! Confidence intervals of a rate.

use statrs::distribution::{Beta, ContinuousCDF, Normal};

use super::error::StatsError;

/// Lower and upper bound of a rate, both in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
}

/// Wilson's score interval: close to its nominal coverage on average, short. For reporting
/// accuracies.
///
/// No trials give [0, 1].
///
/// # Errors
/// More successes than trials, or a confidence outside (0, 1).
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Result<Interval, StatsError> {
    check(successes, trials, confidence)?;
    if trials == 0 {
        return Ok(Interval {
            lower: 0.0,
            upper: 1.0,
        });
    }
    let z = Normal::standard().inverse_cdf(f64::midpoint(1.0, confidence));
    let n = trials as f64;
    let rate = successes as f64 / n;
    let shrink = 1.0 + z * z / n;
    let centre = (rate + z * z / (2.0 * n)) / shrink;
    let half = z / shrink * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    Ok(Interval {
        lower: if successes == 0 {
            0.0
        } else {
            (centre - half).max(0.0)
        },
        upper: if successes == trials {
            1.0
        } else {
            (centre + half).min(1.0)
        },
    })
}

/// Clopper and Pearson's exact interval: its coverage is never below `confidence`. For decisions.
///
/// No trials give [0, 1].
///
/// # Errors
/// More successes than trials, or a confidence outside (0, 1).
pub fn clopper_pearson(
    successes: u64,
    trials: u64,
    confidence: f64,
) -> Result<Interval, StatsError> {
    check(successes, trials, confidence)?;
    let tail = (1.0 - confidence) / 2.0;
    let failures = trials - successes;
    let quantile = |a: u64, b: u64, p: f64, otherwise: f64| {
        Beta::new(a as f64, b as f64).map_or(otherwise, |beta| beta.inverse_cdf(p))
    };
    Ok(Interval {
        lower: if successes == 0 {
            0.0
        } else {
            quantile(successes, failures + 1, tail, 0.0)
        },
        upper: if failures == 0 {
            1.0
        } else {
            quantile(successes + 1, failures, 1.0 - tail, 1.0)
        },
    })
}

fn check(successes: u64, trials: u64, confidence: f64) -> Result<(), StatsError> {
    if successes > trials {
        return Err(StatsError::Successes { successes, trials });
    }
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(StatsError::Confidence(confidence));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    use super::*;

    #[test]
    fn agrees_with_known_values() {
        // 81 of 263, 95 %: the worked example of Newcombe (1998), methods 3 and 5.
        let score = wilson(81, 263, 0.95).unwrap();
        assert!((score.lower - 0.2553).abs() < 1e-4 && (score.upper - 0.3662).abs() < 1e-4);
        let exact = clopper_pearson(81, 263, 0.95).unwrap();
        assert!((exact.lower - 0.2527).abs() < 1e-4 && (exact.upper - 0.3676).abs() < 1e-4);
        // All of n: the lower bound is (alpha/2)^(1/n).
        let all = clopper_pearson(36, 36, 0.95).unwrap();
        assert!((all.lower - 0.025f64.powf(1.0 / 36.0)).abs() < 1e-9);
        assert_eq!(all.upper, 1.0);
    }

    #[test]
    fn no_trials_say_nothing() {
        assert_eq!(
            wilson(0, 0, 0.95).unwrap(),
            Interval {
                lower: 0.0,
                upper: 1.0
            }
        );
        assert_eq!(
            clopper_pearson(0, 0, 0.95).unwrap(),
            Interval {
                lower: 0.0,
                upper: 1.0
            }
        );
    }

    #[test]
    fn refuses_nonsense() {
        assert!(wilson(2, 1, 0.95).is_err());
        assert!(clopper_pearson(1, 2, 1.0).is_err());
        assert!(clopper_pearson(1, 2, f64::NAN).is_err());
    }

    proptest! {
        #[test]
        fn exact_bounds_invert_the_binomial(trials in 1u64..2000, share in 0.0f64..=1.0, confidence in 0.5f64..0.999) {
            let successes = (share * trials as f64) as u64;
            let interval = clopper_pearson(successes, trials, confidence).unwrap();
            let tail = (1.0 - confidence) / 2.0;
            if successes > 0 {
                let at_least = Binomial::new(interval.lower, trials).unwrap().sf(successes - 1);
                prop_assert!((at_least - tail).abs() < 1e-6);
            }
            if successes < trials {
                let at_most = Binomial::new(interval.upper, trials).unwrap().cdf(successes);
                prop_assert!((at_most - tail).abs() < 1e-6);
            }
        }

        #[test]
        fn intervals_hold_the_rate(trials in 1u64..100_000, share in 0.0f64..=1.0) {
            let successes = (share * trials as f64) as u64;
            let rate = successes as f64 / trials as f64;
            for interval in [wilson(successes, trials, 0.95).unwrap(), clopper_pearson(successes, trials, 0.95).unwrap()] {
                prop_assert!(0.0 <= interval.lower && interval.lower <= rate && rate <= interval.upper && interval.upper <= 1.0);
            }
        }
    }
}
