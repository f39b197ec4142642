//! Whether a search has come to its end.

use super::config::Stop;
use super::finding::StepOutcome;

/// Whether the course so far ends the search.
pub fn has_settled(stop: Stop, trace: &[StepOutcome]) -> bool {
    let (now, before) = match (trace.last(), stop) {
        (None, _) | (_, Stop::Never) => return false,
        (Some(now), Stop::Change(_)) => (now, back(trace, 1)),
        (Some(now), Stop::Settled { over, .. }) => (now, back(trace, over)),
    };
    let Some(before) = before else {
        return false;
    };
    match stop {
        Stop::Never => false,
        Stop::Change(share) => (now.mean - before.mean).abs() < share * before.mean.abs(),
        Stop::Settled { growth, .. } => {
            let grew = |now: f64, before: f64| now - before > growth * now.abs();
            !grew(now.largest, before.largest) && !grew(now.mean, before.mean)
        }
    }
}

/// The outcome so many steps before the last.
fn back(trace: &[StepOutcome], steps: usize) -> Option<&StepOutcome> {
    trace.len().checked_sub(steps + 1).map(|at| &trace[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(largest: &[f64]) -> Vec<StepOutcome> {
        let outcome = |&largest: &f64| StepOutcome {
            largest,
            mean: largest / 2.0,
        };
        largest.iter().map(outcome).collect()
    }

    #[test]
    fn margins_that_grow_go_on_and_those_that_stand_still_end() {
        let stop = Stop::Settled {
            growth: 0.01,
            over: 2,
        };
        assert!(!has_settled(stop, &course(&[5.0, 5.0])));
        assert!(has_settled(stop, &course(&[5.0, 5.0, 5.0])));
        assert!(!has_settled(stop, &course(&[5.0, 5.0, 5.1])));
        assert!(has_settled(stop, &course(&[5.0, 5.0, 5.04])));
        assert!(!has_settled(stop, &course(&[-5.0, -4.0, -3.0])));
        assert!(has_settled(stop, &course(&[-3.0, -3.0, -3.0])));
    }

    #[test]
    fn the_mean_alone_keeps_a_search_going() {
        let stop = Stop::Settled {
            growth: 0.01,
            over: 1,
        };
        let mut trace = course(&[5.0, 5.0]);
        trace[1].mean = 2.6;
        assert!(!has_settled(stop, &trace));
    }

    #[test]
    fn as_released_a_search_ends_when_its_loss_hardly_changes() {
        let stop = Stop::Change(1e-5);
        assert!(!has_settled(stop, &course(&[5.0])));
        assert!(!has_settled(stop, &course(&[5.0, 5.001])));
        assert!(has_settled(stop, &course(&[5.0, 5.00001])));
        assert!(has_settled(stop, &course(&[5.0, 4.99999])));
    }
}
