//! The weight of the mask's norm, and when to stop: the state machine of
//! Wang et al. 2019 (§IV, "dynamically adjusted" weight; its details from the released program).

use serde::{Deserialize, Serialize};

use super::config::Config;
use crate::exact;

/// What the search should do after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Keep the present trigger: it succeeded with the smallest norm so far.
    pub keep: bool,
    /// End the search.
    pub stop: bool,
}

/// Weight and counters of one class's search.
#[derive(Clone, Debug)]
pub struct Schedule {
    threshold: f64,
    initial: f32,
    up: f32,
    down: f32,
    patience: usize,
    stop_threshold: f64,
    stop_patience: usize,
    counters: Counters,
}

/// The part of a schedule that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    #[serde(with = "exact::single")]
    cost: f32,
    good_at_zero: usize,
    good: usize,
    bad: usize,
    went_up: bool,
    went_down: bool,
    #[serde(with = "exact::double")]
    best: f64,
    #[serde(with = "exact::double")]
    best_seen: f64,
    stale: usize,
}

impl Schedule {
    /// Begins with weight zero, unless told otherwise: first a trigger that works, then a small
    /// one.
    pub fn new(config: &Config) -> Self {
        let counters = Counters {
            cost: if config.begin_at_zero {
                0.0
            } else {
                config.initial_cost
            },
            good_at_zero: 0,
            good: 0,
            bad: 0,
            went_up: false,
            went_down: false,
            best: f64::INFINITY,
            best_seen: f64::INFINITY,
            stale: 0,
        };
        Self::resume(config, counters)
    }

    /// Goes on from where another schedule of the same settings was.
    pub fn resume(config: &Config, counters: Counters) -> Self {
        Self {
            threshold: config.success_threshold,
            initial: config.initial_cost,
            up: config.cost_multiplier,
            down: config.cost_multiplier.powf(1.5),
            patience: config.patience,
            stop_threshold: config.early_stop_threshold,
            stop_patience: config.early_stop_patience,
            counters,
        }
    }

    /// What has to be kept to go on later.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The weight for the next step.
    pub fn cost(&self) -> f32 {
        self.counters.cost
    }

    /// Takes the mean success rate and mask norm of a step's batches.
    pub fn step(&mut self, success: f64, norm: f64) -> Advice {
        let succeeded = success >= self.threshold;
        let keep = succeeded && norm < self.counters.best;
        if keep {
            self.counters.best = norm;
        }
        let stop = self.early_stop();
        self.leave_zero(succeeded);
        self.adjust(succeeded);
        Advice { keep, stop }
    }

    /// Ends the search once the weight has gone both ways and the norm no longer falls.
    fn early_stop(&mut self) -> bool {
        if self.counters.best.is_finite() {
            if self.counters.best >= self.stop_threshold * self.counters.best_seen {
                self.counters.stale += 1;
            } else {
                self.counters.stale = 0;
            }
        }
        self.counters.best_seen = self.counters.best_seen.min(self.counters.best);
        self.counters.went_up
            && self.counters.went_down
            && self.counters.stale >= self.stop_patience
    }

    /// Weight zero is left for the initial weight after enough good steps in a row.
    fn leave_zero(&mut self, succeeded: bool) {
        if self.counters.cost != 0.0 || !succeeded {
            self.counters.good_at_zero = 0;
            return;
        }
        self.counters.good_at_zero += 1;
        if self.counters.good_at_zero >= self.patience {
            self.counters.cost = self.initial;
            (self.counters.good, self.counters.bad) = (0, 0);
            (self.counters.went_up, self.counters.went_down) = (false, false);
        }
    }

    fn adjust(&mut self, succeeded: bool) {
        if succeeded {
            self.counters.good += 1;
            self.counters.bad = 0;
        } else {
            self.counters.good = 0;
            self.counters.bad += 1;
        }
        if self.counters.good >= self.patience {
            self.counters.good = 0;
            self.counters.cost *= self.up;
            self.counters.went_up = true;
        } else if self.counters.bad >= self.patience {
            self.counters.bad = 0;
            self.counters.cost /= self.down;
            self.counters.went_down = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Preset;
    use super::*;

    fn released() -> Schedule {
        Schedule::new(&Config::preset(Preset::Released))
    }

    #[test]
    fn the_weight_stays_zero_until_triggers_succeed() {
        let mut schedule = released();
        for _ in 0..50 {
            schedule.step(0.5, 100.0);
        }
        assert_eq!(schedule.cost(), 0.0);
        for _ in 0..4 {
            schedule.step(0.99, 100.0);
        }
        assert_eq!(schedule.cost(), 0.0);
        schedule.step(0.99, 100.0);
        assert_eq!(schedule.cost(), 1e-3);
    }

    #[test]
    fn a_bad_step_starts_the_count_again() {
        let mut schedule = released();
        for success in [1.0, 1.0, 1.0, 1.0, 0.98, 1.0, 1.0, 1.0, 1.0] {
            schedule.step(success, 100.0);
        }
        assert_eq!(schedule.cost(), 0.0);
        schedule.step(1.0, 100.0);
        assert_eq!(schedule.cost(), 1e-3);
    }

    /// The step that leaves zero clears the counters and then counts itself, as released.
    #[test]
    fn the_weight_doubles_and_shrinks_by_two_to_the_one_and_a_half() {
        let mut schedule = released();
        for _ in 0..9 {
            schedule.step(1.0, 100.0);
        }
        assert_eq!(schedule.cost(), 2e-3);
        for _ in 0..5 {
            schedule.step(0.0, 100.0);
        }
        let expected = 2e-3 / 2f32.powf(1.5);
        assert!((schedule.cost() - expected).abs() < 1e-9);
    }

    #[test]
    fn only_the_smallest_success_is_kept() {
        let mut schedule = released();
        let kept: Vec<bool> = [
            (1.0, 50.0),
            (0.98, 10.0),
            (1.0, 60.0),
            (0.99, 40.0),
            (1.0, 40.0),
        ]
        .map(|(success, norm)| schedule.step(success, norm).keep)
        .to_vec();
        assert_eq!(kept, [true, false, false, true, false]);
    }

    #[test]
    fn it_stops_only_after_the_weight_went_both_ways() {
        let mut schedule = released();
        let always_good = (0..200).any(|_| schedule.step(1.0, 100.0).stop);
        assert!(!always_good);
        let after_bad = (0..60).position(|_| schedule.step(0.0, 100.0).stop);
        // The weight falls after five bad steps; the counter was far beyond its patience.
        assert_eq!(after_bad, Some(5));
    }

    #[test]
    fn progress_keeps_the_search_going() {
        let mut schedule = released();
        let mut norm = 1000.0;
        for i in 0..300 {
            norm *= 0.98;
            let success = if i % 11 < 6 { 1.0 } else { 0.0 };
            assert!(!schedule.step(success, norm).stop, "step {i}");
        }
    }
}
