//! Witnesses that go by margins, in models whose training kept margins small.

use gifthorse_defense::verdict::{
    CleanModels, Decision, Evidence, Library, LibraryModel, Soundness, Verdict, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::models::scan_of;
use crate::population::{Tie, World, method};
use crate::witnesses::scan;

const WHY: &str = "it is less sure than right";

/// A library of models that went through so many methods.
fn library_of(methods: usize, seed: u64) -> (CleanModels, World, ChaCha8Rng) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(&mut rng).with_methods(methods, Tie::Independent);
    let library = Library::new(world.methods(), world.models(100, &mut rng)).unwrap();
    (CleanModels::fit(&library, 1).unwrap(), world, rng)
}

fn library(seed: u64) -> (CleanModels, World, ChaCha8Rng) {
    library_of(2, seed)
}

/// The same with all witnesses but the first faint.
fn faint(mut evidence: Evidence) -> Evidence {
    for witness in &mut evidence.witnesses[1..] {
        witness.soundness = Soundness::Faint(WHY.to_owned());
    }
    evidence
}

/// A clean scan by four witnesses, but for class 7, which lies that far below to the first and is
/// the least suspicious to the others.
fn outvoted(below: f64) -> Evidence {
    let mut evidence = scan(&[(0, 7, below)]);
    for number in 2..4 {
        let mut other = evidence.witnesses[1].clone();
        other.method = method(number);
        evidence.witnesses.push(other);
    }
    evidence
}

fn judged(evidence: &Evidence, library: &CleanModels, fpr: f64) -> Decision {
    decide(evidence, library, fpr, 1).unwrap()
}

/// What the first witness says alone.
fn alone(evidence: &Evidence, library: &CleanModels) -> Decision {
    let mut one = evidence.clone();
    one.witnesses.truncate(1);
    judged(&one, library, 0.05)
}

#[test]
fn a_sure_witness_is_not_outvoted_by_one_that_hears_little() {
    let (library, ..) = library_of(4, 3);
    let depths = (20..120).map(|tenths| f64::from(tenths) / 10.0);
    let sure = depths
        .map(|below| outvoted(below))
        .find(|evidence| alone(evidence, &library).p_value.unwrap() <= 0.02)
        .unwrap();
    let together = judged(&sure, &library, 0.05);
    assert_eq!(together.verdict, Verdict::Clean, "{:?}", together.reasons);
    let heard = judged(&faint(sure.clone()), &library, 0.05);
    assert_eq!(
        (heard.verdict, heard.targets.as_slice()),
        (Verdict::Backdoored, &[7][..]),
        "{:?}",
        heard.reasons
    );
    let twice = 2.0 * alone(&sure, &library).p_value.unwrap();
    assert!((heard.p_value.unwrap() - twice).abs() < 1e-12);
    assert_eq!(heard.classes[7].p_value, heard.p_value);
    // What each says of the model and of the class is told all the same.
    assert_eq!(heard.witnesses, judged_at_half(&sure, &library).witnesses);
    assert!(heard.classes[7].witnesses.iter().all(Option::is_some));
    let told = "(margin1, margin2, margin3) hear little in this model: it is less sure than right";
    let half = "heard by itself as well, at a half of the rate";
    assert!(
        heard
            .reasons
            .iter()
            .any(|why| why.contains(told) && why.contains(half)),
        "{:?}",
        heard.reasons
    );
}

/// What all say together at the part of the rate that they have where two share it.
fn judged_at_half(evidence: &Evidence, library: &CleanModels) -> Decision {
    judged(evidence, library, 0.025)
}

#[test]
fn a_faint_witness_is_still_heard() {
    let (library, ..) = library(4);
    let loud = scan(&[(1, 6, 20.0)]);
    let sound = judged(&loud, &library, 0.05);
    let heard = judged(&faint(loud), &library, 0.05);
    assert_eq!(
        (heard.verdict, heard.targets.as_slice()),
        (Verdict::Backdoored, &[6][..])
    );
    assert_eq!(heard.p_value, sound.p_value.map(|p| 2.0 * p));
}

#[test]
fn clean_models_are_flagged_no_more_often() {
    let p_values: Vec<f64> = (0..3)
        .flat_map(|seed| {
            let (library, world, mut rng) = library(20 + seed);
            let models: Vec<LibraryModel> = (0..60)
                .map(|name| world.model(name, Some(10), &mut rng))
                .collect();
            let p = |model: &LibraryModel| {
                let evidence = faint(scan_of(model, 2));
                judged(&evidence, &library, 0.05).p_value.unwrap()
            };
            models.par_iter().map(p).collect::<Vec<_>>()
        })
        .collect();
    let share = |rate: f64| {
        let below = p_values.iter().filter(|&&p| p <= rate).count();
        below as f64 / p_values.len() as f64
    };
    // As for witnesses that are sound: 0.05, and three and a half errors of 0.021.
    assert!(share(0.05) < 0.125, "{}", share(0.05));
    // Half of two p-values is no more than one: the rate is kept, and not far from used.
    assert!((0.2..0.55).contains(&share(0.5)), "{}", share(0.5));
}

#[test]
fn where_clean_models_are_too_few_for_a_part_of_the_rate_all_are_heard_together_alone() {
    let (library, ..) = library(5);
    let evidence = scan(&[(0, 3, 6.0)]);
    // The smallest p-value by a hundred models is 1 / 101.
    let together = judged(&evidence, &library, 0.012);
    let fallen_back = judged(&faint(evidence.clone()), &library, 0.012);
    assert_eq!(
        (fallen_back.verdict, fallen_back.p_value),
        (together.verdict, together.p_value)
    );
    let told = "clean models too few";
    assert!(fallen_back.reasons.iter().any(|why| why.contains(told)));
    // Nor is anything different where there is no other.
    let mut only = faint(evidence);
    only.witnesses.remove(0);
    let mut sound = only.clone();
    sound.witnesses[0].soundness = Soundness::Sound;
    assert_eq!(
        judged(&only, &library, 0.05).p_value,
        judged(&sound, &library, 0.05).p_value
    );
}
