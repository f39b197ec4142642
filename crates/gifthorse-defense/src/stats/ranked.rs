//! Numbers of clean models in rising order, and how rare a number is among them.

/// Part of the sample that the exponential tail is fitted to, but no fewer than [`LEAST_TAIL`].
const TAIL: f64 = 0.01;
/// The fewest numbers that a tail is fitted to: its slope then errs by a seventh.
const LEAST_TAIL: usize = 50;

/// Numbers of clean models, simulated or measured; the larger, the more suspicious.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ranked {
    ascending: Vec<f64>,
}

impl Ranked {
    /// Takes up a sample in any order.
    pub(super) fn new(mut sample: Vec<f64>) -> Self {
        sample.sort_unstable_by(f64::total_cmp);
        Self { ascending: sample }
    }

    /// How many clean models there are.
    pub(super) fn len(&self) -> usize {
        self.ascending.len()
    }

    /// Share of clean models with a number at least as large, the model at hand counted among them, so never 0.
    pub(super) fn p_value(&self, number: f64) -> f64 {
        let below = self.ascending.partition_point(|&clean| clean < number);
        (1 + self.len() - below) as f64 / (1 + self.len()) as f64
    }

    /// The number that has to be exceeded for the p-value to be at most `p`; infinite where none is so rare.
    pub(super) fn critical(&self, p: f64) -> f64 {
        // A rate such as 0.05 must not lose a model to its binary representation.
        let beyond = (p * (1 + self.len()) as f64 * (1.0 + 1e-12)) as usize;
        let rank = self.len().saturating_sub(beyond);
        self.ascending.get(rank).copied().unwrap_or(f64::INFINITY)
    }

    /// Minus the logarithm of the p-value, continued beyond the largest numbers by an exponential tail: comparable between
    /// samples of different kinds, and never equal for two numbers that are rarer than the sample can tell.
    pub(super) fn surprise(&self, number: f64) -> f64 {
        match self.tail() {
            Some(tail) if number > tail.start => {
                tail.surprise + (number - tail.start) / tail.mean_excess
            }
            _ => -self.p_value(number).ln(),
        }
    }

    /// The number with the given surprise.
    pub(super) fn number_at(&self, surprise: f64) -> f64 {
        match self.tail() {
            Some(tail) if surprise > tail.surprise => {
                tail.start + (surprise - tail.surprise) * tail.mean_excess
            }
            _ => self.critical((-surprise).exp()),
        }
    }

    fn tail(&self) -> Option<Tail> {
        let count = LEAST_TAIL.max((TAIL * self.len() as f64) as usize);
        let place = self.len().checked_sub(count + 1)?;
        let start = self.ascending[place];
        let excess = self.ascending[place + 1..]
            .iter()
            .map(|number| number - start);
        let mean_excess = excess.sum::<f64>() / count as f64;
        (start.is_finite() && mean_excess.is_finite() && mean_excess > 0.0).then(|| Tail {
            start,
            surprise: -self.p_value(start).ln(),
            mean_excess,
        })
    }
}

/// The largest numbers as an exponential distribution.
struct Tail {
    start: f64,
    surprise: f64,
    mean_excess: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_numbers_have_their_surprise_within_and_beyond_the_sample() {
        let count = 4000;
        let quantile = |i: i32| -(1.0 - (f64::from(i) + 0.5) / f64::from(count)).ln();
        let ranked = Ranked::new((0..count).map(quantile).collect());
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
        let ranked = Ranked::new((0..200).map(|i| f64::from(i).powi(2)).collect());
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
        assert_eq!(Ranked::default().p_value(3.0), 1.0);
        assert_eq!(Ranked::default().critical(0.05), f64::INFINITY);
        let few = Ranked::new(vec![1.0, 2.0, 3.0]);
        assert_eq!(few.surprise(10.0), 4.0f64.ln());
        assert_eq!(few.number_at(9.0), f64::INFINITY);
        let equal = Ranked::new(vec![1.0; 100]);
        assert_eq!(equal.surprise(2.0), 101.0f64.ln());
    }
}
