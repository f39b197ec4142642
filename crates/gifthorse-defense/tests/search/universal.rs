//! The patch that moves images of all classes, and where it leads them.

use gifthorse_defense::detect::Choice;
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, all_to_all};

const CLASSES: usize = 6;

fn found(bench: &Bench) -> Finding {
    let detector = Choice::of("universal_patch").unwrap().detector().unwrap();
    let units = detector.units(CLASSES);
    assert_eq!(units, [Unit::Model]);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units.remove(0)
}

#[test]
fn a_backdoor_of_all_to_all_leads_each_class_to_the_next() {
    let found = found(&Bench::of(all_to_all(CLASSES), CLASSES));
    assert_eq!(found.state, State::Reached);
    assert!(found.statistic < 0.2, "{found:?}");
    for (class, led) in found.map.iter().enumerate() {
        assert_eq!(led.unwrap().class, (class + 1) % CLASSES);
    }
    assert_eq!(found.led_by_a_class(), [0, 1, 2, 3, 4, 5]);
    let tried = found.confirmation.unwrap();
    assert!(
        tried.successes as f64 >= 0.9 * tried.trials as f64,
        "{tried:?}"
    );
}

#[test]
fn what_moves_a_clean_model_leads_to_few_classes() {
    let found = found(&Bench::new(CLASSES, None));
    assert_eq!(found.state, State::Reached);
    assert!(found.statistic > 0.5, "{found:?}");
}

#[test]
fn two_classes_are_not_searched() {
    let detector = Choice::of("universal_patch").unwrap().detector().unwrap();
    assert_eq!(detector.units(2), []);
}

#[test]
fn the_search_goes_on_where_it_was_left() {
    let bench = Bench::of(all_to_all(CLASSES), CLASSES);
    let detector = Choice::of("universal_patch").unwrap().detector().unwrap();
    let mut straight = detector.begin(&bench.subject(), Unit::Model).unwrap();
    let mut broken = detector.begin(&bench.subject(), Unit::Model).unwrap();
    straight.advance(9).unwrap();
    for steps in [2, 3, 4] {
        broken.advance(steps).unwrap();
        let kept = broken.snapshot().unwrap();
        broken = detector
            .resume(&bench.subject(), Unit::Model, &kept)
            .unwrap();
    }
    let [straight, broken] = [straight, broken].map(|search| Finding {
        seconds: 0.0,
        ..search.finding().unwrap()
    });
    assert_eq!(straight, broken);
    let other = Unit::Class(1);
    assert!(detector.begin(&bench.subject(), other).is_err());
}
