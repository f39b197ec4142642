//! What several witnesses come to together.
//!
//! Each witness gives each class a surprise, minus the logarithm of a p-value: the probability that
//! a class of a clean model is so suspicious to it. Those of one class add up (Fisher's rule for
//! independent p-values). Witnesses that name different classes do not: each adds next to nothing at
//! the class of the other. What a sum is worth is not taken from theory, which would have to know
//! how witnesses go together in clean models (a class that is easy by nature is easy for all): the
//! largest of the model at hand is ranked among those of clean models that went through the same
//! witnesses. Why the sum: decision 0016; why of classes: decision 0017. Without measured clean
//! models a surprise is the probability that a clean model has *any* class so suspicious, and the
//! largest counts.

use super::test::Surprises;
use super::test::null::DRAWS;

/// p-values of simulated models have been through a logarithm and back.
const ROUNDING: f64 = 1e-12;

/// The surprise of several witnesses at one class; of a single witness, that witness's.
pub(super) fn together(surprises: impl Iterator<Item = f64>) -> f64 {
    surprises.sum()
}

/// What combined surprises are worth.
#[derive(Debug)]
pub(super) enum Worth {
    /// As much as the rank of the most surprising class among those of measured clean models.
    Ranked {
        /// The largest surprise of each of these, less the logarithm of its number of classes.
        measured: Surprises,
        /// The logarithm of the number of classes of the model at hand. The more classes, the more
        /// surprising is the most surprising: by that much, where they are independent.
        log_classes: f64,
    },
    /// No clean models were measured: each comparison of each witness is taken at its word, and the
    /// most surprising counts, times their number (Bonferroni), which holds however witnesses go
    /// together. Agreement counts for nothing.
    Nominal {
        /// Comparisons of all witnesses.
        tests: usize,
    },
}

impl Worth {
    /// The surprise of all witnesses at one class.
    pub(super) fn combine(&self, surprises: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::Ranked { .. } => together(surprises),
            Self::Nominal { .. } => surprises.fold(0.0, f64::max),
        }
    }

    /// The p-value of a combined surprise.
    pub(super) fn p_value(&self, surprise: f64) -> f64 {
        match self {
            Self::Ranked {
                measured,
                log_classes,
            } => measured.p_value(surprise - log_classes),
            Self::Nominal { tests } => (*tests as f64 * (-surprise).exp())
                .max(self.smallest_p_value())
                .min(1.0),
        }
    }

    /// Whether a combined surprise is significant at a rate of false alarms.
    pub(super) fn is_significant(&self, surprise: f64, fpr: f64) -> bool {
        self.p_value(surprise) <= fpr * (1.0 + ROUNDING)
    }

    /// The smallest p-value that can come out.
    pub(super) fn smallest_p_value(&self) -> f64 {
        match self {
            Self::Ranked { measured, .. } => measured.smallest_p_value(),
            Self::Nominal { tests } => *tests as f64 / (1 + DRAWS) as f64,
        }
    }

    /// The combined surprise that has to be exceeded for a p-value of at most `fpr`.
    pub(super) fn critical(&self, fpr: f64) -> f64 {
        match self {
            Self::Ranked {
                measured,
                log_classes,
            } => measured.critical(fpr) + log_classes,
            Self::Nominal { tests } => -(fpr / *tests as f64).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clean models with surprises of up to five, and a model of ten classes.
    fn ranked() -> Worth {
        Worth::Ranked {
            measured: Surprises::new((0..99).map(|i| f64::from(i) / 20.0).collect()),
            log_classes: 10f64.ln(),
        }
    }

    #[test]
    fn agreement_counts_where_clean_models_were_measured() {
        let ranked = ranked();
        let nominal = Worth::Nominal { tests: 2 };
        let alone = [4.0, 0.0].into_iter();
        assert_eq!(ranked.combine(alone.clone()), 4.0);
        assert_eq!(nominal.combine(alone), 4.0);
        let agreed = [4.0, 3.0].into_iter();
        assert_eq!(ranked.combine(agreed.clone()), 7.0);
        assert_eq!(nominal.combine(agreed), 4.0);
    }

    #[test]
    fn infinite_surprises_and_none_are_survived() {
        assert_eq!(together([].into_iter()), 0.0);
        assert_eq!(together([0.1234567].into_iter()), 0.1234567);
        assert_eq!(together([2.0, f64::INFINITY].into_iter()), f64::INFINITY);
    }

    #[test]
    fn critical_surprises_and_p_values_agree() {
        let ranked = ranked();
        for worth in [ranked, Worth::Nominal { tests: 3 }] {
            for fpr in [0.01, 0.05, 0.2] {
                let critical = worth.critical(fpr);
                assert!(
                    worth.is_significant(critical + 1e-9, fpr),
                    "{worth:?} {fpr}"
                );
                assert!(
                    !worth.is_significant(critical - 1e-3, fpr),
                    "{worth:?} {fpr}"
                );
            }
        }
    }
}
