//! The trigger that is tried on images is the smallest one, grown within a bound.

use gifthorse_defense::detect::neural_cleanse::{ClassFinding, ClassSearch, State, Task};
use gifthorse_defense::detect::stamp;

use crate::bench::Bench;

const CLASSES: usize = 6;
const TARGET: usize = 2;

fn found(bench: &Bench, class: usize) -> ClassFinding {
    let mut search = ClassSearch::new(bench.task(), class).unwrap();
    search.advance(usize::MAX).unwrap();
    search.finding().unwrap()
}

#[test]
fn it_grows_within_the_bound_and_leaves_the_size_that_is_compared() {
    let mut bench = Bench::new(CLASSES, Some(TARGET));
    for class in 0..CLASSES {
        bench.config.growth_updates = 8;
        let grown = found(&bench, class);
        bench.config.growth_updates = 0;
        let smallest = found(&bench, class);
        assert_eq!(grown.state, State::Reached);
        assert_eq!(grown.norm, smallest.norm);
        assert_eq!(smallest.trigger.norm(), smallest.norm);
        assert_ne!(grown.trigger, smallest.trigger);
        assert!(grown.trigger.norm() <= bench.config.growth * grown.norm);
        assert!(grown.success_rate >= smallest.success_rate);
    }
}

#[test]
fn a_bound_of_nothing_leaves_the_smallest() {
    let mut bench = Bench::new(CLASSES, Some(TARGET));
    bench.config.growth = 0.0;
    let found = found(&bench, TARGET);
    assert_eq!(found.trigger.norm(), found.norm);
}

/// The rate is of the images of other classes, whether or not the target's own are searched with.
#[test]
fn the_images_of_the_class_do_not_count() {
    let mut bench = Bench::new(CLASSES, None);
    bench.config.exclude_target = false;
    // So early that the trigger does not work yet, while images of the class are taken for it.
    bench.config.steps = 1;
    let found = found(&bench, TARGET);
    let Task {
        classifier, search, ..
    } = bench.task();
    let labels = search.labels().unwrap();
    let trigger = &found.trigger;
    let stamped = stamp(
        search.pixels(),
        classifier.shape(),
        &trigger.mask,
        &trigger.pattern,
    );
    let predicted = classifier.predict(&stamped).unwrap();
    let rate = |counts: &dyn Fn(usize) -> bool| {
        let counted = (0..labels.len()).filter(|&i| counts(labels[i]));
        let hit = counted.clone().filter(|&i| predicted[i] == TARGET);
        hit.count() as f64 / counted.count() as f64
    };
    assert_eq!(found.success_rate, rate(&|label| label != TARGET));
    assert_ne!(found.success_rate, rate(&|_| true));
}
