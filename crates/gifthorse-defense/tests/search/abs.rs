//! Units that lead all images to one class, and the patches that wake them.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Search, Silent, search};

use crate::bench::{Bench, never_right, with_units};

const CLASSES: usize = 6;
const TARGET: usize = 4;

fn abs() -> Box<dyn Detector> {
    Choice::of("abs").unwrap().detector().unwrap()
}

fn bench(target: Option<usize>) -> Bench {
    Bench::of(with_units(CLASSES, target), CLASSES)
}

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = abs();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

#[test]
fn the_unit_of_a_trigger_is_woken_and_leads_all_images_to_the_target() {
    let backdoored = found(&bench(Some(TARGET)));
    let found = &backdoored[TARGET];
    assert_eq!((found.state, found.statistic), (State::Reached, 1.0));
    let tried = found.confirmation.unwrap();
    assert_eq!((tried.successes, tried.trials), (25, 25));
    let channel = found.measures.iter().find(|it| it.name == "channel");
    assert_eq!(channel.unwrap().value, 63.0, "the last pixel's");

    // A unit votes for each class, but one pixel of a block outvotes no other block.
    let clean = self::found(&bench(None));
    let others = backdoored.iter().filter(|it| it.unit != found.unit);
    for other in others.chain(&clean) {
        assert_eq!(other.state, State::Reached);
        assert!(other.statistic < 0.5, "{other:?}");
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
    let bench = bench(Some(TARGET));
    let detector = abs();
    let unit = Unit::Class(TARGET);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(usize::MAX).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    broken.advance(310).unwrap();
    let kept = broken.snapshot().unwrap();
    let mut broken = detector.resume(&bench.subject(), unit, &kept).unwrap();
    assert_eq!(broken.steps(), 300, "the unit that was done");
    broken.advance(usize::MAX).unwrap();
    let [straight, broken] = [straight, broken].map(|it| outcome(it.as_ref()));
    assert_eq!(straight, broken);

    let other = detector.resume(&bench.subject(), Unit::Class(1), &kept);
    assert!(other.is_err());
    for (from, to) in [
        ("\"version\":1", "\"version\":9"),
        ("\"channel\":63", "\"channel\":5"),
    ] {
        let damaged = kept.replacen(from, to, 1);
        assert_ne!(damaged, kept);
        assert!(detector.resume(&bench.subject(), unit, &damaged).is_err());
    }
}

#[test]
fn a_class_that_no_unit_raises_is_not_reached() {
    // No activation, so no units.
    let found = found(&Bench::of(never_right(CLASSES, 2), CLASSES));
    for finding in found {
        assert_eq!(finding.state, State::Unreached);
        assert!(finding.reason.unwrap().contains("no unit"));
    }
}
