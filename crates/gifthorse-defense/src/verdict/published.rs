//! The rules of the papers, exactly as published. They are reported; the verdict does not rest on
//! them, since none keeps a known rate of false alarms.
//!
//! All take the norms of all classes, also of those never reached, for which it is the norm of the
//! last mask: so does the released code of Neural Cleanse. An unreached class, whose mask covers
//! about half of the image, thus moves median and deviation.

/// Consistency factor of the median absolute deviation for a normal distribution.
pub const MAD_FACTOR: f64 = 1.4826;
/// A class with a larger anomaly index is flagged (Neural Cleanse, section IV).
const ANOMALY_THRESHOLD: f64 = 2.0;
/// A model with a larger ratio of norms may be flagged.
const RATIO_THRESHOLD: f64 = 1.8;
/// A model with a larger percent difference may be flagged.
const PERCENT_THRESHOLD: f64 = 25.0;

/// Every published rule on one model. Classes are places in the list of norms that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedRules {
    /// The anomaly index of each class, `|norm - median| / (1.4826 MAD)`. `None` where there is
    /// none: with fewer than three classes (with two it is always 0.67), or a median absolute
    /// deviation of 0.
    pub anomaly_indices: Option<Vec<f64>>,
    /// The model's anomaly index: that of the class with the smallest norm.
    pub anomaly_index: Option<f64>,
    /// Classes with an index above 2 and a norm below the median, smallest norm first.
    pub anomaly_flagged: Vec<usize>,
    /// Largest norm over smallest; `None` if the smallest is 0.
    pub max_min_ratio: Option<f64>,
    /// `(max - min) / (max + min)` in percent, the formula that gives the published numbers; `None`
    /// if all norms are 0. It is `(r - 1) / (r + 1)` of the ratio r, so that it says nothing that
    /// the ratio does not.
    pub percent_difference: Option<f64>,
    /// The class with the smallest norm, if both the ratio exceeds 1.8 and the percent difference
    /// 25 %.
    pub ratio_flagged: Option<usize>,
}

impl PublishedRules {
    /// Applies the rules to the L1 norms of all classes. `None` if there are none, or one is
    /// negative, infinite or not a number.
    #[must_use]
    pub fn apply(norms: &[f64]) -> Option<Self> {
        if norms.iter().any(|norm| !norm.is_finite() || *norm < 0.0) {
            return None;
        }
        let mut order: Vec<usize> = (0..norms.len()).collect();
        order.sort_by(|&a, &b| norms[a].total_cmp(&norms[b]));
        let smallest = *order.first()?;
        let (min, max) = (norms[smallest], norms[*order.last()?]);

        let anomaly_indices = anomaly_indices(norms);
        let median = median(norms.to_vec())?;
        let is_flagged = |class: usize| {
            norms[class] < median
                && anomaly_indices
                    .as_ref()
                    .is_some_and(|indices| indices[class] > ANOMALY_THRESHOLD)
        };
        let anomaly_flagged = order
            .iter()
            .copied()
            .filter(|&class| is_flagged(class))
            .collect();
        let percent_difference = (max > 0.0).then(|| 100.0 * (max - min) / (max + min));
        let exceeds = max > RATIO_THRESHOLD * min
            && percent_difference.is_some_and(|percent| percent > PERCENT_THRESHOLD);
        Some(Self {
            anomaly_index: anomaly_indices.as_ref().map(|indices| indices[smallest]),
            anomaly_indices,
            anomaly_flagged,
            max_min_ratio: (min > 0.0).then(|| max / min),
            percent_difference,
            ratio_flagged: exceeds.then_some(smallest),
        })
    }

    /// The anomaly index of each of the norms that the rules were applied to, negative above their
    /// median.
    #[must_use]
    pub fn signed_indices(&self, norms: &[f64]) -> Vec<Option<f64>> {
        let (Some(indices), Some(median)) = (&self.anomaly_indices, median(norms.to_vec())) else {
            return vec![None; norms.len()];
        };
        let signed =
            |(&norm, &index): (&f64, &f64)| Some(if norm <= median { index } else { -index });
        norms.iter().zip(indices).map(signed).collect()
    }
}

/// The anomaly index of Neural Cleanse (section IV) for each of the norms: absolute deviation from
/// the median, over 1.4826 times the median of these deviations. The median of an even number is
/// the mean of the middle two.
///
/// `None` with fewer than three norms, or where the median deviation is 0 or not a number.
#[must_use]
pub fn anomaly_indices(norms: &[f64]) -> Option<Vec<f64>> {
    if norms.len() < 3 {
        return None;
    }
    let centre = median(norms.to_vec())?;
    let deviations: Vec<f64> = norms.iter().map(|norm| (norm - centre).abs()).collect();
    let scale = MAD_FACTOR * median(deviations.clone())?;
    (scale > 0.0).then(|| {
        deviations
            .iter()
            .map(|deviation| deviation / scale)
            .collect()
    })
}

/// Median as NumPy takes it: the mean of the two middle values of an even number; `None` of
/// nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(values[values.len() / 2 - 1], upper)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    /// Norms of ten classes, printed by Houtari and Mohanty (table 1).
    const CIFAR10: [f64; 10] = [
        17.8224, 50.6564, 152.4845, 339.1146, 313.8152, 265.0616, 291.4946, 201.0282, 282.8271,
        173.6248,
    ];

    #[test]
    fn printed_norms_give_the_printed_ratio() {
        let rules = PublishedRules::apply(&CIFAR10).unwrap();
        assert!((rules.max_min_ratio.unwrap() - 19.03).abs() < 0.005);
        assert!((rules.anomaly_index.unwrap() - 2.074).abs() < 0.0005);
        assert!((rules.anomaly_indices.as_ref().unwrap()[1] - 1.758).abs() < 0.0005);
        assert_eq!(rules.anomaly_flagged, [0]);
        assert_eq!(rules.ratio_flagged, Some(0));
    }

    #[test]
    fn printed_pairs_give_the_printed_percent_differences() {
        // Houtari and Mohanty, tables 2 and 3: two clean models, two poisoned.
        let printed = [
            ([226.30, 150.51], 1.50, 20.1, false),
            ([268.88, 176.28], 1.53, 20.8, false),
            ([287.76, 99.36], 2.90, 48.7, true),
            ([212.30, 107.11], 1.98, 32.9, true),
        ];
        for (norms, ratio, percent, flagged) in printed {
            let rules = PublishedRules::apply(&norms).unwrap();
            assert!((rules.max_min_ratio.unwrap() - ratio).abs() < 0.01);
            assert!((rules.percent_difference.unwrap() - percent).abs() < 0.05);
            assert_eq!(rules.ratio_flagged.is_some(), flagged);
            assert_eq!((rules.anomaly_index, rules.anomaly_flagged), (None, vec![]));
        }
    }

    #[test]
    fn false_alarms_of_the_published_index() {
        // Known rates for normal norms: 33.4 % with 10 classes, 64.4 % with 43.
        for (classes, known) in [(5, 0.258), (10, 0.334), (43, 0.644)] {
            let mut rng = ChaCha8Rng::seed_from_u64(classes as u64);
            let models = 6000;
            let flagged = (0..models)
                .filter(|_| {
                    let norms: Vec<f64> = (0..classes)
                        .map(|_| {
                            100.0
                                + <StandardNormal as Distribution<f64>>::sample(
                                    &StandardNormal,
                                    &mut rng,
                                )
                        })
                        .collect();
                    !PublishedRules::apply(&norms)
                        .unwrap()
                        .anomaly_flagged
                        .is_empty()
                })
                .count();
            let rate = flagged as f64 / f64::from(models);
            assert!((rate - known).abs() < 0.025, "{classes} classes: {rate}");
        }
    }

    #[test]
    fn an_index_needs_classes_and_spread() {
        assert_eq!(anomaly_indices(&[1.0, 2.0]), None);
        assert_eq!(anomaly_indices(&[5.0; 7]), None);
        assert_eq!(anomaly_indices(&[1.0, 5.0, 5.0, 5.0]), None);
        let zeros = PublishedRules::apply(&[0.0; 4]).unwrap();
        assert_eq!(
            (
                zeros.max_min_ratio,
                zeros.percent_difference,
                zeros.ratio_flagged
            ),
            (None, None, None)
        );
        let zero = PublishedRules::apply(&[3.0, 0.0, 4.0]).unwrap();
        assert_eq!(
            (
                zero.max_min_ratio,
                zero.percent_difference,
                zero.ratio_flagged
            ),
            (None, Some(100.0), Some(1))
        );
        for bad in [
            &[][..],
            &[f64::NAN, 1.0, 2.0],
            &[-1.0, 1.0],
            &[f64::INFINITY],
        ] {
            assert_eq!(PublishedRules::apply(bad), None);
        }
    }

    #[test]
    fn large_norms_are_never_flagged() {
        let rules = PublishedRules::apply(&[10.0, 11.0, 12.0, 13.0, 500.0]).unwrap();
        assert!(rules.anomaly_indices.as_ref().unwrap()[4] > 100.0);
        assert!(rules.anomaly_flagged.is_empty());
    }

    proptest! {
        #[test]
        fn any_list_is_survived(norms in proptest::collection::vec(proptest::num::f64::ANY, 0..40)) {
            let rules = PublishedRules::apply(&norms);
            let indices = anomaly_indices(&norms);
            if let Some(rules) = rules {
                prop_assert!(rules.anomaly_flagged.iter().all(|&class| class < norms.len()));
                prop_assert_eq!(rules.anomaly_indices, indices);
            }
        }
    }
}
