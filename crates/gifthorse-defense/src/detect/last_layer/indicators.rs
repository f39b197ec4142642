//! What the weights of the last layer say of each class.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::LastLayer;

/// Random features that the classes compete for.
const RANDOM_FEATURES: usize = 1000;

/// The numbers of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Indicators {
    /// The largest logit above the mean of all classes that units within their ranges give.
    pub reach: f64,
    /// Sum of the weights, in units of what so many weights of the layer would sum to if each had a
    /// sign of its own.
    pub sum: f64,
    /// Largest weight.
    pub largest: f64,
    /// Skewness of the weights; 0 if they are all the same.
    pub skewness: f64,
}

impl Indicators {
    /// Those of a class.
    pub fn of(last: &LastLayer, class: usize) -> Self {
        let row = last.row(class);
        let ranges = last.low.iter().zip(&last.high);
        let reach = row.iter().zip(ranges).map(|(&weight, (&low, &high))| {
            let weight = f64::from(weight);
            (weight * f64::from(low)).max(weight * f64::from(high))
        });
        let weights = || row.iter().map(|&weight| f64::from(weight));
        let count = row.len().max(1) as f64;
        let sum: f64 = weights().sum();
        let moment = |power: i32| {
            weights()
                .map(|weight| (weight - sum / count).powi(power))
                .sum::<f64>()
                / count
        };
        let variance = moment(2);
        let scale = last.scale_of_sums();
        Self {
            reach: reach.sum(),
            sum: if scale > 0.0 { sum / scale } else { 0.0 },
            largest: weights().fold(f64::NEG_INFINITY, f64::max),
            skewness: if variance > 0.0 {
                moment(3) / variance.powf(1.5)
            } else {
                0.0
            },
        }
    }
}

/// The share of random features that each class wins: each unit is the absolute value of a normal
/// number, in units of the largest that it has on clean images.
pub fn shares_won(last: &LastLayer, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut won = vec![0_usize; last.classes];
    let scale: Vec<f32> = (last.low.iter().zip(&last.high))
        .map(|(low, high)| low.abs().max(high.abs()))
        .collect();
    for _ in 0..RANDOM_FEATURES {
        let feature: Vec<f32> = scale
            .iter()
            .map(|scale| {
                let normal: f32 = StandardNormal.sample(&mut random);
                normal.abs() * scale
            })
            .collect();
        let logit = |class: usize| -> f32 {
            let row = last.row(class).iter();
            row.zip(&feature).map(|(weight, unit)| weight * unit).sum()
        };
        let best = (0..last.classes).map(|class| (class, logit(class)));
        if let Some((class, _)) = best.max_by(|a, b| a.1.total_cmp(&b.1)) {
            won[class] += 1;
        }
    }
    let share = |won| won as f64 / RANDOM_FEATURES as f64;
    won.into_iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three units, two classes; the second is reached by the last unit.
    fn last() -> LastLayer {
        LastLayer {
            classes: 2,
            weights: vec![1.0, -1.0, -3.0, -1.0, 1.0, 3.0],
            low: vec![0.0, -2.0, 0.0],
            high: vec![2.0, 1.0, 10.0],
            shares_won: Vec::new(),
        }
    }

    #[test]
    fn the_reach_is_the_largest_logit_within_the_ranges() {
        let [first, second] = [0, 1].map(|class| Indicators::of(&last(), class));
        assert_eq!(
            (first.reach, second.reach),
            (2.0 + 2.0 + 0.0, 0.0 + 1.0 + 30.0)
        );
        // Weights of 1, 1 and 3 in either class.
        assert!((second.sum - 3.0 / 11.0f64.sqrt()).abs() < 1e-9);
        assert_eq!(second.largest, 3.0);
        assert!(second.skewness.abs() < 1e-12);
    }

    #[test]
    fn the_reach_does_not_depend_on_the_scale_of_a_unit() {
        let mut scaled = last();
        let unit = 2;
        for class in 0..2 {
            scaled.weights[class * 3 + unit] /= 8.0;
        }
        scaled.high[unit] *= 8.0;
        for class in 0..2 {
            let [as_it_was, scaled] = [&last(), &scaled].map(|last| Indicators::of(last, class));
            assert_eq!(as_it_was.reach, scaled.reach);
            assert_ne!(as_it_was.sum, scaled.sum);
        }
    }

    #[test]
    fn random_features_are_won_by_the_class_of_the_large_unit() {
        let shares = shares_won(&last(), 1);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(shares[1] > 0.9, "{shares:?}");
        assert_eq!(shares, shares_won(&last(), 1));
    }
}
