//! Means and variances of stretches of an ordered sample, and what they say of a normal
//! distribution of which the upper part is cut off.

use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Sums over the upper part of a sample, to have the mean and variance of any stretch at once.
#[derive(Debug, Default)]
pub(in crate::verdict) struct Sums {
    centre: f64,
    /// Entry i: sum of (x, x^2) over ranks i and above, x being centred.
    above: Vec<(f64, f64)>,
}

impl Sums {
    /// Takes up a sample in rising order.
    pub(in crate::verdict) fn fill(&mut self, ascending: &[f64]) {
        self.centre = ascending.get(ascending.len() / 2).copied().unwrap_or(0.0);
        self.above.clear();
        self.above.resize(ascending.len() + 1, (0.0, 0.0));
        for (rank, size) in ascending.iter().enumerate().rev() {
            let x = size - self.centre;
            let (sum, squares) = self.above[rank + 1];
            self.above[rank] = (sum + x, squares + x * x);
        }
    }

    /// Mean and sum of squared deviations of the ranks `from..to`.
    pub(in crate::verdict) fn moments(&self, from: usize, to: usize) -> (f64, f64) {
        let count = (to - from) as f64;
        let (low, high) = (self.above[from], self.above[to]);
        let (sum, squares) = (low.0 - high.0, low.1 - high.1);
        (
            self.centre + sum / count,
            (squares - sum * sum / count).max(0.0),
        )
    }
}

/// How to get back the location and scale of a normal distribution from what is left when its
/// largest `part` is cut off: location = mean + shift * scale, scale = standard deviation *
/// stretch.
pub(in crate::verdict) fn cut_normal(part: f64) -> (f64, f64) {
    if part <= 0.0 {
        return (0.0, 1.0);
    }
    let normal = Normal::standard();
    let cut = normal.inverse_cdf(1.0 - part);
    let shift = normal.pdf(cut) / (1.0 - part);
    (shift, 1.0 / (1.0 - cut * shift - shift * shift).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_have_their_mean_and_squares() {
        let mut sums = Sums::default();
        sums.fill(&[-9.0, 1.0, 2.0, 4.0, 5.0, 7.0]);
        assert_eq!(sums.moments(1, 5), (3.0, 10.0));
        sums.fill(&[2.0]);
        assert_eq!(sums.moments(0, 1), (2.0, 0.0));
    }

    #[test]
    fn cut_normal_gives_back_location_and_scale() {
        let normal = Normal::standard();
        let sample: Vec<f64> = (0..100_000)
            .map(|i| normal.inverse_cdf((f64::from(i) + 0.5) / 1e5))
            .collect();
        for part in [0.1, 0.2, 0.5] {
            let kept = &sample[..(1e5 * (1.0 - part)) as usize];
            let mean = kept.iter().sum::<f64>() / kept.len() as f64;
            let deviation =
                (kept.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / kept.len() as f64).sqrt();
            let (shift, stretch) = cut_normal(part);
            assert!((deviation * stretch - 1.0).abs() < 1e-3, "{part}");
            assert!((mean + shift).abs() < 1e-3, "{part}");
        }
    }
}
