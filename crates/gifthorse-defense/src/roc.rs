//! How well a number tells what is bad from what is clean, whatever the threshold: backdoored models,
//! or stamped images.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// Area under the receiver operating characteristic: the probability that a bad case has a larger
/// number than a clean one, ties counting half.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Auroc {
    /// The area, in [0, 1].
    pub area: f64,
    /// 95 % confidence interval, DeLong et al. (1988) on the scale of log odds; `null` where all
    /// pairs are ranked right, or all wrong, or a group has one case alone: the sample then shows
    /// no variance.
    pub interval: Option<[f64; 2]>,
}

/// The area for the numbers of clean and of bad cases; `None` if there are none of either.
pub fn auroc(clean: &[f64], bad: &[f64]) -> Option<Auroc> {
    if clean.is_empty() || bad.is_empty() {
        return None;
    }
    // DeLong's structural components: the share of the other group that each case is placed right
    // of.
    let (sorted_clean, sorted_bad) = (sorted(clean), sorted(bad));
    let of_bad: Vec<f64> = bad.iter().map(|&high| below(&sorted_clean, high)).collect();
    let of_clean: Vec<f64> = clean
        .iter()
        .map(|&low| 1.0 - below(&sorted_bad, low))
        .collect();
    let area = mean(of_bad.iter().copied());
    let variance = spread(&of_bad, area).zip(spread(&of_clean, area));
    let variance = variance.map(|(a, b)| a + b);
    let interval = variance
        .filter(|&variance| variance > 0.0 && area > 0.0 && area < 1.0)
        .map(|variance| {
            let odds = (area / (1.0 - area)).ln();
            let half =
                Normal::standard().inverse_cdf(0.975) * variance.sqrt() / (area * (1.0 - area));
            [odds - half, odds + half].map(|odds| 1.0 / (1.0 + (-odds).exp()))
        });
    Some(Auroc { area, interval })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The share of ascending numbers that lie below one, those that equal it counting half.
fn below(sorted: &[f64], number: f64) -> f64 {
    let smaller = sorted.partition_point(|other| other.total_cmp(&number).is_lt());
    let not_larger = sorted.partition_point(|other| other.total_cmp(&number).is_le());
    (smaller + not_larger) as f64 / 2.0 / sorted.len() as f64
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Variance of the mean of these values; `None` for one alone.
fn spread(values: &[f64], mean: f64) -> Option<f64> {
    let count = values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| squares / (count - 1.0) / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_counts_pairs_and_ties_half() {
        let area = |clean: &[f64], bad: &[f64]| auroc(clean, bad).unwrap().area;
        assert_eq!(area(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(area(&[1.0, 3.0], &[2.0, 3.0]), 0.625);
        assert_eq!(area(&[1.0; 3], &[1.0; 2]), 0.5);
        assert_eq!(area(&[f64::NEG_INFINITY], &[f64::NEG_INFINITY]), 0.5);
        assert_eq!(auroc(&[], &[1.0]), None);
    }

    #[test]
    fn the_interval_is_delongs() {
        // Components 1, 1, 2/3 of the backdoored and 2/3, 1, 1 of the clean: variance 1/81 + 1/81.
        let auroc = auroc(&[2.5, 1.0, 0.5], &[3.0, 4.0, 2.0]).unwrap();
        assert!((auroc.area - 8.0 / 9.0).abs() < 1e-12);
        let half = 1.959_963_985 * (2.0f64 / 81.0).sqrt() * 81.0 / 8.0;
        let [low, high] = auroc.interval.unwrap();
        let odds = |share: f64| (share / (1.0 - share)).ln();
        assert!((odds(low) - (8.0f64.ln() - half)).abs() < 1e-6);
        assert!((odds(high) - (8.0f64.ln() + half)).abs() < 1e-6);
    }

    #[test]
    fn no_variance_gives_no_interval() {
        assert_eq!(auroc(&[0.0, 0.1], &[1.0, 2.0]).unwrap().interval, None);
        assert_eq!(auroc(&[0.0], &[1.0, -2.0]).unwrap().interval, None);
    }
}
