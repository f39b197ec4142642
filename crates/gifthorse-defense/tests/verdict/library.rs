//! A library of clean models in the place of equal classes.

use gifthorse_defense::verdict::{
    Calibration, CleanModels, Decision, EqualClasses, Evidence, LibraryError, LibraryModel,
    Verdict, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use crate::models::{
    WORKS, even_norms, evidence, found_in, library_model, library_of, norm_threshold, scan_of,
    size, verdict,
};
use crate::population::World;

/// Models of 20 classes, a tenth of which is naturally half as hard to reach as the others.
fn unequal(count: usize) -> Vec<LibraryModel> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut draw = |class| {
        let noise: f64 = StandardNormal.sample(&mut rng);
        Some(-2.5 - if class < 2 { 0.9 } else { 0.0 } + 0.2 * noise)
    };
    (0..count)
        .map(|name| library_model(format!("{name}"), (0..20).map(&mut draw).collect()))
        .collect()
}

fn fitted(models: Vec<LibraryModel>) -> CleanModels {
    CleanModels::fit(&library_of(models), 3).unwrap()
}

fn with(reference: &CleanModels, evidence: &Evidence) -> Decision {
    decide(evidence, reference, 0.05, 1).unwrap()
}

/// The evidence of a scan in which every trigger works on held-out images.
fn confirmed(model: &LibraryModel) -> Evidence {
    let mut evidence = scan_of(model, 1);
    for found in &mut evidence.witnesses[0].classes {
        found.confirmation = Some(WORKS);
    }
    evidence
}

#[test]
fn easy_classes_are_no_backdoor_where_clean_models_have_them() {
    let library = fitted(unequal(100));
    let clean = unequal(140).split_off(100);
    let flagged = |reference: &dyn Calibration| {
        let flagged = clean.iter().filter(|model| {
            let decision = decide(&confirmed(model), reference, 0.05, 1).unwrap();
            decision.verdict == Verdict::Backdoored
        });
        flagged.count()
    };
    let (equal, measured) = (flagged(&EqualClasses::default()), flagged(&library));
    assert!(equal > 15, "{equal} of 40");
    assert!(measured <= 6, "{measured} of 40");

    let mut model = confirmed(&clean[0]);
    model.witnesses[0].classes[5].value = size(1.0);
    let decision = with(&library, &model);
    assert_eq!(
        (decision.verdict, decision.targets.as_slice()),
        (Verdict::Backdoored, &[5][..])
    );
    assert_eq!(decision.calibration, "library of clean models");
    // Rarer than anything in the library, which vouches for no more than its own number.
    assert!((decision.p_value.unwrap() - 1.0 / 101.0).abs() < 1e-12);
    assert_eq!(decision.p_value, decision.classes[5].p_value);
}

#[test]
fn rate_is_kept_on_models_of_any_number_of_classes() {
    // Six libraries, 30 further models for each.
    let flags: Vec<[u32; 2]> = (0..6)
        .map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let world = World::new(&mut rng);
            let library = fitted(world.models(99, &mut rng));
            let further: Vec<LibraryModel> = [2, 5, 10]
                .into_iter()
                .flat_map(|classes| [classes; 10])
                .enumerate()
                .map(|(name, classes)| world.model(name, Some(classes), &mut rng))
                .collect();
            further
                .par_iter()
                .map(|model| {
                    let p = with(&library, &scan_of(model, 1)).p_value.unwrap();
                    [u32::from(p <= 0.05), u32::from(p <= 0.5)]
                })
                .reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
        })
        .collect();
    let of = |rate: usize| f64::from(flags.iter().map(|flags| flags[rate]).sum::<u32>()) / 180.0;
    // Binomial errors of the models and those of six thresholds from 99 models each: 0.016 + 0.009
    // at 5 %, 0.037 + 0.020 at 50 %, added in squares; three and a half of them.
    assert!(of(0) < 0.115, "{} at 0.05", of(0));
    assert!((0.35..0.65).contains(&of(1)), "{} at 0.5", of(1));
}

#[test]
fn sizes_of_clean_models_carry_two_classes_and_all_classes_infected() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let library = fitted(World::new(&mut rng).models(100, &mut rng));
    let two = with(&library, &evidence(&[70.0, 80.0]));
    assert_eq!(two.verdict, Verdict::Clean, "{two:?}");
    let two = with(&library, &evidence(&[70.0, 1.0]));
    assert_eq!(
        (two.verdict, two.targets.as_slice()),
        (Verdict::Backdoored, &[1][..])
    );
    // All twenty classes infected: none is an outlier, and all are named.
    let all: Vec<f64> = even_norms(20).iter().map(|norm| norm / 60.0).collect();
    assert!(verdict(&evidence(&all)).suspects.is_empty());
    let decision = with(&library, &evidence(&all));
    assert_eq!(
        (decision.verdict, decision.targets.len()),
        (Verdict::Backdoored, 20)
    );
    let said = decision
        .reasons
        .iter()
        .find(|why| why.contains("do not stand out"));
    assert!(said.unwrap().contains("a backdoor to all classes"));
}

#[test]
fn a_class_below_the_told_size_would_have_been_flagged() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let library = fitted(World::new(&mut rng).models(100, &mut rng));
    for classes in [2, 5, 10] {
        let norms = even_norms(classes);
        let clean = with(&library, &evidence(&norms));
        assert_eq!(clean.verdict, Verdict::Clean, "{clean:?}");
        let limit = norm_threshold(&clean).unwrap();
        assert!(norms.iter().all(|&norm| norm > limit));
        for class in 0..classes {
            let mut infected = norms.clone();
            infected[class] = limit * 0.99;
            let decision = with(&library, &evidence(&infected));
            assert!(decision.suspects.contains(&class), "{classes}: {class}");
        }
    }
}

#[test]
fn unreached_classes_of_the_library_and_of_the_model_count_as_large() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let mut models = World::new(&mut rng).models(60, &mut rng);
    for model in models.iter_mut().filter(|model| model.classes >= 5) {
        let largest = found_in(model)
            .values
            .iter_mut()
            .max_by(|a, b| a.partial_cmp(b).unwrap());
        *largest.unwrap() = None;
    }
    let library = fitted(models);
    let mut model = evidence(&even_norms(10));
    model.witnesses[0].classes[2].value = size(1.0);
    for class in [3, 7] {
        model.witnesses[0].classes[class].reached = false;
        model.witnesses[0].classes[class].value = size(0.1);
    }
    let decision = with(&library, &model);
    assert_eq!(decision.targets, [2]);
    assert!(decision.classes[3].p_value.is_none() && !decision.classes[7].flagged);
}

#[test]
fn a_model_mostly_unreached_is_neither_clean_nor_flagged_by_size() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let library = fitted(World::new(&mut rng).models(60, &mut rng));
    let mut model = evidence(&even_norms(10));
    for found in &mut model.witnesses[0].classes[4..] {
        found.reached = false;
    }
    let decision = with(&library, &model);
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.reasons[0].contains("6 of 10 classes, more than half"));
    model.witnesses[0].classes[1].value = size(1.0);
    let decision = with(&library, &model);
    assert_eq!(
        (decision.verdict, decision.p_value),
        (Verdict::Inconclusive, None)
    );
    assert!(!decision.remedies.is_empty());
}

#[test]
fn a_library_too_small_for_the_rate_never_says_clean() {
    let decision = with(&fitted(unequal(15)), &evidence(&even_norms(20)));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(
        decision.reasons[0].contains("too few clean models"),
        "{:?}",
        decision.reasons
    );
    let mut few = unequal(6);
    // Models about which nothing can be said are no yardstick.
    few[..2]
        .iter_mut()
        .for_each(|model| found_in(model).values[..11].fill(None));
    let few = library_of(few);
    assert_eq!(
        CleanModels::fit(&few, 1).unwrap_err(),
        LibraryError::TooFewModels {
            found: 4,
            needed: 5
        }
    );
}

#[test]
fn order_of_models_and_classes_does_not_matter_and_nothing_is_left_to_chance() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let models = World::new(&mut rng).models(40, &mut rng);
    let mut turned = models.clone();
    turned.rotate_left(13);
    turned.iter_mut().for_each(|model| {
        found_in(model).values.reverse();
        found_in(model).confirmed.clear();
    });
    let norms = even_norms(8);
    let one = with(&fitted(models.clone()), &evidence(&norms));
    assert_eq!(one, with(&fitted(models), &evidence(&norms)));
    let other = with(&fitted(turned), &evidence(&norms));
    assert_eq!(one, other);
}
