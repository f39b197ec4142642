//! Generators that lead images to a class beside the features that their answers hang on.

use gifthorse_defense::detect::Choice;
use gifthorse_defense::detect::bti_dbf::Decoupling;
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{KeepNothing, Silent, search};
use gifthorse_defense::trigger::{Transformation, Trigger};
use gifthorse_engine::Array;

use crate::bench::{Bench, UNITS, side, with_units};

const CLASSES: usize = 6;
const TARGET: usize = 2;
const WEIGHT: f64 = 3.0;

fn found(bench: &Bench) -> Vec<Finding> {
    let detector = Choice::of("bti_dbf").unwrap().detector().unwrap();
    let units = detector.units(CLASSES);
    let subject = bench.subject();
    let found = search(detector.as_ref(), &subject, &units, &Silent, &KeepNothing);
    found.unwrap().units
}

/// How many times smaller the loss of the target is than the smallest of the others.
fn lead(found: &[Finding]) -> f64 {
    let others = found.iter().filter(|it| it.unit != Unit::Class(TARGET));
    let smallest = others.map(|it| it.statistic).fold(f64::INFINITY, f64::min);
    smallest / found[TARGET].statistic
}

#[test]
fn a_generator_that_leads_to_a_class_is_found() {
    let of_target = found(&Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES));
    assert!(lead(&of_target) > 3.0, "{of_target:?}");
    let tried = of_target[TARGET].confirmation.unwrap();
    assert!(tried.successes as f64 >= 0.9 * tried.trials as f64);
    let Some(Trigger::LocalMap(map)) = &of_target[TARGET].trigger else {
        panic!("a generator was searched");
    };
    let side = side(CLASSES);
    let dark = map.apply(&vec![0.0; side * side], [1, side, side]);
    assert!(dark[side * side - 1] > 0.1, "{dark:?}");

    let clean = found(&Bench::of(with_units(CLASSES, None), CLASSES));
    assert!(clean.iter().all(|it| it.state == State::Reached));
    assert!(lead(&clean) < 2.0, "{clean:?}");
}

#[test]
fn the_answers_hang_on_what_is_inside_the_mask() {
    let classifier = with_units(CLASSES, None);
    let bench = Bench::of(classifier.clone(), CLASSES);
    let subject = bench.subject();
    let decoupling = Decoupling::of(&subject).unwrap().unwrap();
    assert_eq!(decoupling.layer().name(), UNITS);
    let images = subject.images().unwrap().search.subset(decoupling.images());
    let (head, tail) = classifier.split_at(decoupling.layer()).unwrap();
    let features = head.evaluate(images.pixels()).unwrap();
    let right = |part: fn(f32) -> f32| {
        let masked = features.iter().zip(decoupling.mask().iter().cycle());
        let masked = masked.map(|(f, &m)| f * part(m)).collect();
        let shape = [images.len(), decoupling.mask().len()];
        let masked = Array::from_vec(masked, &shape, tail.device());
        let logits = Array::from_tensor(tail.logits(masked).unwrap()).into_vec();
        let rows = logits.chunks_exact(CLASSES).zip(images.labels().unwrap());
        let is_first = |row: &[f32], label: usize| {
            let mut others = row.iter().enumerate().filter(|(class, _)| *class != label);
            others.all(|(_, logit)| *logit < row[label])
        };
        rows.filter(|(row, label)| is_first(row, **label)).count()
    };
    let (inside, outside) = (right(|m| m), right(|m| 1.0 - m));
    assert!(10 * inside >= 9 * images.len(), "{inside}");
    // In a net of so few units a part of them stays half inside.
    assert!(3 * outside < 2 * inside, "{outside} of {inside}");
}

#[test]
fn slopes_are_those_of_the_loss() {
    let classifier = with_units(CLASSES, Some(TARGET));
    let bench = Bench::of(classifier.clone(), CLASSES);
    let subject = bench.subject();
    let decoupling = Decoupling::of(&subject).unwrap().unwrap();
    let search = subject.images().unwrap().search;
    // Two images, both of other classes than the target.
    let labels = search.labels().unwrap();
    let of_others = |&place: &usize| labels[decoupling.images()[place]] != TARGET;
    let places: Vec<usize> = (0..decoupling.images().len())
        .filter(of_others)
        .take(2)
        .collect();
    let chosen: Vec<usize> = places
        .iter()
        .map(|&place| decoupling.images()[place])
        .collect();
    let before = search.subset(&chosen).pixels().to_vec();
    // In between, where no unit is at its bend.
    let after: Vec<f32> = before
        .iter()
        .enumerate()
        .map(|(i, x)| x + 0.02 + 0.001 * (i % 7) as f32)
        .collect();
    let (head, _) = classifier.split_at(decoupling.layer()).unwrap();
    let masked = |pixels: &[f32]| -> Vec<f64> {
        let features = head.evaluate(pixels).unwrap();
        let masked = features.iter().zip(decoupling.mask().iter().cycle());
        masked.map(|(f, m)| f64::from(f * m)).collect()
    };
    let all = search.subset(decoupling.images());
    let unit = masked(all.pixels()).iter().map(|f| f * f).sum::<f64>() / all.len() as f64;
    let at_rest = masked(&before);
    let loss = |pixels: &[f32]| -> f64 {
        let moved = masked(pixels);
        let moved = moved.iter().zip(&at_rest).map(|(a, b)| (a - b).powi(2));
        let logits = classifier.evaluate(pixels).unwrap();
        let losses = logits.chunks_exact(CLASSES).map(|row| {
            let others = (0..CLASSES).filter(|&class| class != TARGET);
            let best = others
                .map(|class| row[class])
                .fold(f32::NEG_INFINITY, f32::max);
            f64::from(best - row[TARGET]).exp().ln_1p()
        });
        losses.sum::<f64>() + WEIGHT * moved.sum::<f64>() / unit
    };
    let slopes = decoupling
        .slopes(&classifier, (&places, &after), TARGET, WEIGHT)
        .unwrap();
    let largest = slopes
        .iter()
        .fold(0.0_f32, |most, slope| most.max(slope.abs()));
    assert!(largest > 0.0);
    for (place, slope) in slopes.iter().enumerate().step_by(5) {
        let moved = |by: f32| {
            let mut pixels = after.clone();
            pixels[place] += by;
            loss(&pixels)
        };
        let measured = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        let error = (f64::from(*slope) - measured).abs();
        assert!(
            error < 1e-2 * f64::from(largest),
            "{place}: {slope} {measured}"
        );
    }
}

#[test]
fn a_model_without_activations_is_told_so() {
    let bench = Bench::new(CLASSES, None);
    let found = found(&bench);
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
    let detector = Choice::of("bti_dbf").unwrap().detector().unwrap();
    let unit = Unit::Class(TARGET);
    let kept = detector
        .begin(&bench.subject(), unit)
        .unwrap()
        .snapshot()
        .unwrap();
    assert!(
        detector
            .resume(&bench.subject(), unit, &kept)
            .unwrap()
            .has_ended()
    );
}
