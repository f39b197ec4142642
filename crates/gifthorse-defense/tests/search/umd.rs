//! Changes of pairs of classes, and which of them work on one another.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, all_to_all};

const CLASSES: usize = 6;
const TARGET: usize = 4;

fn detector() -> Box<dyn Detector> {
    Choice::of("umd").unwrap().detector().unwrap()
}

fn found(bench: &Bench) -> Finding {
    let detector = detector();
    let units = detector.units(CLASSES);
    assert_eq!(units, [Unit::Model]);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units.remove(0)
}

/// Where the map leads each class.
fn map(found: &Finding) -> Vec<Option<usize>> {
    let classes = found.map.iter().map(|led| led.map(|led| led.class));
    classes.collect()
}

/// The published rule on a finding.
fn flagged(found: &Finding) -> bool {
    let detector = detector();
    let published = detector.published(&[found], [1, 8, 8]);
    published.rules[0].flagged
}

#[test]
fn the_core_of_all_to_all_is_its_map() {
    let found = found(&Bench::of(all_to_all(CLASSES), CLASSES));
    assert_eq!(found.state, State::Reached);
    let next: Vec<_> = (1..=CLASSES).map(|class| Some(class % CLASSES)).collect();
    assert_eq!(map(&found), next, "{found:?}");
    assert_eq!(found.led_by_a_class(), [0, 1, 2, 3, 4, 5]);
    assert!(flagged(&found), "{found:?}");
}

#[test]
fn the_core_of_one_target_leads_all_others_there() {
    let found = found(&Bench::new(CLASSES, Some(TARGET)));
    assert_eq!(found.state, State::Reached);
    let to_target = |class| (class != TARGET).then_some(TARGET);
    assert_eq!(map(&found), (0..CLASSES).map(to_target).collect::<Vec<_>>());
    assert_eq!(found.led_by_a_class(), [TARGET]);
    assert_eq!(found.leads_to, Some(TARGET));
    assert!(flagged(&found), "{found:?}");
}

/// Added light leads some images of a clean model to the class that answers most readily; but it
/// takes as much for these pairs as for others.
#[test]
fn changes_of_a_clean_model_are_as_large_for_its_core_as_for_others() {
    let clean = found(&Bench::new(CLASSES, None));
    assert_eq!(clean.state, State::Reached);
    assert!(!flagged(&clean), "{clean:?}");
    let planted = found(&Bench::new(CLASSES, Some(TARGET)));
    assert!(planted.statistic > 2.0 * clean.statistic, "{planted:?}");
}

#[test]
fn the_search_goes_on_where_it_was_left() {
    let bench = Bench::of(all_to_all(CLASSES), CLASSES);
    let detector = detector();
    let mut straight = detector.begin(&bench.subject(), Unit::Model).unwrap();
    let mut broken = detector.begin(&bench.subject(), Unit::Model).unwrap();
    straight.advance(1000).unwrap();
    while !broken.has_ended() {
        broken.advance(7).unwrap();
        let kept = broken.snapshot().unwrap();
        broken = detector
            .resume(&bench.subject(), Unit::Model, &kept)
            .unwrap();
    }
    let kept = broken.snapshot().unwrap();
    let [straight, broken] = [straight, broken].map(|search| Finding {
        seconds: 0.0,
        ..search.finding().unwrap()
    });
    assert_eq!(straight, broken);
    let mut others = Bench::new(CLASSES, None);
    others.seed += 1;
    let refused = detector.resume(&others.subject(), Unit::Model, &kept);
    assert!(refused.is_err());
}

#[test]
fn what_has_no_pairs_or_too_many_is_not_searched() {
    let detector = detector();
    assert_eq!(detector.units(2), []);
    let labels: Vec<usize> = (0..60).collect();
    assert!(detector.lacks(Unit::Model, &labels[..50]).is_none());
    let why = detector.lacks(Unit::Model, &labels).unwrap();
    assert!(
        why.contains("60 classes") && why.contains("3540 pairs"),
        "{why}"
    );
    let bench = Bench::new(CLASSES, None);
    assert!(detector.begin(&bench.subject(), Unit::Class(1)).is_err());
}
