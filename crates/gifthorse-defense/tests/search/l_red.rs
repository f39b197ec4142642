//! The smallest change of images that leads to each class, from whichever classes.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, one_to_one};

const CLASSES: usize = 6;
const SOURCE: usize = 1;
const TARGET: usize = 4;

fn detector(preset: &str) -> Box<dyn Detector> {
    let choice = Choice {
        preset: preset.to_owned(),
        ..Choice::of("l_red").unwrap()
    };
    choice.detector().unwrap()
}

fn found(bench: &Bench, preset: &str) -> Vec<Finding> {
    let detector = detector(preset);
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    let units = found.unwrap().units;
    assert!(
        units.iter().all(|it| it.state == State::Reached),
        "{units:?}"
    );
    units
}

/// The class of the smallest change, and how much smaller it is than the next.
fn first(found: &[Finding]) -> (usize, f64) {
    let mut norms: Vec<(f64, usize)> = found
        .iter()
        .map(|finding| (finding.statistic, finding.unit.target().unwrap()))
        .collect();
    norms.sort_by(|a, b| a.0.total_cmp(&b.0));
    (norms[0].1, norms[1].0 / norms[0].0)
}

#[test]
fn a_target_of_all_classes_is_reached_by_the_smallest_change() {
    for preset in ["standard", "paper"] {
        let of_target = found(&Bench::new(CLASSES, Some(TARGET)), preset);
        let (smallest, ratio) = first(&of_target);
        assert!(smallest == TARGET && ratio > 1.5, "{of_target:?}");
        let (_, of_clean) = first(&found(&Bench::new(CLASSES, None), preset));
        assert!(of_clean < 1.5, "{of_clean}");
    }
}

#[test]
fn weights_find_the_one_source_that_a_backdoor_has() {
    let bench = Bench::of(one_to_one(CLASSES, SOURCE, TARGET), CLASSES);
    let weighed = found(&bench, "paper");
    let (smallest, ratio) = first(&weighed);
    assert!(smallest == TARGET && ratio > 1.3, "{weighed:?}");
    let sources = &weighed[TARGET].measures[0];
    assert!(sources.value < 2.0, "{sources:?}");
    // Where all count alike, the change has to lead the others as well.
    let alike = found(&bench, "standard");
    assert!(alike[TARGET].statistic > 1.3 * weighed[TARGET].statistic);
}

#[test]
fn a_search_goes_on_where_it_was_left_and_not_with_other_settings() {
    let bench = Bench::new(CLASSES, Some(TARGET));
    let detector = detector("paper");
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
    let resume = |preset: &str, unit| {
        let detector = self::detector(preset);
        detector.resume(&bench.subject(), unit, &kept).is_ok()
    };
    assert!(resume("paper", unit));
    assert!(!resume("standard", unit) && !resume("paper", Unit::Class(3)));
}
