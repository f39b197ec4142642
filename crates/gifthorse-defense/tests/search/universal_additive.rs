//! The change that, added to images of all classes, moves them, and where it leads them.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, all_to_all};

const CLASSES: usize = 6;
const TARGET: usize = 4;

fn detector() -> Box<dyn Detector> {
    Choice::of("universal_additive")
        .unwrap()
        .detector()
        .unwrap()
}

fn found(bench: &Bench) -> Finding {
    let detector = detector();
    let units = detector.units(CLASSES);
    assert_eq!(units, [Unit::Model]);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    let found = found.unwrap().units.remove(0);
    assert_eq!(found.state, State::Reached, "{found:?}");
    found
}

fn measure(finding: &Finding, name: &str) -> f64 {
    let mut measures = finding.measures.iter();
    measures.find(|measure| measure.name == name).unwrap().value
}

#[test]
fn a_backdoor_of_all_to_all_leads_each_class_to_the_next() {
    let found = found(&Bench::of(all_to_all(CLASSES), CLASSES));
    assert!(measure(&found, "scatter") < 0.2, "{found:?}");
    for (class, led) in found.map.iter().enumerate() {
        assert_eq!(led.unwrap().class, (class + 1) % CLASSES);
    }
    assert_eq!(measure(&found, "targets"), 6.0);
    assert_eq!(measure(&found, "shifted"), 1.0);
    let tried = found.confirmation.unwrap();
    assert!(
        tried.successes as f64 >= 0.9 * tried.trials as f64,
        "{tried:?}"
    );
}

#[test]
fn a_backdoor_with_one_target_leads_there_by_a_smaller_change_than_a_clean_model_has() {
    let backdoored = found(&Bench::new(CLASSES, Some(TARGET)));
    let clean = found(&Bench::new(CLASSES, None));
    assert_eq!(backdoored.leads_to, Some(TARGET));
    assert!(measure(&backdoored, "scatter") > 0.5);
    let (small, large) = (backdoored.statistic, clean.statistic);
    assert!(small < 0.7 * large, "{small} {large}");
}

#[test]
fn one_class_is_not_searched() {
    assert_eq!(detector().units(1), []);
    assert_eq!(detector().units(2), [Unit::Model]);
}

#[test]
fn the_search_goes_on_where_it_was_left() {
    let bench = Bench::of(all_to_all(CLASSES), CLASSES);
    let detector = detector();
    let mut straight = detector.begin(&bench.subject(), Unit::Model).unwrap();
    let mut broken = detector.begin(&bench.subject(), Unit::Model).unwrap();
    straight.advance(usize::MAX).unwrap();
    let resume = |kept: &str| detector.resume(&bench.subject(), Unit::Model, kept);
    for steps in [2, 90, 7, 1000] {
        broken.advance(steps).unwrap();
        broken = resume(&broken.snapshot().unwrap()).unwrap();
    }
    assert!(broken.has_ended());
    let kept = broken.snapshot().unwrap();
    let [straight, broken] = [straight, broken].map(|search| Finding {
        seconds: 0.0,
        ..search.finding().unwrap()
    });
    assert_eq!(straight, broken);
    assert!(detector.begin(&bench.subject(), Unit::Class(1)).is_err());
    for damaged in [
        kept.replacen("\"version\":1", "\"version\":9", 1),
        kept.replacen("\"values\":\"", "\"values\":\"AAAAAA==", 1),
        kept.replacen("\"images\":", "\"images\":1", 1),
    ] {
        assert_ne!(damaged, kept);
        assert!(resume(&damaged).is_err());
    }
}
