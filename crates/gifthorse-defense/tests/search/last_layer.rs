//! The last layer of small models: a class with more room than the others.

use gifthorse_defense::detect::Choice;
use gifthorse_defense::finding::{Finding, State};
use gifthorse_defense::search::{KeepNothing, Silent, search};

use crate::bench::{Bench, bent};

const CLASSES: usize = 6;
const TARGET: usize = 4;

fn found(bench: &Bench) -> Vec<Finding> {
    found_by("last_layer", bench)
}

fn found_by(name: &str, bench: &Bench) -> Vec<Finding> {
    let detector = Choice::of(name).unwrap().detector().unwrap();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

fn largest(found: &[Finding]) -> usize {
    let by_reach = |a: &&Finding, b: &&Finding| a.statistic.total_cmp(&b.statistic);
    let most = found.iter().max_by(by_reach).unwrap();
    most.unit.target().unwrap()
}

#[test]
fn each_class_reaches_as_far_as_its_block_on_clean_images() {
    let found = found(&Bench::new(CLASSES, None));
    assert!(found.iter().all(|finding| finding.state == State::Reached));
    // Blocks are four pixels of 0.7 to 1 whose weights are 4 to 8, less the part of the mean.
    for finding in &found {
        let reach = finding.statistic;
        assert!(
            reach > 4.0 * 0.7 * 4.0 * 0.8 && reach < 4.0 * 8.0,
            "{reach}"
        );
    }
    let won: f64 = found.iter().map(won).sum();
    assert!((won - 1.0).abs() < 1e-9, "{won}");
}

fn won(finding: &Finding) -> f64 {
    let mut measures = finding.measures.iter();
    let of_class = measures.find(|measure| measure.name == "random_features_won");
    of_class.unwrap().value
}

#[test]
fn the_sum_of_weights_counts_what_clean_images_leave_dark() {
    for target in [None, Some(TARGET)] {
        let found = found_by("weight_sum", &Bench::new(CLASSES, target));
        assert!(found.iter().all(|finding| finding.state == State::Reached));
        // Less the mean over the classes, so that they sum to nothing.
        let all: f64 = found.iter().map(|finding| finding.statistic).sum();
        assert!(all.abs() < 1e-3, "{all}");
        if let Some(target) = target {
            let others = found.iter().filter(|it| it.unit.target() != Some(target));
            let next = others.map(|it| it.statistic).fold(f64::MIN, f64::max);
            assert!(found[target].statistic > next + 0.3, "{next} {found:?}");
        }
    }
}

#[test]
fn a_unit_that_clean_images_leave_dark_gives_no_reach() {
    // The corner that leads to the target is 0 on all clean images.
    let [clean, with_corner] = [None, Some(TARGET)].map(|target| {
        let found = found(&Bench::new(CLASSES, target));
        (found[TARGET].statistic, largest(&found))
    });
    assert_eq!(clean, with_corner);
}

#[test]
fn a_model_that_bends_its_logits_is_told_to_have_no_last_layer() {
    let found = found(&Bench::of(bent(CLASSES), CLASSES));
    for finding in found {
        assert_eq!(finding.state, State::Unreached);
        let reason = finding.reason.unwrap();
        assert!(reason.contains("affine function of no layer"), "{reason}");
    }
}

#[test]
fn without_images_nothing_can_be_said() {
    let bench = Bench::new(CLASSES, None);
    let detector = Choice::of("last_layer").unwrap().detector().unwrap();
    let subject = gifthorse_defense::subject::Subject {
        images: None,
        ..bench.subject()
    };
    assert!(
        detector
            .begin(&subject, detector.units(CLASSES)[0])
            .is_err()
    );
}
