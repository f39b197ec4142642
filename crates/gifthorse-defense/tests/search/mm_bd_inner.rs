//! How far ahead each class can be, from what an inner layer gives.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Search, Silent, search};

use crate::bench::{Bench, with_units};

const CLASSES: usize = 6;
const TARGET: usize = 4;

fn detector() -> Box<dyn Detector> {
    Choice::of("mm_bd_inner").unwrap().detector().unwrap()
}

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = detector();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

/// The class of the largest margin, and how many times the next one it is.
fn first(found: &[Finding]) -> (usize, f64) {
    let mut margins: Vec<(f64, usize)> = found
        .iter()
        .enumerate()
        .map(|(class, finding)| (finding.statistic, class))
        .collect();
    margins.sort_by(|a, b| b.0.total_cmp(&a.0));
    (margins[0].1, margins[0].0 / margins[1].0)
}

/// No clean image wakes the unit that leads to the target.
#[test]
fn a_unit_of_the_targets_own_drives_its_margin() {
    let backdoored = found(&Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES));
    assert!(backdoored.iter().all(|it| it.state == State::Reached));
    let (class, ratio) = first(&backdoored);
    let (_, of_clean) = first(&found(&Bench::of(with_units(CLASSES, None), CLASSES)));
    assert!(
        class == TARGET && ratio > 1.2 * of_clean,
        "{class} {ratio} {of_clean}"
    );
}

#[test]
fn a_model_without_an_activation_has_no_layer_to_begin_at() {
    let found = found(&Bench::new(CLASSES, Some(TARGET)));
    for finding in found {
        assert_eq!(finding.state, State::Unreached);
        assert!(finding.reason.unwrap().contains("inner layer"));
    }
}

/// All but the time that it took.
fn outcome(search: &dyn Search) -> Finding {
    Finding {
        seconds: 0.0,
        ..search.finding().unwrap()
    }
}

#[test]
fn a_search_that_was_laid_by_comes_to_the_same_end() {
    let bench = Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES);
    let detector = detector();
    let unit = Unit::Class(2);
    let resume = |unit, kept: &str| detector.resume(&bench.subject(), unit, kept);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(usize::MAX).unwrap();
    while !broken.has_ended() {
        broken.advance(3).unwrap();
        broken = resume(unit, &broken.snapshot().unwrap()).unwrap();
    }
    assert_eq!(outcome(straight.as_ref()), outcome(broken.as_ref()));

    let kept = broken.snapshot().unwrap();
    assert!(resume(Unit::Class(3), &kept).is_err());
    for damaged in [
        kept.replacen("\"version\":1", "\"version\":9", 1),
        kept.replacen("\"layer\":\"", "\"layer\":\"no ", 1),
        kept.replacen("\"numbers\":\"", "\"numbers\":\"AAAAAA==", 1),
    ] {
        assert_ne!(damaged, kept);
        assert!(resume(unit, &damaged).is_err());
    }
}
