//! The exit status of a scan.

use gifthorse::{Inconclusive, Policy};
use gifthorse_report::Report;
use gifthorse_report::report::{Baseline, Verdict};

use crate::cli::FailOn;

/// The status that a report has: by the policy where there is one, by what `fail_on` says
/// otherwise.
pub fn of(report: &Report, policy: Option<&Policy>, fail_on: FailOn) -> u8 {
    if let (Some(policy), Some(outcome)) = (policy, &report.policy) {
        return match report.verdict {
            _ if outcome.met => 0,
            Verdict::Backdoored if outcome.accepted.is_none() => 1,
            Verdict::Inconclusive if policy.inconclusive == Inconclusive::Refuse => 3,
            _ => 4,
        };
    }
    let added = |baseline: &Baseline| !baseline.added.is_empty();
    match (report.verdict, fail_on) {
        (_, FailOn::Never) | (Verdict::Clean, _) => 0,
        (Verdict::Backdoored, FailOn::Added) => {
            u8::from(report.baseline.as_ref().is_some_and(added))
        }
        (Verdict::Backdoored, _) => 1,
        (Verdict::Inconclusive, FailOn::Inconclusive) => 3,
        (Verdict::Inconclusive, _) => 0,
    }
}

/// The worst of several: 1 before 2, 3 and 4, and 0 only if all are.
pub fn worst(statuses: &[u8]) -> u8 {
    let bad = statuses.iter().copied().filter(|&status| status != 0);
    bad.min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backdoor_is_worse_than_an_error_and_all_is_worse_than_clean() {
        for (statuses, expected) in [
            (&[0, 0][..], 0),
            (&[3, 0], 3),
            (&[0, 2, 1], 1),
            (&[3, 2], 2),
            (&[4, 3], 3),
        ] {
            assert_eq!(worst(statuses), expected, "{statuses:?}");
        }
    }
}
