//! The weight of the size, which grows while patterns succeed and shrinks while they do not.

use serde::{Deserialize, Serialize};

use super::config::Config;
use crate::exact;

/// A weight, and how many rounds in a row were good or bad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    #[serde(with = "exact::single")]
    cost: f32,
    good: usize,
    bad: usize,
}

impl Weight {
    /// That of a search that begins.
    pub fn new(config: &Config) -> Self {
        Self {
            cost: config.initial_cost,
            good: 0,
            bad: 0,
        }
    }

    /// The weight for the next round.
    pub fn cost(&self) -> f32 {
        self.cost
    }

    /// Takes whether enough images of a round went where they are to go.
    pub fn round(&mut self, succeeded: bool, config: &Config) {
        (self.good, self.bad) = match succeeded {
            true => (self.good + 1, 0),
            false => (0, self.bad + 1),
        };
        if self.good >= config.patience {
            self.good = 0;
            self.cost *= config.cost_multiplier;
        }
        if self.bad >= config.patience {
            self.bad = 0;
            self.cost /= config.cost_multiplier.powf(1.5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Preset;
    use super::*;

    #[test]
    fn it_grows_after_ten_good_rounds_and_shrinks_faster_after_ten_bad_ones() {
        let config = Config::preset(Preset::Paper);
        let mut weight = Weight::new(&config);
        let mut after = |rounds: usize, succeeded| {
            (0..rounds).for_each(|_| weight.round(succeeded, &config));
            f64::from(weight.cost())
        };
        assert!((after(9, true) - 1e-3).abs() < 1e-9);
        assert!((after(1, false) - 1e-3).abs() < 1e-9);
        assert!((after(10, true) - 1.5e-3).abs() < 1e-9);
        assert!((after(10, false) - 1.5e-3 / 1.5_f64.powf(1.5)).abs() < 1e-9);
    }
}
