//! The fewest pixels that, changed alike in all images, lead them to a class.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};
use gifthorse_defense::trigger::Trigger;

use crate::bench::{Bench, never_right, timeless};

const CLASSES: usize = 6;
const TARGET: usize = 2;

fn detector() -> Box<dyn Detector> {
    Choice::of("pixel").unwrap().detector().unwrap()
}

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = detector();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing).unwrap();
    timeless(found.units)
}

/// How many times fewer pixels `class` takes than the next of the others.
fn lead(found: &[Finding], class: usize) -> f64 {
    let others = found.iter().filter(|it| it.unit != Unit::Class(class));
    let fewest = others.map(|it| it.statistic).fold(f64::INFINITY, f64::min);
    fewest / found[class].statistic
}

#[test]
fn a_planted_corner_is_found_as_the_one_pixel_that_it_is() {
    let found = found(&Bench::new(CLASSES, Some(TARGET)));
    assert!(found.iter().all(|it| it.state == State::Reached));
    assert_eq!(found[TARGET].statistic, 1.0);
    assert!(lead(&found, TARGET) > 3.0, "{found:?}");
    let Some(Trigger::Additive(change)) = &found[TARGET].trigger else {
        panic!("what is added was searched");
    };
    assert!(*change.values.last().unwrap() > 0.2, "{change:?}");
    let levels = change.values.iter().map(|by| by * 255.0);
    assert!(levels.into_iter().all(|by| (by - by.round()).abs() < 1e-3));
    let tried = found[TARGET].confirmation.unwrap();
    assert!(tried.trials > 0 && tried.successes == tried.trials);
}

#[test]
fn no_class_of_the_clean_twin_stands_out() {
    let found = found(&Bench::new(CLASSES, None));
    let most = (0..CLASSES).map(|class| lead(&found, class));
    assert!(most.fold(0.0, f64::max) < 2.0, "{found:?}");
}

/// The class's own block votes against it, and no pixel for it.
#[test]
fn a_class_that_nothing_leads_to_is_not_reached() {
    let found = found(&Bench::of(never_right(CLASSES, TARGET), CLASSES));
    assert_eq!(found[TARGET].state, State::Unreached, "{found:?}");
    assert_eq!(found[TARGET + 1].state, State::Reached);
}

#[test]
fn a_search_that_was_laid_by_comes_to_the_same_end() {
    let bench = Bench::new(CLASSES, Some(TARGET));
    let detector = detector();
    let unit = Unit::Class(TARGET);
    let resume = |unit, kept: &str| detector.resume(&bench.subject(), unit, kept);
    let mut straight = detector.begin(&bench.subject(), unit).unwrap();
    straight.advance(usize::MAX).unwrap();
    let mut broken = detector.begin(&bench.subject(), unit).unwrap();
    for rounds in [0, 5, 1, 40, 1000] {
        broken.advance(rounds).unwrap();
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
        kept.replacen("\"pattern\":\"", "\"pattern\":\"AAAAAA==", 1),
        kept.replacen("\"values\":\"", "\"values\":\"AAAAAA==", 1),
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
        let bench = Bench::new(CLASSES, Some(TARGET));
        pool.unwrap().install(|| found(&bench))
    };
    assert_eq!(on(1), on(4));
}
