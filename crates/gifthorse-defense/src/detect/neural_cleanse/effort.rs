//! How many classes are searched to the end, and how the others are told from them.
//!
//! Nearly all classes of a model with many are of no interest: their triggers are large. After a
//! few updates the search of a backdoored class is ahead of the others already. So all searches
//! begin, in an early phase with settings of its own; after each round only those that are ahead go
//! on. The finalists are then searched in full, as they would have been in a scan of all classes,
//! and so are a few of the others, drawn at random, from which the statistics learn what the rest
//! is like.

use super::config::Config;
use super::finding::StepOutcome;
use super::short;
use crate::detect::Effort;
use crate::finding::Unit;
use crate::search::Next;

/// With more classes than this, [`Effort::Auto`] eliminates.
const FEW_CLASSES: usize = 100;
/// Finalists of an elimination.
const FINALISTS: usize = 24;
/// Classes that an elimination draws from the others.
const SAMPLE: usize = 40;
/// Rounds of an elimination: updates made by their end, and the part of the classes that goes on.
const ROUNDS: [(usize, f64); 3] = [(6, 0.25), (16, 0.0625), (32, 0.0)];

/// Labels that the low-cost mode of Neural Cleanse follows, and searches to the end (§V-B).
const TOP: usize = 100;
/// Other labels that it searches to the end (§V-B).
const RANDOM: usize = 100;
/// Its early phase ends when more than so many of the top labels are the same as before,
const OVERLAP: usize = 50;
/// so many iterations in a row (§V-B).
const STABLE: usize = 10;

/// The early phase for so many classes; `None` if all are searched to the end, as they are
/// where there are no more than would be.
pub fn early(effort: Effort, classes: usize) -> Option<EarlyPhase> {
    let early = match effort {
        Effort::Full => return None,
        Effort::Auto if classes <= FEW_CLASSES => return None,
        Effort::Auto | Effort::Eliminate => EarlyPhase {
            rule: Rule::Rounds,
            finalists: FINALISTS,
            sample: SAMPLE,
        },
        Effort::LowCost => EarlyPhase {
            rule: Rule::StableTop,
            finalists: TOP,
            sample: RANDOM,
        },
    };
    (classes > early.finalists + early.sample).then_some(early)
}

/// The most updates of a scan of so many classes.
pub fn most_updates(config: &Config, classes: usize) -> usize {
    match early(config.effort, classes) {
        None => classes * config.most_updates(),
        Some(early) => {
            let settings = early.settings(config, 1);
            (early.finalists + early.sample) * config.most_updates()
                + early.most_updates(&settings, classes)
        }
    }
}

/// The early phase of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyPhase {
    rule: Rule,
    /// Classes that are searched to the end because they are ahead.
    pub finalists: usize,
    /// Classes that are drawn from the others.
    pub sample: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Rounds,
    StableTop,
}

impl EarlyPhase {
    /// The settings of its searches on images of so many pixels.
    ///
    /// The weight of the norm is there from the first update: with the weight of a full search,
    /// zero until triggers succeed, masks would not begin to shrink before the early phase is over.
    pub fn settings(&self, config: &Config, pixels: usize) -> Config {
        match self.rule {
            // As published, the weight then follows the success rate.
            Rule::StableTop => Config {
                begin_at_zero: false,
                restarts: 0,
                ..config.clone()
            },
            Rule::Rounds => {
                let rounds = ROUNDS.map(|(updates, _)| updates);
                short::settings(config, pixels, rounds.into_iter().max().unwrap_or(0))
            }
        }
    }

    /// What follows after `rounds` rounds, of which `tops` holds the finalists of each (as they
    /// would have been had it been the last), among so many classes.
    pub fn next(&self, settings: &Config, classes: usize, tops: &[Vec<Unit>]) -> Next {
        let round = tops.len();
        match self.rule {
            Rule::Rounds => match ROUNDS.get(round) {
                None => Next::Done,
                Some(&(steps, _)) => Next::Go {
                    units: self.classes_in(round, classes),
                    steps,
                },
            },
            Rule::StableTop if round >= settings.steps || is_stable(tops) => Next::Done,
            Rule::StableTop => Next::Go {
                units: classes,
                steps: round + 1,
            },
        }
    }

    /// Classes that take part in a round of an elimination, counted from 0.
    fn classes_in(&self, round: usize, classes: usize) -> usize {
        let part = round.checked_sub(1).and_then(|before| ROUNDS.get(before));
        part.map_or(classes, |&(_, part)| {
            ((part * classes as f64).ceil() as usize).max(self.finalists)
        })
    }

    /// How far a search is from the goal after its first `steps` steps: the smaller, the further
    /// ahead.
    pub fn standing(&self, settings: &Config, trace: &[StepOutcome], steps: usize) -> f64 {
        let made = &trace[..steps.min(trace.len())];
        match self.rule {
            Rule::StableTop => made.last().map_or(f64::INFINITY, |step| step.norm),
            Rule::Rounds => short::standing(settings, made),
        }
    }

    /// The most updates of the early phase.
    fn most_updates(&self, settings: &Config, classes: usize) -> usize {
        match self.rule {
            Rule::StableTop => classes * settings.most_updates(),
            Rule::Rounds => {
                let mut before = 0;
                let made = ROUNDS.iter().enumerate().map(|(round, &(updates, _))| {
                    let more = updates - before;
                    before = updates;
                    self.classes_in(round, classes) * more
                });
                made.sum()
            }
        }
    }
}

/// Whether the top labels stayed more or less the same over the last iterations.
fn is_stable(tops: &[Vec<Unit>]) -> bool {
    let overlaps = |pair: &[Vec<Unit>]| {
        let same = pair[1].iter().filter(|class| pair[0].contains(class));
        same.count() > OVERLAP
    };
    tops.len() > STABLE && tops[tops.len() - STABLE - 1..].windows(2).all(overlaps)
}

#[cfg(test)]
mod tests {
    use super::super::config::Preset;
    use super::*;

    fn at(norm: f64, loss: f64) -> StepOutcome {
        StepOutcome {
            success: 0.0,
            norm,
            loss,
        }
    }

    #[test]
    fn few_classes_are_all_searched_to_the_end() {
        for classes in [1, 10, 43, 100] {
            assert_eq!(early(Effort::Auto, classes), None);
            assert_eq!(early(Effort::Full, classes), None);
        }
        assert_eq!(early(Effort::Eliminate, 64), None);
        assert!(early(Effort::Eliminate, 65).is_some());
        assert_eq!(early(Effort::LowCost, 200), None);
        assert_eq!(early(Effort::Full, 1283), None);
        assert_eq!(early(Effort::Auto, 101), early(Effort::Eliminate, 101));
    }

    #[test]
    fn an_elimination_costs_a_fraction() {
        let updates = |effort| {
            let config = Config {
                effort,
                ..Config::preset(Preset::Standard)
            };
            most_updates(&config, 1283)
        };
        assert_eq!(updates(Effort::Full), 1283 * 480);
        assert_eq!(
            updates(Effort::Eliminate),
            64 * 480 + 1283 * 6 + 321 * 10 + 81 * 16
        );
    }

    #[test]
    fn rounds_take_fewer_and_fewer() {
        let config = Config::preset(Preset::Standard);
        let early = early(Effort::Eliminate, 1283).unwrap();
        let settings = early.settings(&config, 1000);
        assert!(!settings.begin_at_zero && settings.batches_per_step == 1);
        let next = |rounds| early.next(&settings, 1283, &vec![Vec::new(); rounds]);
        assert_eq!(
            next(0),
            Next::Go {
                units: 1283,
                steps: 6
            }
        );
        assert_eq!(
            next(1),
            Next::Go {
                units: 321,
                steps: 16
            }
        );
        assert_eq!(
            next(2),
            Next::Go {
                units: 81,
                steps: 32
            }
        );
        assert_eq!(next(3), Next::Done);
        let few = super::early(Effort::Eliminate, 70).unwrap();
        let next = few.next(&settings, 70, &[Vec::new()]);
        assert_eq!(
            next,
            Next::Go {
                units: 24,
                steps: 16
            }
        );
    }

    #[test]
    fn the_objective_of_late_decides_who_is_ahead() {
        let config = Config::preset(Preset::Standard);
        let early = early(Effort::Eliminate, 1283).unwrap();
        let settings = early.settings(&config, 1000);
        let trace = [
            at(500.0, 9.0),
            at(400.0, 1.0),
            at(300.0, 1.0),
            at(200.0, 0.5),
            at(100.0, 0.5),
        ];
        let standing = |steps| early.standing(&settings, &trace, steps);
        assert!((standing(1) - (9.0 + 10.0)).abs() < 1e-6);
        assert!((standing(4) - (0.5 + 4.0)).abs() < 1e-6);
        assert!((standing(5) - (0.5 + 3.0)).abs() < 1e-6, "{}", standing(5));
    }

    #[test]
    fn the_low_cost_mode_ends_once_the_top_is_stable() {
        let config = Config::preset(Preset::Standard);
        let early = early(Effort::LowCost, 1283).unwrap();
        let settings = early.settings(&config, 1000);
        assert_eq!(settings.initial_cost, config.initial_cost);
        let top = |from: usize| (from..from + TOP).map(Unit::Class).collect::<Vec<_>>();
        let stable: Vec<_> = (0..11).map(|round| top(round * 49)).collect();
        assert_eq!(early.next(&settings, 1283, &stable), Next::Done);
        let mut moved = stable.clone();
        moved[5] = top(900);
        assert_eq!(
            early.next(&settings, 1283, &moved),
            Next::Go {
                units: 1283,
                steps: 12
            }
        );
        assert_eq!(
            early.next(&settings, 1283, &stable[1..]),
            Next::Go {
                units: 1283,
                steps: 11
            }
        );
        let endless = vec![top(0); config.steps];
        assert_eq!(early.next(&settings, 1283, &endless), Next::Done);
    }
}
