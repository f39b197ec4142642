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
        .map(outvoted)
        .find(|evidence| alone(evidence, &library).p_value.unwrap() <= 0.02)
        .unwrap();
    let together = judged(&sure, &library, 0.05);
    assert_eq!(together.verdict, Verdict::Clean, "{:?}", together.reasons);
    let heard = judged(&faint(sure.clone()), &library, 0.05);
    assert_eq!(
        (heard.verdict, heard.suspects.as_slice()),
        (Verdict::Inconclusive, &[7][..]),
        "{:?}",
        heard.reasons
    );
    // All else is as it was.
    assert!(heard.targets.is_empty());
    assert_eq!(
        (heard.p_value, &heard.witnesses, &heard.classes),
        (together.p_value, &together.witnesses, &together.classes)
    );
    let told = "(margin1, margin2, margin3) hear little in this model: it is less sure than right. By itself trigger finds \
                class 7 too suspicious";
    assert!(heard.reasons[0].contains(told), "{:?}", heard.reasons);
    assert!(heard.remedies.iter().any(|it| it.contains("--reference")));
    // What nobody finds suspicious stays clean.
    let calm = judged(&faint(outvoted(0.0)), &library, 0.05);
    assert_eq!(calm.verdict, Verdict::Clean, "{:?}", calm.reasons);
    let told = "None of the others finds a class too suspicious by itself";
    assert!(calm.reasons.iter().any(|why| why.contains(told)));
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
    assert_eq!(heard.p_value, sound.p_value);
}

#[test]
fn clean_models_are_doubted_at_the_rate_and_by_the_sure_witness_alone() {
    let rate = 0.1;
    let sure: Vec<(bool, bool)> = (0..3)
        .flat_map(|seed| {
            let (library, world, mut rng) = library(20 + seed);
            let models: Vec<LibraryModel> = (0..60)
                .map(|name| world.model(name, Some(10), &mut rng))
                .collect();
            let is_sure = |model: &LibraryModel| {
                let evidence = scan_of(model, 2);
                let before = judged(&evidence, &library, rate);
                let after = judged(&faint(evidence), &library, rate);
                assert_eq!(before.targets, after.targets);
                let p_value = before.witnesses[0].said.as_ref().unwrap().p_value;
                let doubted = after.suspects.len() > before.suspects.len();
                assert!(!doubted || p_value <= rate && after.verdict != Verdict::Clean);
                (p_value <= rate, doubted)
            };
            models.par_iter().map(is_sure).collect::<Vec<_>>()
        })
        .collect();
    let share = |is: fn(&(bool, bool)) -> bool| {
        sure.iter().filter(|it| is(it)).count() as f64 / sure.len() as f64
    };
    // Binomial errors of 180 models and of three thresholds from 100 models each, added in squares:
    // 0.028; three and a half of them.
    assert!(share(|it| it.0) < 0.2, "{}", share(|it| it.0));
    assert!(share(|it| it.1) > 0.0);
}

#[test]
fn nothing_is_different_where_no_other_could_be_sure() {
    let (library, ..) = library(5);
    let both = scan(&[(0, 3, 6.0)]);
    // The smallest p-value by a hundred models is 1 / 101.
    let together = judged(&both, &library, 0.009);
    let strict = judged(&faint(both.clone()), &library, 0.009);
    assert_eq!(
        (strict.verdict, strict.p_value, strict.suspects),
        (together.verdict, together.p_value, together.suspects)
    );
    let mut only = faint(both);
    only.witnesses.remove(0);
    let mut sound = only.clone();
    sound.witnesses[0].soundness = Soundness::Sound;
    let (only, sound) = (
        judged(&only, &library, 0.05),
        judged(&sound, &library, 0.05),
    );
    assert_eq!((only.verdict, only.p_value), (sound.verdict, sound.p_value));
    // And nothing is said of others, of which there are none.
    let others = |why: &String| why.contains("hear little") && why.contains("others");
    assert!(!only.reasons.iter().any(others), "{:?}", only.reasons);
}
