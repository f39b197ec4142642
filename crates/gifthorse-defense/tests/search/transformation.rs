//! Filters and warps that lead images to a class.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Search, Silent, search};
use gifthorse_defense::trigger::Trigger;

use crate::bench::{Bench, bent_downwards, brightened, with_units};

const CLASSES: usize = 6;
const TARGET: usize = 2;

fn detector(name: &str) -> Box<dyn Detector> {
    Choice::of(name).unwrap().detector().unwrap()
}

fn found(name: &str, bench: &Bench) -> Vec<Finding> {
    let detector = detector(name);
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing).unwrap();
    assert!(
        found.units.iter().all(|it| it.state == State::Reached),
        "{found:?}"
    );
    found.units
}

/// How many times smaller the loss of `class` is than the smallest of the others.
fn lead(found: &[Finding], class: usize) -> f64 {
    let others = found.iter().filter(|it| it.unit != Unit::Class(class));
    let smallest = others.map(|it| it.statistic).fold(f64::INFINITY, f64::min);
    smallest / found[class].statistic
}

fn works(finding: &Finding) -> bool {
    let tried = finding.confirmation.unwrap();
    tried.trials > 0 && tried.successes as f64 >= 0.9 * tried.trials as f64
}

/// A pixel that is black in all images votes for the target, so that brightening images does.
#[test]
fn a_filter_that_leads_to_a_class_is_found() {
    let found = found(
        "colour_map",
        &Bench::of(brightened(CLASSES, TARGET), CLASSES),
    );
    assert!(lead(&found, TARGET) > 3.0, "{found:?}");
    assert!(
        works(&found[TARGET]) && !works(&found[TARGET + 1]),
        "{found:?}"
    );
    let Some(Trigger::ColourMap(map)) = &found[TARGET].trigger else {
        panic!("a filter was searched");
    };
    // What becomes of black: a value of 0 has u = -1.
    let [linear, squared, added] = map.weights[..] else {
        panic!("one channel has three weights");
    };
    assert!(squared + added - linear > 0.1, "{map:?}");

    let clean = self::found("colour_map", &Bench::new(CLASSES, None));
    assert!(lead(&clean, TARGET) < 2.0, "{clean:?}");
}

#[test]
fn a_warp_that_leads_to_a_class_is_found() {
    let bench = Bench::of(bent_downwards(CLASSES, TARGET), CLASSES);
    let found = found("warp", &bench);
    assert!(lead(&found, TARGET) > 3.0, "{found:?}");
    assert!(
        works(&found[TARGET]) && !works(&found[TARGET + 1]),
        "{found:?}"
    );
    let Some(Trigger::Warp(warp)) = &found[TARGET].trigger else {
        panic!("a warp was searched");
    };
    // The row below the blocks is lit by what is above it: near there the field looks up.
    let upwards: f32 = warp.displacements[8..12].iter().sum();
    assert!(upwards < 0.0, "{warp:?}");
    assert!(found[TARGET].measures[0].value <= 1.01, "{found:?}");
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
    let bench = Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES);
    for name in ["colour_map", "warp", "bti_dbf"] {
        let detector = detector(name);
        let unit = Unit::Class(TARGET);
        let mut straight = detector.begin(&bench.subject(), unit).unwrap();
        straight.advance(12).unwrap();
        let mut broken = detector.begin(&bench.subject(), unit).unwrap();
        for steps in [0, 5, 7] {
            broken.advance(steps).unwrap();
            let kept = broken.snapshot().unwrap();
            broken = detector.resume(&bench.subject(), unit, &kept).unwrap();
        }
        assert_eq!(outcome(straight.as_ref()), outcome(broken.as_ref()));

        let kept = broken.snapshot().unwrap();
        assert!(
            detector
                .resume(&bench.subject(), Unit::Class(1), &kept)
                .is_err()
        );
        let damaged = kept.replacen("\"version\":1", "\"version\":9", 1);
        assert_ne!(damaged, kept);
        assert!(detector.resume(&bench.subject(), unit, &damaged).is_err());
        let other = if name == "warp" { "colour_map" } else { "warp" };
        assert!(
            self::detector(other)
                .resume(&bench.subject(), unit, &kept)
                .is_err()
        );
    }
}
