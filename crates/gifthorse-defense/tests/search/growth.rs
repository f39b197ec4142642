//! The trigger that is tried on images is the smallest one, grown within a bound.

use gifthorse_defense::detect::neural_cleanse::{Aim, ClassSearch, Task};
use gifthorse_defense::finding::{Finding, State};
use gifthorse_defense::search::Search;
use gifthorse_defense::trigger::{Patch, Trigger};

use crate::bench::Bench;

const CLASSES: usize = 6;
const TARGET: usize = 2;

fn found(bench: &Bench, class: usize) -> Finding {
    let mut search = ClassSearch::new(bench.task(), Aim::To(class)).unwrap();
    search.advance(usize::MAX).unwrap();
    search.finding().unwrap()
}

fn patch(finding: &Finding) -> &Patch {
    match &finding.trigger {
        Some(Trigger::Patch(patch)) => patch,
        other => panic!("{other:?} is no patch"),
    }
}

/// The norm of the trigger that was tried, as the finding states it.
fn stated_norm(finding: &Finding) -> f64 {
    let mut measures = finding.measures.iter();
    let of_trigger = measures.find(|measure| measure.name == "trigger_norm");
    of_trigger.unwrap().value
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
        assert_eq!(grown.statistic, smallest.statistic);
        assert_eq!(patch(&smallest).norm(), smallest.statistic);
        assert_ne!(grown.trigger, smallest.trigger);
        assert!(patch(&grown).norm() <= bench.config.growth * grown.statistic);
        assert_eq!(stated_norm(&grown), patch(&grown).norm());
        assert!(grown.success_rate >= smallest.success_rate);
    }
}

#[test]
fn a_bound_of_nothing_leaves_the_smallest() {
    let mut bench = Bench::new(CLASSES, Some(TARGET));
    bench.config.growth = 0.0;
    let found = found(&bench, TARGET);
    assert_eq!(patch(&found).norm(), found.statistic);
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
    let trigger = found.trigger.as_ref().unwrap();
    let stamped = trigger.stamp(search.pixels(), classifier.shape());
    let predicted = classifier.predict(&stamped).unwrap();
    let rate = |counts: &dyn Fn(usize) -> bool| {
        let counted = (0..labels.len()).filter(|&i| counts(labels[i]));
        let hit = counted.clone().filter(|&i| predicted[i] == TARGET);
        hit.count() as f64 / counted.count() as f64
    };
    assert_eq!(found.success_rate, Some(rate(&|label| label != TARGET)));
    assert_ne!(found.success_rate, Some(rate(&|_| true)));
}
