//! Where the line is drawn between clean and suspicious, and what that promises.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};
use statrs::function::gamma::ln_gamma;

use crate::error::Error;

/// Confidence of the interval.
const CONFIDENCE: f64 = 0.95;

/// A threshold set by the scores of clean images, none of which the score was fitted to.
///
/// With n such scores the image with score s has the p-value (1 + number of scores >= s) / (n + 1),
/// and is flagged if that is at most the rate (a conformal test, Vovk et al. 2005): if the image
/// is drawn as the n were, the chance of that is at most the rate, whatever the score. How often
/// clean images are flagged with these very n is a draw from Beta(k, n + 1 - k), where k is the
/// rate times n + 1, rounded down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept")]
pub struct Threshold {
    /// The share of clean images that may be flagged.
    pub fpr: f64,
    /// Images with a larger score than this are flagged.
    pub value: f64,
    /// The share of clean images to expect flagged, k / (n + 1), and the interval of 95 % that the
    /// share lies in. Both hold if the scores have no equals among them; with equals fewer are
    /// flagged.
    pub expected: f64,
    /// The interval, from and to.
    pub interval: [f64; 2],
    /// Scores of the clean images, descending.
    scores: Vec<f64>,
}

/// What of a kept threshold is believed: all else follows from it.
#[derive(Deserialize)]
struct Kept {
    fpr: f64,
    scores: Vec<f64>,
}

impl TryFrom<Kept> for Threshold {
    type Error = Error;

    fn try_from(Kept { fpr, scores }: Kept) -> Result<Self, Error> {
        Self::of_clean(scores, fpr)
    }
}

impl Threshold {
    /// Sets the threshold such that at most a share `fpr`, in (0, 1), of clean images is flagged.
    ///
    /// # Errors
    /// [`Error::FewCleanScores`] if there are too few scores for such a rate: 1 / fpr - 1 are needed
    /// at least; [`Error::CannotFilter`] for a rate that is none.
    pub fn of_clean(mut scores: Vec<f64>, fpr: f64) -> Result<Self, Error> {
        if !(fpr > 0.0 && fpr < 1.0) {
            let reason = format!("the false-positive rate is a share between 0 and 1, not {fpr}");
            return Err(Error::CannotFilter(reason));
        }
        scores.sort_by(|a, b| b.total_cmp(a));
        let count = scores.len();
        // The rate is a decimal: 0.05 times 20 is meant to be 1.
        let flagged = (fpr * (count + 1) as f64 + 1e-9).floor() as usize;
        let (Some(&value), true) = (scores.get(flagged.wrapping_sub(1)), flagged <= count) else {
            return Err(Error::FewCleanScores {
                count,
                fpr,
                needed: (1.0 / fpr - 1e-9).ceil() as usize - 1,
            });
        };
        let beta = Beta::new(flagged as f64, (count + 1 - flagged) as f64);
        let interval = beta.map_or([0.0, 1.0], |beta| {
            let rest = (1.0 - CONFIDENCE) / 2.0;
            [beta.inverse_cdf(rest), beta.inverse_cdf(1.0 - rest)]
        });
        Ok(Self {
            fpr,
            value,
            expected: flagged as f64 / (count + 1) as f64,
            interval,
            scores,
        })
    }

    /// Number of the clean images that it was set by.
    #[must_use]
    pub fn images(&self) -> usize {
        self.scores.len()
    }

    /// Whether an image with this score is flagged.
    #[must_use]
    pub fn flags(&self, score: f64) -> bool {
        score > self.value
    }

    /// The share of clean images that are as suspicious, counted with the image itself: in (0, 1].
    #[must_use]
    pub fn p_value(&self, score: f64) -> f64 {
        let larger = self.scores.partition_point(|&clean| clean >= score);
        (1 + larger) as f64 / (self.scores.len() + 1) as f64
    }

    /// The same scores with another rate.
    ///
    /// # Errors
    /// As [`of_clean`](Self::of_clean).
    pub fn at(&self, fpr: f64) -> Result<Self, Error> {
        Self::of_clean(self.scores.clone(), fpr)
    }

    /// The chance that of `images` clean ones `flagged` or more are flagged.
    ///
    /// The share that is flagged is itself a draw from the Beta distribution, so that the number is
    /// beta-binomial.
    #[must_use]
    pub fn chance_of(&self, flagged: u64, images: u64) -> f64 {
        let count = self.scores.len() as f64;
        let hits = (self.expected * (count + 1.0)).round();
        beta_binomial_tail(flagged, images, hits, count + 1.0 - hits)
    }
}

/// The chance below which so many flagged images are no accident.
const ALPHA: f64 = 0.01;

/// Whether more images are flagged than the rate explains: of clean images so many would be flagged
/// less than once in a hundred times.
#[must_use]
pub fn more_than_expected(threshold: &Threshold, flagged: u64, images: u64) -> bool {
    threshold.chance_of(flagged, images) < ALPHA
}

/// P(X >= x) for X beta-binomial of n trials.
fn beta_binomial_tail(x: u64, n: u64, a: f64, b: f64) -> f64 {
    if x == 0 {
        return 1.0;
    }
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let (trials, all) = (n as f64, ln_beta(a, b));
    let of = |k: f64| {
        let ways = ln_gamma(trials + 1.0) - ln_gamma(k + 1.0) - ln_gamma(trials - k + 1.0);
        (ways + ln_beta(k + a, trials - k + b) - all).exp()
    };
    (x..=n).map(|k| of(k as f64)).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(count: usize) -> Vec<f64> {
        (0..count).map(|at| at as f64).collect()
    }

    #[test]
    fn so_many_of_the_clean_scores_lie_above_as_the_rate_allows() {
        // 0.05 * (99 + 1) = 5: an image has to exceed the fifth largest of the 99.
        let threshold = Threshold::of_clean(scores(99), 0.05).unwrap();
        assert_eq!(threshold.value, 94.0);
        assert!(!threshold.flags(94.0) && threshold.flags(94.5));
        assert_eq!(threshold.expected, 0.05);
        let [low, high] = threshold.interval;
        // Beta(5, 95): quantiles of 2.5 and 97.5 %, by scipy.
        assert!(
            (low - 0.016_60).abs() < 1e-5 && (high - 0.100_23).abs() < 1e-5,
            "{low} {high}"
        );
    }

    #[test]
    fn an_image_is_flagged_where_its_p_value_is_at_most_the_rate() {
        for (count, fpr) in [(99, 0.05), (100, 0.05), (57, 0.1), (19, 0.05), (250, 0.01)] {
            let threshold = Threshold::of_clean(scores(count), fpr).unwrap();
            for at in -1..=2 * count as i64 + 1 {
                let score = at as f64 / 2.0;
                assert_eq!(
                    threshold.flags(score),
                    threshold.p_value(score) <= fpr + 1e-12,
                    "{count} {fpr} {score}"
                );
            }
        }
    }

    #[test]
    fn too_few_clean_images_cannot_promise_the_rate() {
        assert!(Threshold::of_clean(scores(19), 0.05).is_ok());
        let error = Threshold::of_clean(scores(18), 0.05).unwrap_err();
        assert!(
            matches!(error, Error::FewCleanScores { needed: 19, .. }),
            "{error}"
        );
        assert!(Threshold::of_clean(Vec::new(), 0.05).is_err());
        for rate in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(Threshold::of_clean(scores(99), rate).is_err(), "{rate}");
        }
    }

    #[test]
    fn of_a_kept_threshold_only_rate_and_scores_are_believed() {
        let threshold = Threshold::of_clean(scores(99), 0.05).unwrap();
        let mut kept = serde_json::to_value(&threshold).unwrap();
        kept["value"] = 1e9.into();
        kept["expected"] = (-3.0).into();
        kept["scores"].as_array_mut().unwrap().reverse();
        let read: Threshold = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(read, threshold);
        kept["fpr"] = 0.001.into();
        assert!(serde_json::from_value::<Threshold>(kept).is_err());
    }

    #[test]
    fn equal_scores_are_not_flagged() {
        let threshold = Threshold::of_clean(vec![1.0; 50], 0.1).unwrap();
        assert!(!threshold.flags(1.0));
    }

    #[test]
    fn the_tail_of_the_number_flagged_sums_up() {
        let all = beta_binomial_tail(0, 10, 5.0, 95.0);
        let some = beta_binomial_tail(1, 10, 5.0, 95.0);
        // P(0) = B(5, 105) / B(5, 95), the product of (95 + i) / (100 + i) for i below ten.
        let none: f64 = (0..10)
            .map(|i| f64::from(95 + i) / f64::from(100 + i))
            .product();
        assert!((all - some - none).abs() < 1e-9);
        let threshold = Threshold::of_clean(scores(99), 0.05).unwrap();
        assert!(!more_than_expected(&threshold, 5, 100));
        assert!(more_than_expected(&threshold, 60, 100));
    }
}
