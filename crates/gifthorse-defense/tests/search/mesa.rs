//! Squares that lead images to a class wherever they lie.

use gifthorse_defense::detect::mesa::{Config, Mesa, Preset};
use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};
use gifthorse_defense::trigger::Trigger;

use crate::bench::{Bench, anywhere, timeless};

const CLASSES: usize = 6;
const TARGET: usize = 2;

fn detector() -> Box<dyn Detector> {
    Choice::of("mesa").unwrap().detector().unwrap()
}

fn found(detector: &dyn Detector, bench: &Bench) -> Vec<Finding> {
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector, &subject, &units, &Silent, &KeepNothing).unwrap();
    assert!(found.units.iter().all(|it| it.state == State::Reached));
    timeless(found.units)
}

/// How many times smaller the loss of `class` is than the smallest of the others.
fn lead(found: &[Finding], class: usize) -> f64 {
    let others = found.iter().filter(|it| it.unit != Unit::Class(class));
    let smallest = others.map(|it| it.statistic).fold(f64::INFINITY, f64::min);
    smallest / found[class].statistic
}

fn measure(finding: &Finding, name: &str) -> f64 {
    let mut measures = finding.measures.iter();
    measures.find(|measure| measure.name == name).unwrap().value
}

#[test]
fn a_planted_square_names_its_target() {
    let found = found(
        detector().as_ref(),
        &Bench::of(anywhere(CLASSES, TARGET), CLASSES),
    );
    assert!(lead(&found, TARGET) > 5.0, "{found:?}");
    assert_eq!(measure(&found[TARGET], "side"), 3.0);
    assert!(measure(&found[TARGET], "success_of_side_3") > 0.9);
    let tried = found[TARGET].confirmation.unwrap();
    assert!(tried.trials > 0 && tried.successes == tried.trials);
    let Some(Trigger::Patch(patch)) = &found[TARGET].trigger else {
        panic!("a patch is shown");
    };
    assert_eq!(patch.norm(), 9.0);
}

#[test]
fn no_class_of_the_clean_twin_stands_out() {
    let found = found(detector().as_ref(), &Bench::new(CLASSES, None));
    let most = (0..CLASSES).map(|class| lead(&found, class));
    assert!(most.fold(0.0, f64::max) < 2.0, "{found:?}");
}

/// Squares of a generator that is hardly paid for it tell less of the noise that they are made of.
#[test]
fn squares_that_are_paid_for_information_have_more_of_it() {
    let bench = Bench::of(anywhere(CLASSES, TARGET), CLASSES);
    let with = |information| {
        let detector = Mesa::new(Config {
            information,
            ..Config::preset(Preset::Standard)
        });
        let mut search = detector
            .begin(&bench.subject(), Unit::Class(TARGET))
            .unwrap();
        search.advance(usize::MAX).unwrap();
        measure(&search.finding().unwrap(), "information")
    };
    let (paid, unpaid) = (with(1.0), with(1e-4));
    assert!(paid > unpaid + 0.2, "{paid} {unpaid}");
}

#[test]
fn a_search_that_was_laid_by_comes_to_the_same_end() {
    let bench = Bench::of(anywhere(CLASSES, TARGET), CLASSES);
    let detector = detector();
    let unit = Unit::Class(TARGET);
    let resume = |unit, kept: &str| detector.resume(&bench.subject(), unit, kept);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(usize::MAX).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    for updates in [0, 3, 1, 90, 1000] {
        broken.advance(updates).unwrap();
        broken = resume(unit, &broken.snapshot().unwrap()).unwrap();
    }
    assert!(broken.has_ended());
    let kept = broken.snapshot().unwrap();
    let [straight, broken] =
        [straight, broken].map(|search| timeless(vec![search.finding().unwrap()]));
    assert_eq!(straight, broken);

    assert!(resume(Unit::Class(1), &kept).is_err());
    for damaged in [
        kept.replacen("\"version\":1", "\"version\":9", 1),
        kept.replacen("\"square\":\"", "\"square\":\"AAAAAA==", 1),
        kept.replacen("\"weights\":\"", "\"weights\":\"AAAAAA==", 1),
        kept.replacen("\"first\":\"", "\"first\":\"AAAAAA==", 1),
        kept.replacen("\"seed\":3", "\"seed\":4", 1),
    ] {
        assert_ne!(damaged, kept);
        assert!(resume(unit, &damaged).is_err());
    }
}

#[test]
fn threads_change_no_bit() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let bench = Bench::of(anywhere(CLASSES, TARGET), CLASSES);
        pool.unwrap().install(|| found(detector().as_ref(), &bench))
    };
    assert_eq!(on(1), on(4));
}
