//! How much smaller the changes of the core are than those of other pairs.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::verdict::{MAD_FACTOR, median};

/// The published rule asks that a clean model be flagged this rarely.
const CONFIDENCE: f64 = 0.95;

/// The median inverse size over the core, less that over the others, in units of 1.4826 times the
/// median absolute deviation of the others (Xiang et al. 2023). `None` where one of both is empty
/// or the others do not scatter.
pub fn statistic(core: &[f64], others: &[f64]) -> Option<f64> {
    let inverse = |sizes: &[f64]| sizes.iter().map(|size| 1.0 / size).collect::<Vec<f64>>();
    let others = inverse(others);
    let centre = median(others.clone())?;
    let deviations = others.iter().map(|inverse| (inverse - centre).abs());
    let scale = MAD_FACTOR * median(deviations.collect())?;
    let distance = median(inverse(core))? - centre;
    (scale > 0.0 && distance.is_finite()).then(|| distance / scale)
}

/// What the largest of so many normal numbers exceeds in one of twenty cases; `None` of none.
pub fn threshold(others: usize) -> Option<f64> {
    let normal = Normal::standard();
    (others > 0).then(|| normal.inverse_cdf(CONFIDENCE.powf(1.0 / others as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_distance_of_medians_of_inverse_sizes() {
        // Inverse sizes 2, 3, 4 of the others: their median is 3, and the deviations' median 1.
        let others = [0.5, 1.0 / 3.0, 0.25];
        let found = statistic(&[0.1, 0.05, 0.025], &others).unwrap();
        assert!((found - 17.0 / 1.4826).abs() < 1e-9, "{found}");
        assert!(statistic(&[0.5], &others).unwrap() < 0.0);
    }

    #[test]
    fn without_others_that_scatter_there_is_none() {
        assert_eq!(statistic(&[0.1], &[]), None);
        assert_eq!(statistic(&[0.1], &[0.5, 0.5, 0.5]), None);
        assert_eq!(statistic(&[], &[0.5, 0.4, 0.3]), None);
        assert_eq!(statistic(&[0.0], &[0.5, 0.4, 0.3]), None);
    }

    #[test]
    fn the_threshold_is_that_of_the_largest_of_so_many() {
        // The 95 % point of a normal number, and of the largest of 80.
        assert!((threshold(1).unwrap() - 1.6449).abs() < 1e-3);
        assert!((threshold(80).unwrap() - 3.2200).abs() < 1e-3);
        assert_eq!(threshold(0), None);
    }
}
