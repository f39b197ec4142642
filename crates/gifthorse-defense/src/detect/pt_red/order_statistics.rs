//! The rule as published: is a target's largest inverse norm too large to be the largest of so
//! many, and the least likely of these too unlikely to be the least likely of all targets?

use crate::detect::mm_bd::Gamma;

/// What the rule has to know of a target's pairs: a gamma distribution that begins at zero has no
/// other say in its fit than the mean of numbers and the mean of their logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OfTarget {
    /// How many sources it has.
    pub sources: f64,
    /// The largest inverse norm of its pairs.
    pub largest: f64,
    /// Their mean,
    pub mean: f64,
    /// and the mean of their logarithms.
    pub mean_of_logarithms: f64,
}

/// The rule on the targets of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderStatistics {
    /// For each target, how likely the largest of as many numbers of the null distribution is to be
    /// as large; `None` where no distribution fits the others.
    pub of_targets: Vec<Option<f64>>,
    /// How likely the smallest of as many such probabilities is to be as small as the smallest
    /// here.
    pub p_value: f64,
}

impl OfTarget {
    /// Of the inverse norms of a target's pairs; `None` where there are none, or not all are
    /// positive numbers.
    pub fn of(inverse_norms: &[f64]) -> Option<Self> {
        let are_numbers = inverse_norms.iter().all(|&it| it > 0.0 && it.is_finite());
        let sources = inverse_norms.len() as f64;
        (are_numbers && !inverse_norms.is_empty()).then(|| Self {
            sources,
            largest: inverse_norms.iter().copied().fold(0.0, f64::max),
            mean: inverse_norms.iter().sum::<f64>() / sources,
            mean_of_logarithms: inverse_norms.iter().map(|it| it.ln()).sum::<f64>() / sources,
        })
    }
}

impl OrderStatistics {
    /// A model with a smaller p-value is flagged.
    pub const LEVEL: f64 = 0.05;

    /// Applies the rule; `None` if nothing can be said of any target.
    pub fn apply(targets: &[OfTarget]) -> Option<Self> {
        let of_targets: Vec<Option<f64>> = (0..targets.len())
            .map(|place| largest_of_target(targets, place))
            .collect();
        let smallest = of_targets.iter().flatten().copied().reduce(f64::min)?;
        let p_value = any_of(smallest, targets.len() as f64);
        Some(Self {
            of_targets,
            p_value,
        })
    }

    /// Whether the rule calls the model backdoored.
    pub fn is_flagged(&self) -> bool {
        self.p_value <= Self::LEVEL
    }
}

/// How likely any of so many independent events is, of which each is as likely as this.
fn any_of(likely: f64, events: f64) -> f64 {
    -(events * (-likely).ln_1p()).exp_m1()
}

/// How likely the largest of as many numbers as the target has is to be as large, under the
/// distribution of the others.
fn largest_of_target(targets: &[OfTarget], place: usize) -> Option<f64> {
    let others = || {
        targets
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place)
    };
    let pairs: f64 = others().map(|(_, other)| other.sources).sum();
    let mean = |of: fn(&OfTarget) -> f64| {
        let sums = others().map(|(_, other)| other.sources * of(other));
        sums.sum::<f64>() / pairs
    };
    let null = Gamma::of_means(mean(|it| it.mean), mean(|it| it.mean_of_logarithms))?;
    let target = &targets[place];
    Some(any_of(null.above(target.largest)?, target.sources))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(inverse_norms: &[[f64; 3]]) -> Vec<OfTarget> {
        let each = inverse_norms.iter().map(|it| OfTarget::of(it).unwrap());
        each.collect()
    }

    const CLEAN: [[f64; 3]; 4] = [
        [0.30, 0.50, 0.42],
        [0.35, 0.61, 0.44],
        [0.28, 0.52, 0.39],
        [0.47, 0.33, 0.55],
    ];

    #[test]
    fn one_large_inverse_norm_flags_its_target() {
        let clean = OrderStatistics::apply(&targets(&CLEAN)).unwrap();
        assert!(!clean.is_flagged(), "{clean:?}");
        let mut planted = CLEAN;
        planted[2][1] = 2.0;
        let planted = OrderStatistics::apply(&targets(&planted)).unwrap();
        assert!(planted.p_value < 1e-6, "{planted:?}");
        let smallest = planted.of_targets.iter().flatten().copied();
        let smallest = smallest.fold(f64::INFINITY, f64::min);
        assert_eq!(planted.of_targets[2], Some(smallest));
    }

    /// By `scipy.stats`: with `others` the nine inverse norms of the other targets, `a, _, b =
    /// gamma.fit(others, floc=0)`, and then `1 - gamma.cdf(0.52, a, scale=b) ** 3`.
    #[test]
    fn the_p_value_of_a_target_is_that_of_scipy() {
        let found = OrderStatistics::apply(&targets(&CLEAN)).unwrap();
        let of_target = found.of_targets[2].unwrap();
        assert!((of_target - SCIPY).abs() < 1e-6, "{of_target}");
        let smallest = found.of_targets.iter().flatten().copied();
        let smallest = smallest.fold(f64::INFINITY, f64::min);
        assert!((found.p_value - (1.0 - (1.0 - smallest).powi(4))).abs() < 1e-12);
    }

    const SCIPY: f64 = 0.492_760_899_7;

    #[test]
    fn where_nothing_scatters_nothing_is_said() {
        let alike = targets(&[[0.5; 3]; 4]);
        assert_eq!(OrderStatistics::apply(&alike), None);
        assert_eq!(OrderStatistics::apply(&alike[..1]), None);
        assert_eq!(OrderStatistics::apply(&[]), None);
        assert_eq!(OfTarget::of(&[]), None);
        assert_eq!(OfTarget::of(&[0.5, f64::INFINITY]), None);
        assert_eq!(OfTarget::of(&[0.5, f64::NAN]), None);
    }
}
