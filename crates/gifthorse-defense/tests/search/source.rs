//! Searches from one class: what only the images of a source see.

use gifthorse_defense::detect::Choice;
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, never_right, one_to_one};

const CLASSES: usize = 6;
const SOURCE: usize = 1;
const TARGET: usize = 4;

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = Choice::of("source_patch").unwrap().detector().unwrap();
    let units = detector.units(CLASSES);
    let found = search(
        detector.as_ref(),
        &bench.subject(),
        &units,
        &Silent,
        &KeepNothing,
    );
    found.unwrap().units
}

/// By how much the smallest trigger is smaller than the second, and whose it is.
fn first(found: &[Finding]) -> (usize, f64) {
    let mut norms: Vec<(f64, usize)> = found
        .iter()
        .enumerate()
        .map(|(source, finding)| (finding.statistic, source))
        .collect();
    norms.sort_by(|a, b| a.0.total_cmp(&b.0));
    (norms[0].1, norms[1].0 / norms[0].0)
}

#[test]
fn a_backdoor_of_one_source_is_seen_and_its_target_named() {
    let bench = Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES);
    let found = found(&bench);
    let (smallest, ratio) = first(&found);
    assert!(smallest == SOURCE && ratio > 3.0, "{smallest} {ratio}");
    let of_source = &found[SOURCE];
    assert_eq!(of_source.state, State::Reached);
    assert_eq!(of_source.leads_to, Some(TARGET));
    let pair = Unit::Pair {
        source: SOURCE,
        target: TARGET,
    };
    assert_eq!(of_source.led(), pair);
    assert_eq!(of_source.success_rate, Some(1.0));
    let tried = of_source.confirmation.unwrap();
    assert_eq!((tried.successes, tried.trials), (5, 5));

    let (_, of_clean) = first(&self::found(&Bench::new(CLASSES, None)));
    assert!(of_clean < 2.0, "{of_clean}");
}

#[test]
fn the_search_over_all_images_does_not_see_it() {
    let bench = Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES);
    let found = bench.search(&Silent, &KeepNothing).unwrap().units;
    let (smallest, ratio) = first(&found);
    assert!(smallest != TARGET || ratio < 2.0, "{smallest} {ratio}");
}

#[test]
fn searches_go_on_where_they_were_left() {
    let bench = Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES);
    let detector = Choice::of("source_patch").unwrap().detector().unwrap();
    let unit = Unit::Source(SOURCE);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(9).unwrap();
    for steps in [2, 3, 4] {
        broken.advance(steps).unwrap();
        let kept = broken.snapshot().unwrap();
        broken = detector.resume(&bench.subject(), unit, &kept).unwrap();
    }
    let [straight, broken] = [straight, broken].map(|search| {
        let kept = search.snapshot().unwrap();
        let mut kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
        kept["seconds"] = serde_json::Value::Null;
        kept
    });
    assert_eq!(straight, broken);
}

#[test]
fn a_class_that_the_model_never_gets_right_has_nothing_to_search_with() {
    let bench = Bench::of(never_right(CLASSES, SOURCE), CLASSES);
    let found = found(&bench);
    assert_eq!(found[SOURCE].state, State::Unreached);
    let reason = found[SOURCE].reason.as_deref().unwrap();
    assert!(reason.contains("right on no image"), "{reason}");
    assert!(found.iter().filter(|it| it.state == State::Reached).count() >= CLASSES - 1);
}
