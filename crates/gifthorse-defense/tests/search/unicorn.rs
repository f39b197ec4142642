//! Patches in spaces of their own that lead images to a class.

use gifthorse_defense::detect::{Choice, Detector};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Search, Silent, search};
use gifthorse_defense::trigger::Trigger;

use crate::bench::{Bench, blendable, side, timeless, with_units};

const CLASSES: usize = 6;
const TARGET: usize = 2;

fn detector() -> Box<dyn Detector> {
    Choice::of("unicorn").unwrap().detector().unwrap()
}

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = detector();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

/// How many times smaller the loss of the target is than the smallest of the others.
fn lead(found: &[Finding]) -> f64 {
    assert!(found.iter().all(|it| it.state == State::Reached));
    let others = found.iter().filter(|it| it.unit != Unit::Class(TARGET));
    let smallest = others.map(|it| it.statistic).fold(f64::INFINITY, f64::min);
    smallest / found[TARGET].statistic
}

/// Whether a finding's patch leads so large a share of held-out images to its class.
fn works(finding: &Finding, share: f64) -> bool {
    let tried = finding.confirmation.unwrap();
    tried.trials > 0 && tried.successes as f64 >= share * tried.trials as f64
}

fn measure(finding: &Finding, name: &str) -> f64 {
    let mut measures = finding.measures.iter();
    measures.find(|measure| measure.name == name).unwrap().value
}

#[test]
fn a_patch_is_found_within_the_bounds() {
    let backdoored = found(&Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES));
    assert!(lead(&backdoored) > 3.0, "{backdoored:?}");
    let of_target = &backdoored[TARGET];
    // In images of eight by eight pixels, one is a large part of what a window sees.
    assert!(works(of_target, 0.75), "{of_target:?}");
    let Some(trigger @ Trigger::SpacePatch(_)) = &of_target.trigger else {
        panic!("a patch in a space was searched");
    };
    let side = side(CLASSES);
    let dark = trigger.stamp(&vec![0.0; side * side], [1, side, side]);
    assert!(dark[side * side - 1] > 0.1, "{dark:?}");
    for it in &backdoored {
        assert!(measure(it, "mask_share") < 0.0501, "{it:?}");
        assert!(measure(it, "dissimilarity") < 0.0501, "{it:?}");
    }

    let clean = found(&Bench::of(with_units(CLASSES, None), CLASSES));
    assert!(lead(&clean) < 2.0, "{clean:?}");
}

/// All pixels, brighter: no patch, but in every place a little of one.
#[test]
fn a_blend_is_found() {
    let backdoored = found(&Bench::of(blendable(CLASSES, Some(TARGET)), CLASSES));
    assert!(lead(&backdoored) > 3.0, "{backdoored:?}");
    assert!(works(&backdoored[TARGET], 0.9), "{backdoored:?}");

    let clean = found(&Bench::of(blendable(CLASSES, None), CLASSES));
    assert!(lead(&clean) < 2.0, "{clean:?}");
}

/// All but the time that it took.
fn outcome(search: &dyn Search) -> Finding {
    timeless(vec![search.finding().unwrap()]).remove(0)
}

#[test]
fn a_search_that_was_laid_by_comes_to_the_same_end() {
    let bench = Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES);
    let (detector, unit) = (detector(), Unit::Class(TARGET));
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
    let refused = |unit: Unit, kept: &str| detector.resume(&bench.subject(), unit, kept).is_err();
    assert!(refused(Unit::Class(1), &kept));
    let damaged = kept.replacen("\"version\":1", "\"version\":9", 1);
    assert_ne!(damaged, kept);
    assert!(refused(unit, &damaged));
    // As many numbers fewer as the optimiser has made steps.
    let damaged = kept.replacen("\"steps\":12", "\"steps\":0", 1);
    assert_ne!(damaged, kept);
    assert!(refused(unit, &damaged));
}

#[test]
fn threads_change_nothing() {
    let bench = || Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| timeless(found(&bench())))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_model_without_activations_is_told_so() {
    let found = found(&Bench::new(CLASSES, None));
    let told = |it: &Finding| {
        it.reason
            .as_ref()
            .is_some_and(|why| why.contains("activation"))
    };
    assert!(
        found
            .iter()
            .all(|it| it.state == State::Unreached && told(it)),
        "{found:?}"
    );
}
