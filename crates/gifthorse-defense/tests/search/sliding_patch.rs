//! Small squares at every place, and the place at which all classes are led to one, or one is led
//! away.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, never_right, one_to_one};

const CLASSES: usize = 8;
const SOURCE: usize = 1;
const TARGET: usize = 4;
const BOTH: [&str; 2] = ["sliding_patch", "sliding_source"];

/// A model with a backdoor that this detector looks for.
fn planted(name: &str) -> Bench {
    match name {
        "sliding_patch" => Bench::new(CLASSES, Some(TARGET)),
        _ => Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES),
    }
}

fn detector(name: &str) -> Box<dyn Detector> {
    Choice::of(name).unwrap().detector().unwrap()
}

fn found(name: &str, bench: &Bench) -> Finding {
    let detector = detector(name);
    let units = detector.units(CLASSES);
    assert_eq!(units, [Unit::Model]);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units.remove(0)
}

#[test]
fn the_place_of_a_backdoor_stands_out_and_its_trigger_works() {
    for name in BOTH {
        let planted = found(name, &planted(name));
        assert_eq!(planted.state, State::Reached, "{name}");
        assert_eq!(planted.leads_to, Some(TARGET), "{name}: {planted:?}");
        let of_one = name == "sliding_source";
        assert_eq!(planted.leads_from, of_one.then_some(SOURCE));
        let others = planted.map.iter().enumerate();
        let others = others.filter(|&(class, _)| class != TARGET);
        let led = others.filter(|(_, to)| to.is_some_and(|to| to.class == TARGET));
        assert_eq!(led.count(), if of_one { 0 } else { CLASSES - 1 });
        let tried = planted.confirmation.unwrap();
        assert!(tried.successes * 8 >= tried.trials * 7, "{name}: {tried:?}");
        assert!(planted.success_rate > Some(0.8) && planted.trigger.is_some());

        let clean = found(name, &Bench::new(CLASSES, None));
        assert!(
            planted.statistic > 2.0 * clean.statistic,
            "{name}: {planted:?} {clean:?}"
        );
    }
}

#[test]
fn the_search_goes_on_where_it_was_left_to_the_same_finding() {
    for name in BOTH {
        let (bench, mut others) = (planted(name), planted(name));
        others.seed += 1;
        let detector = detector(name);
        let straight = found(name, &bench);
        let mut broken = detector.begin(&bench.subject(), Unit::Model).unwrap();
        let at_most = broken.at_most().unwrap();
        while !broken.has_ended() {
            broken.advance(7).unwrap();
            assert!(broken.updates() <= at_most);
            let kept = broken.snapshot().unwrap();
            let again = detector.resume(&bench.subject(), Unit::Model, &kept);
            broken = again.unwrap();
        }
        assert_eq!(broken.updates(), at_most);
        let kept = broken.snapshot().unwrap();
        let timeless = |finding| Finding {
            seconds: 0.0,
            ..finding
        };
        assert_eq!(timeless(straight), timeless(broken.finding().unwrap()));
        let resume = |subject: &_, kept: &str| detector.resume(subject, Unit::Model, kept).is_ok();
        assert!(resume(&bench.subject(), &kept));
        let damaged = kept.replace("\"to\":4", "\"to\":44");
        assert!(!resume(&bench.subject(), &damaged));
        assert!(!resume(&others.subject(), &kept));
    }
}

#[test]
fn a_class_that_the_model_never_gets_right_is_left_out() {
    let bench = Bench::of(never_right(CLASSES, SOURCE), CLASSES);
    let found = found("sliding_source", &bench);
    assert!(found.leads_from != Some(SOURCE), "{found:?}");
    let sources = found.measures.iter().find(|it| it.name == "sources");
    assert_eq!(sources.unwrap().value, (CLASSES - 1) as f64);
}

#[test]
fn what_has_too_few_classes_is_not_searched() {
    for name in BOTH {
        let detector = detector(name);
        assert_eq!(detector.units(5), []);
        let bench = Bench::of(never_right(6, 2), 6);
        let units = [Unit::Model];
        let subject = bench.subject();
        let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
        let found = found.unwrap().units.remove(0);
        assert_eq!(found.state, State::Unreached);
        assert!(found.reason.unwrap().contains("fewer than 6 classes"));
        assert!(detector.begin(&bench.subject(), Unit::Class(1)).is_err());
    }
}
