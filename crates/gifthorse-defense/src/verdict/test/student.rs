//! Tail of Student's t distribution as a table, since a simulation asks for it millions of times.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Step of the table in asinh(t), in which the log tail is nearly straight.
const STEP: f64 = 0.05;
/// The table ends here, about t = 5e8, and goes on in a straight line.
const LAST: f64 = 20.0;
/// Log probabilities below this are no longer exact in double precision, so the table ends earlier
/// for many degrees of freedom.
const LEAST: f64 = -500.0;

/// `ln P(T > t)` for t >= 0 and one number of degrees of freedom.
///
/// Between the points of the table it is interpolated, which errs in the logarithm by less than
/// 0.02 up to t = 5, and by up to 0.2 at t = 30 and a thousand degrees of freedom. This does no
/// harm, since observed and simulated values go through the same table.
#[derive(Debug, Clone)]
pub(in crate::verdict) struct Tail {
    log_tail: Vec<f64>,
}

impl Tail {
    /// Makes the table; `None` if the degrees of freedom are not positive and finite.
    pub(in crate::verdict) fn new(degrees_of_freedom: f64) -> Option<Self> {
        if !degrees_of_freedom.is_finite() {
            return None;
        }
        let student = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
        let points = (LAST / STEP) as usize;
        let log_tail: Vec<f64> = (0..=points)
            .map(|point| student.sf((point as f64 * STEP).sinh()).ln())
            .take_while(|&log| log > LEAST)
            .collect();
        (log_tail.len() > 1).then_some(Self { log_tail })
    }

    /// `ln P(T > t)`; t below 0 counts as 0.
    pub(in crate::verdict) fn log_probability(&self, t: f64) -> f64 {
        let place = t.max(0.0).asinh() / STEP;
        let left = (place as usize).min(self.log_tail.len() - 2);
        let (a, b) = (self.log_tail[left], self.log_tail[left + 1]);
        a + (b - a) * (place - left as f64)
    }

    /// The t whose log tail probability is `log`; 0 for probabilities above one half.
    pub(in crate::verdict) fn quantile(&self, log: f64) -> f64 {
        let right = self
            .log_tail
            .partition_point(|&point| point > log)
            .clamp(1, self.log_tail.len() - 1);
        let (a, b) = (self.log_tail[right - 1], self.log_tail[right]);
        let place = (right - 1) as f64 + (log - a) / (b - a);
        (place.max(0.0) * STEP).sinh()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_known_values() {
        // One degree of freedom is the Cauchy distribution: P(T > t) = 1/2 - atan(t)/pi.
        let cauchy = Tail::new(1.0).unwrap();
        for t in [0.0f64, 0.3, 1.0, 12.7, 5e3] {
            let exact = (0.5 - t.atan() / std::f64::consts::PI).ln();
            assert!((cauchy.log_probability(t) - exact).abs() < 0.01, "t = {t}");
        }
        // Two-sided 5 % point of 8 degrees of freedom.
        let eight = Tail::new(8.0).unwrap();
        assert!((eight.log_probability(2.306).exp() - 0.025).abs() < 2e-4);
        assert!((eight.quantile(0.025f64.ln()) - 2.306).abs() < 0.01);
    }

    #[test]
    fn goes_on_beyond_the_table_and_inverts() {
        for degrees in [1.0, 2.5, 40.0, 1281.0] {
            let tail = Tail::new(degrees).unwrap();
            let mut last = 0.0;
            for t in [0.0, 0.5, 3.0, 30.0, 300.0, 1e6, 1e12] {
                let log = tail.log_probability(t);
                assert!(log.is_finite() && log < last, "{degrees} {t}");
                assert!((tail.quantile(log) / t.max(1e-12) - 1.0).abs() < 1e-6 || t == 0.0);
                last = log;
            }
            assert_eq!(tail.quantile(0.0), 0.0);
        }
        assert!(Tail::new(f64::INFINITY).is_none());
        assert!(Tail::new(0.0).is_none());
    }
}
