//! Patches of all pairs of classes, and the pair that stands out.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, never_right, one_to_one};

const CLASSES: usize = 6;
const SOURCE: usize = 1;
const TARGET: usize = 4;

fn detector() -> Box<dyn Detector> {
    Choice::of("source_target").unwrap().detector().unwrap()
}

fn found(bench: &Bench) -> Finding {
    let detector = detector();
    let units = detector.units(CLASSES);
    assert_eq!(units, [Unit::Model]);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units.remove(0)
}

#[test]
fn the_pair_of_a_backdoor_stands_out_and_its_trigger_works() {
    let planted = found(&Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES));
    assert_eq!(planted.state, State::Reached);
    let pair = Unit::Pair {
        source: SOURCE,
        target: TARGET,
    };
    assert_eq!(planted.led(), pair, "{planted:?}");
    let tried = planted.confirmation.unwrap();
    assert_eq!((tried.successes, tried.trials), (5, 5));
    assert!(planted.trigger.is_some() && planted.map.is_empty());

    let clean = found(&Bench::new(CLASSES, None));
    assert_eq!(clean.state, State::Reached);
    assert!(
        planted.statistic > 2.0 * clean.statistic,
        "{planted:?} {clean:?}"
    );
}

#[test]
fn the_search_goes_on_where_it_was_left_to_the_same_finding() {
    let bench = Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES);
    let detector = detector();
    let straight = found(&bench);
    let mut broken = detector.begin(&bench.subject(), Unit::Model).unwrap();
    while !broken.has_ended() {
        broken.advance(7).unwrap();
        let kept = broken.snapshot().unwrap();
        let again = detector.resume(&bench.subject(), Unit::Model, &kept);
        broken = again.unwrap();
    }
    let kept = broken.snapshot().unwrap();
    let timeless = |finding| Finding {
        seconds: 0.0,
        ..finding
    };
    assert_eq!(timeless(straight), timeless(broken.finding().unwrap()));
    let mut others = Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES);
    others.seed += 1;
    let resume = |subject: &_, kept: &str| detector.resume(subject, Unit::Model, kept).is_ok();
    assert!(resume(&bench.subject(), &kept));
    assert!(!resume(&others.subject(), &kept));
    let damaged = kept.replace("\"ended\":[", "\"ended\":[null,");
    assert!(!resume(&bench.subject(), &damaged));
}

#[test]
fn a_class_that_the_model_never_gets_right_is_left_out() {
    let found = found(&Bench::of(never_right(CLASSES, SOURCE), CLASSES));
    assert_eq!(found.state, State::Reached, "{found:?}");
    assert!(found.leads_from != Some(SOURCE) && found.leads_to != Some(SOURCE));
}

#[test]
fn what_has_too_few_classes_or_too_many_is_not_searched() {
    let detector = detector();
    assert_eq!(detector.units(4), []);
    let labels: Vec<usize> = (0..30).collect();
    assert!(detector.lacks(Unit::Model, &labels[..20]).is_none());
    let why = detector.lacks(Unit::Model, &labels).unwrap();
    assert!(
        why.contains("30 classes") && why.contains("870 pairs"),
        "{why}"
    );
    let bench = Bench::of(never_right(5, 2), 5);
    let units = [Unit::Model];
    let found = search(
        detector.as_ref(),
        &bench.subject(),
        &units,
        &Silent,
        &KeepNothing,
    );
    let found = found.unwrap().units.remove(0);
    assert_eq!(found.state, State::Unreached);
    assert!(found.reason.unwrap().contains("fewer than 5 classes"));
    assert!(detector.begin(&bench.subject(), Unit::Class(1)).is_err());
}
