//! Whether changes of single images work on one another's images.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, never_right};

const TARGET: usize = 1;

fn detector() -> Box<dyn Detector> {
    let choice = Choice::of("expected_transferability").unwrap();
    choice.detector().unwrap()
}

fn found(bench: &Bench, classes: usize) -> Vec<Finding> {
    let detector = detector();
    let units = detector.units(classes);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

/// Whether the published rule flags a model.
fn flagged(found: &[Finding]) -> bool {
    let all: Vec<&Finding> = found.iter().collect();
    detector().published(&all, [1, 8, 8]).rules[0].flagged
}

#[test]
fn changes_to_a_target_work_on_other_images_and_others_do_not() {
    let planted = found(&Bench::new(6, Some(TARGET)), 6);
    assert!(flagged(&planted), "{planted:?}");
    let of_target = planted[TARGET].statistic;
    let mut others = planted.iter().filter(|it| it.unit != Unit::Class(TARGET));
    assert!(
        others.all(|it| it.statistic < 0.5 * of_target),
        "{planted:?}"
    );
    let clean = found(&Bench::new(6, None), 6);
    assert!(!flagged(&clean), "{clean:?}");
}

#[test]
fn two_classes_are_enough() {
    assert!(flagged(&found(&Bench::new(2, Some(TARGET)), 2)));
}

#[test]
fn a_search_goes_on_where_it_was_left_and_not_elsewhere() {
    let bench = Bench::new(6, Some(TARGET));
    let detector = detector();
    let unit = Unit::Class(3);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(100_000).unwrap();
    while !broken.has_ended() {
        broken.advance(11).unwrap();
        let kept = broken.snapshot().unwrap();
        broken = detector.resume(&bench.subject(), unit, &kept).unwrap();
    }
    let kept = broken.snapshot().unwrap();
    let [straight, broken] = [straight, broken].map(|search| Finding {
        seconds: 0.0,
        ..search.finding().unwrap()
    });
    assert_eq!(straight, broken);
    let resume = |unit, kept: &str| detector.resume(&bench.subject(), unit, kept).is_ok();
    assert!(resume(unit, &kept) && !resume(Unit::Class(2), &kept));
    assert!(!resume(unit, &kept.replace("\"led\":[", "\"led\":[true,")));
}

#[test]
fn a_class_that_the_model_never_gets_right_has_no_images_to_change() {
    let found = found(&Bench::of(never_right(2, 1), 2), 2);
    assert_eq!(found[0].state, State::Unreached);
    let reason = found[0].reason.as_deref().unwrap();
    assert!(reason.contains("sure of fewer than 4"), "{reason}");
    assert_eq!(found[1].state, State::Reached);
}
