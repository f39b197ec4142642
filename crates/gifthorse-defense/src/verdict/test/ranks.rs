//! Numbers of clean models in rising order, and how rare a number is among them.

/// Numbers of clean models, simulated or measured; the larger, the more suspicious.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::verdict) struct Ranks {
    ascending: Vec<f64>,
    tail: Option<Tail>,
}

/// Where the ranks of a sample end and an exponential distribution goes on.
#[derive(Debug, Clone, Copy)]
pub(in crate::verdict) struct TailRule {
    /// The part of the sample, its largest, that is replaced.
    pub replaced: f64,
    /// The part that the mean excess is taken from, at least as large.
    pub fitted: f64,
    /// The fewest numbers to take it from; with fewer there is no tail.
    pub least: usize,
}

/// The largest numbers as an exponential distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tail {
    start: f64,
    surprise: f64,
    mean_excess: f64,
}

impl Ranks {
    /// Takes up a sample in any order.
    pub(in crate::verdict) fn new(mut sample: Vec<f64>, rule: TailRule) -> Self {
        sample.sort_unstable_by(f64::total_cmp);
        let mut ranked = Self {
            ascending: sample,
            tail: None,
        };
        ranked.tail = ranked.fit(rule);
        ranked
    }

    fn fit(&self, rule: TailRule) -> Option<Tail> {
        let part = |share: f64| (share * self.len() as f64) as usize;
        let fitted = part(rule.fitted).max(rule.least);
        let base_place = self.len().checked_sub(fitted + 1)?;
        let base = self.ascending[base_place];
        let excess = self.ascending[base_place + 1..]
            .iter()
            .map(|number| number - base);
        let mean_excess = excess.sum::<f64>() / fitted as f64;
        let start = self.ascending[self.len() - 1 - part(rule.replaced).min(fitted)];
        (base.is_finite() && mean_excess.is_finite() && mean_excess > 0.0).then(|| Tail {
            start,
            surprise: -self.p_value(start).ln(),
            mean_excess,
        })
    }

    /// The sample in rising order.
    #[cfg(test)]
    pub(in crate::verdict) fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    /// How many clean models there are.
    pub(in crate::verdict) fn len(&self) -> usize {
        self.ascending.len()
    }

    /// Share of clean models with a number at least as large, the model at hand counted among them,
    /// so never 0.
    pub(in crate::verdict) fn p_value(&self, number: f64) -> f64 {
        let below = self.ascending.partition_point(|&clean| clean < number);
        (1 + self.len() - below) as f64 / (1 + self.len()) as f64
    }

    /// The number that has to be exceeded for the p-value to be at most `p`; infinite where none is
    /// so rare.
    pub(in crate::verdict) fn critical(&self, p: f64) -> f64 {
        // A rate such as 0.05 must not lose a model to its binary representation.
        let beyond = (p * (1 + self.len()) as f64 * (1.0 + 1e-12)) as usize;
        let rank = self.len().saturating_sub(beyond);
        self.ascending.get(rank).copied().unwrap_or(f64::INFINITY)
    }

    /// Minus the logarithm of the p-value, continued beyond the largest numbers by an exponential
    /// tail: comparable between samples of different kinds, and never equal for two numbers that
    /// are rarer than the sample can tell.
    pub(in crate::verdict) fn surprise(&self, number: f64) -> f64 {
        match self.tail {
            Some(tail) if number > tail.start => {
                tail.surprise + (number - tail.start) / tail.mean_excess
            }
            _ => -self.p_value(number).ln(),
        }
    }

    /// The number with the given surprise.
    pub(in crate::verdict) fn number_at(&self, surprise: f64) -> f64 {
        match self.tail {
            Some(tail) if surprise > tail.surprise => {
                tail.start + (surprise - tail.surprise) * tail.mean_excess
            }
            _ => self.critical((-surprise).exp()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: TailRule = TailRule {
        replaced: 0.01,
        fitted: 0.02,
        least: 50,
    };

    #[test]
    fn exponential_numbers_have_their_surprise_within_and_beyond_the_sample() {
        let count = 4000;
        let quantile = |i: i32| -(1.0 - (f64::from(i) + 0.5) / f64::from(count)).ln();
        let ranked = Ranks::new((0..count).map(quantile).collect(), RULE);
        for number in [0.1, 1.0, 2.5, 4.0, 9.0, 30.0] {
            let surprise = ranked.surprise(number);
            assert!(
                (surprise / number - 1.0).abs() < 0.02,
                "{number}: {surprise}"
            );
            let back = ranked.number_at(surprise);
            assert!((back / number - 1.0).abs() < 0.01, "{number}: {back}");
        }
    }

    #[test]
    fn surprise_rises_with_the_number() {
        let ranked = Ranks::new((0..200).map(|i| f64::from(i).powi(2)).collect(), RULE);
        let numbers: Vec<f64> = (0..3000).map(|i| f64::from(i) * 20.0).collect();
        let surprises: Vec<f64> = numbers
            .iter()
            .map(|&number| ranked.surprise(number))
            .collect();
        assert!(surprises.windows(2).all(|pair| pair[0] <= pair[1]));
        let last = &surprises[2990..];
        assert!(last.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn few_numbers_or_equal_ones_have_no_tail() {
        let none = Ranks::new(vec![], RULE);
        assert_eq!(
            (none.p_value(3.0), none.critical(0.05)),
            (1.0, f64::INFINITY)
        );
        let few = Ranks::new(vec![1.0, 2.0, 3.0], RULE);
        assert_eq!(few.surprise(10.0), 4.0f64.ln());
        assert_eq!(few.number_at(9.0), f64::INFINITY);
        let equal = Ranks::new(vec![1.0; 100], RULE);
        assert_eq!(equal.surprise(2.0), 101.0f64.ln());
    }
}
