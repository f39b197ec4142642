//! What images have in common inside the model on their way to a class.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Search, Silent, search};

use crate::bench::Bench;

const CLASSES: usize = 6;
const TARGET: usize = 4;

fn cepa() -> Box<dyn Detector> {
    Choice::of("cepa").unwrap().detector().unwrap()
}

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = cepa();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

fn smallest(found: &[Finding]) -> (usize, f64) {
    let mut spreads: Vec<(f64, usize)> = found
        .iter()
        .enumerate()
        .map(|(class, finding)| (finding.statistic, class))
        .collect();
    spreads.sort_by(|a, b| a.0.total_cmp(&b.0));
    (spreads[0].1, spreads[1].0 / spreads[0].0)
}

#[test]
fn images_move_alike_towards_the_target_of_a_trigger() {
    let found = found(&Bench::new(CLASSES, Some(TARGET)));
    for finding in &found {
        assert_eq!(finding.state, State::Reached, "{finding:?}");
        let rates = finding.measures.iter().map(|measure| measure.value);
        assert!(rates.into_iter().all(f64::is_finite));
    }
    let (first, ratio) = smallest(&found);
    assert!(first == TARGET && ratio > 1.2, "{first} {ratio}");

    let clean = self::found(&Bench::new(CLASSES, None));
    let (_, of_clean) = smallest(&clean);
    assert!(of_clean < ratio, "{of_clean} {ratio}");
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
    let bench = Bench::new(CLASSES, Some(TARGET));
    let detector = cepa();
    let unit = Unit::Class(TARGET);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(usize::MAX).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    broken.advance(7).unwrap();
    let kept = broken.snapshot().unwrap();
    let mut broken = detector.resume(&bench.subject(), unit, &kept).unwrap();
    broken.advance(usize::MAX).unwrap();
    let kept = broken.snapshot().unwrap();
    let ended = detector.resume(&bench.subject(), unit, &kept).unwrap();
    assert!(ended.has_ended());
    let [straight, broken, ended] = [straight, broken, ended].map(|it| outcome(it.as_ref()));
    assert_eq!((&straight, &straight), (&broken, &ended));

    let other = detector.resume(&bench.subject(), Unit::Class(1), &kept);
    assert!(other.is_err());
    let damaged = kept.replacen("\"version\":1", "\"version\":9", 1);
    assert_ne!(damaged, kept);
    assert!(detector.resume(&bench.subject(), unit, &damaged).is_err());
}

#[test]
fn without_images_of_other_classes_there_is_nothing_to_push() {
    let detector = cepa();
    assert!(detector.lacks(Unit::Class(0), &[0, 0]).is_some());
    assert!(detector.lacks(Unit::Class(0), &[0, 1]).is_none());
}
