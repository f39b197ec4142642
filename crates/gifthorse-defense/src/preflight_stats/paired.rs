//! Two preprocessings compared on the same images.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::error::PreflightError;

/// An alternative preprocessing against the one given, on the same images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedAccuracy {
    /// Images that only the given preprocessing gets right.
    pub only_given: u64,
    /// Images that only the alternative gets right.
    pub only_alternative: u64,
    /// Share of images right with the preprocessing given.
    pub given_accuracy: f64,
    /// Share of images right with the alternative.
    pub alternative_accuracy: f64,
    /// Probability that an alternative which is no better wins by so much: one-sided exact McNemar
    /// test, corrected for the number of alternatives tried (Bonferroni).
    pub p_value: f64,
}

impl PairedAccuracy {
    /// Compares predictions on the same images. `alternatives_tried` is the number of alternatives
    /// among which this one was chosen.
    ///
    /// # Errors
    /// The lists differ in length.
    pub fn compare(
        labels: &[usize],
        given: &[usize],
        alternative: &[usize],
        alternatives_tried: usize,
    ) -> Result<Self, PreflightError> {
        for predictions in [given.len(), alternative.len()] {
            if predictions != labels.len() {
                return Err(PreflightError::Lengths {
                    labels: labels.len(),
                    predictions,
                });
            }
        }
        let (mut only_given, mut only_alternative, mut both) = (0, 0, 0u64);
        for ((label, given), alternative) in labels.iter().zip(given).zip(alternative) {
            match (given == label, alternative == label) {
                (true, false) => only_given += 1,
                (false, true) => only_alternative += 1,
                (true, true) => both += 1,
                (false, false) => {}
            }
        }
        let images = (labels.len() as f64).max(1.0);
        Ok(Self {
            only_given,
            only_alternative,
            given_accuracy: (both + only_given) as f64 / images,
            alternative_accuracy: (both + only_alternative) as f64 / images,
            p_value: (mcnemar(only_given, only_alternative) * alternatives_tried.max(1) as f64)
                .min(1.0),
        })
    }
}

/// One-sided exact McNemar test: the probability that of `a + b` images on which two models
/// disagree the second has at least `b` right, if each is as likely as the other to be the one that
/// is right. 1 if they never disagree.
#[must_use]
pub fn mcnemar(a: u64, b: u64) -> f64 {
    match (b.checked_sub(1), Binomial::new(0.5, a.saturating_add(b))) {
        (Some(below), Ok(binomial)) => binomial.sf(below),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn mcnemar_is_the_binomial_tail() {
        assert_eq!(mcnemar(0, 0), 1.0);
        assert_eq!(mcnemar(5, 0), 1.0);
        assert!((mcnemar(0, 5) - 1.0 / 32.0).abs() < 1e-12);
        // P(X >= 8 of 10) = (45 + 10 + 1) / 1024.
        assert!((mcnemar(2, 8) - 56.0 / 1024.0).abs() < 1e-12);
    }

    #[test]
    fn paired_accuracy_counts_the_images_that_differ() {
        let labels: Vec<usize> = (0..100).map(|image| image % 10).collect();
        let given: Vec<usize> = labels
            .iter()
            .enumerate()
            .map(|(image, &label)| if image < 20 { 99 } else { label })
            .collect();
        let alternative: Vec<usize> = labels
            .iter()
            .enumerate()
            .map(|(image, &label)| if image > 97 { 99 } else { label })
            .collect();
        let pair = PairedAccuracy::compare(&labels, &given, &alternative, 8).unwrap();
        assert_eq!((pair.only_given, pair.only_alternative), (2, 20));
        assert_eq!(
            (pair.given_accuracy, pair.alternative_accuracy),
            (0.8, 0.98)
        );
        assert!((pair.p_value - 8.0 * mcnemar(2, 20)).abs() < 1e-12 && pair.p_value < 0.001);
        assert_eq!(
            PairedAccuracy::compare(&labels, &alternative, &given, 8)
                .unwrap()
                .p_value,
            1.0
        );
        assert!(PairedAccuracy::compare(&labels, &given[1..], &alternative, 1).is_err());
        assert_eq!(
            PairedAccuracy::compare(&[], &[], &[], 1).unwrap().p_value,
            1.0
        );
    }

    #[test]
    fn preprocessings_equally_good_rarely_differ_significantly() {
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        let labels = vec![0; 200];
        let significant = (0..1000).filter(|_| {
            let mut predict = || {
                (0..200)
                    .map(|_| usize::from(rng.random_range(0..10) == 0))
                    .collect::<Vec<_>>()
            };
            let (given, alternative) = (predict(), predict());
            PairedAccuracy::compare(&labels, &given, &alternative, 1)
                .unwrap()
                .p_value
                <= 0.05
        });
        assert!(significant.count() <= 65);
    }
}
