//! The smallest change of the images of one class that leads to each other class.

use gifthorse_defense::detect::{Choice, Detector, Published};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, never_right, one_to_one};

const CLASSES: usize = 6;
const SOURCE: usize = 1;
const TARGET: usize = 4;

fn detector() -> Box<dyn Detector> {
    Choice::of("pt_red").unwrap().detector().unwrap()
}

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = detector();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

fn source(found: &Finding) -> f64 {
    let mut measures = found.measures.iter();
    measures.find(|it| it.name == "source").unwrap().value
}

/// The target of the smallest change, and how much smaller it is than the next.
fn first(found: &[Finding]) -> (usize, f64) {
    let mut norms: Vec<(f64, usize)> = found
        .iter()
        .map(|finding| (finding.statistic, finding.unit.target().unwrap()))
        .collect();
    norms.sort_by(|a, b| a.0.total_cmp(&b.0));
    (norms[0].1, norms[1].0 / norms[0].0)
}

#[test]
fn a_target_of_one_source_is_reached_by_the_smallest_change_and_the_source_named() {
    let planted = found(&Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES));
    let (smallest, ratio) = first(&planted);
    assert!(smallest == TARGET && ratio > 1.3, "{planted:?}");
    assert_eq!(source(&planted[TARGET]), SOURCE as f64);
    let (_, of_clean) = first(&found(&Bench::new(CLASSES, None)));
    assert!(of_clean < 1.3, "{of_clean}");
}

#[test]
fn the_published_rule_names_a_target_of_all_classes_and_is_far_less_sure_of_a_clean_model() {
    let published = |bench: &Bench| {
        let found = found(bench);
        detector().published(&found.iter().collect::<Vec<_>>(), [1, 8, 8])
    };
    let planted = published(&Bench::new(CLASSES, Some(TARGET)));
    assert!(planted.rules[0].flagged, "{planted:?}");
    let p_values = &planted.unit_measures[0].values;
    let of_target = p_values[TARGET].unwrap();
    assert!(
        p_values.iter().flatten().all(|&p| p >= of_target),
        "{p_values:?}"
    );
    // The classes of a clean net differ in how readily they answer, which the rule takes for more
    // than chance at times: here for 5 %.
    let p_value = |published: &Published| published.rules[0].statistic.unwrap();
    let clean = published(&Bench::new(CLASSES, None));
    assert!(
        p_value(&planted) < 0.01 * p_value(&clean),
        "{planted:?} {clean:?}"
    );
}

#[test]
fn a_search_goes_on_where_it_was_left_and_not_elsewhere() {
    let bench = Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES);
    let detector = detector();
    let unit = Unit::Class(2);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(1000).unwrap();
    while !broken.has_ended() {
        broken.advance(3).unwrap();
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
    assert!(resume(unit, &kept) && !resume(Unit::Class(3), &kept));
    assert!(!resume(
        unit,
        &kept.replace("\"changes\":[", "\"changes\":[],\"others\":[")
    ));
}

#[test]
fn a_class_that_the_model_never_gets_right_is_no_source() {
    let found = found(&Bench::of(never_right(CLASSES, SOURCE), CLASSES));
    let reached = found.iter().filter(|it| it.state == State::Reached);
    assert!(reached.count() >= CLASSES - 1, "{found:?}");
    for finding in found.iter().filter(|it| it.state == State::Reached) {
        assert!(source(finding) != SOURCE as f64, "{finding:?}");
    }
}

#[test]
fn what_has_too_many_pairs_or_no_sources_is_not_searched() {
    let detector = detector();
    let labels: Vec<usize> = (0..60).collect();
    let unit = Unit::Class(7);
    assert!(detector.lacks(unit, &labels[..50]).is_none());
    let why = detector.lacks(unit, &labels).unwrap();
    assert!(
        why.contains("60 classes") && why.contains("3540 pairs"),
        "{why}"
    );
    assert!(
        detector
            .lacks(unit, &[7, 7])
            .unwrap()
            .contains("this class")
    );
    let bench = Bench::new(CLASSES, None);
    assert!(detector.begin(&bench.subject(), Unit::Model).is_err());
}
