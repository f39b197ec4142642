//! A user's own clean models in the place of the library, or beside it.

use gifthorse_defense::verdict::{
    Calibration, Library, LibraryError, LibraryModel, References, Verdict, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, StandardNormal};
use rayon::prelude::*;

use crate::models::{
    even_norms, evidence, found_in, library_model, library_of, one_method, scan_of,
};
use crate::population::{World, method};

/// A task whose models are unlike those of the library: triggers a fifth as large, alike in all
/// models.
fn task(classes: usize, rng: &mut ChaCha8Rng) -> LibraryModel {
    let own: f64 = StandardNormal.sample(rng);
    let size = Normal::new(-4.4 + 0.15 * own, 0.25).unwrap();
    library_model(
        format!("{own}"),
        (0..classes).map(|_| Some(size.sample(rng))).collect(),
    )
}

fn library(rng: &mut ChaCha8Rng) -> Library {
    let world = World::new(rng);
    library_of(world.models(80, rng))
}

fn none() -> Library {
    library_of(Vec::new())
}

#[test]
fn references_say_where_sizes_lie() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let library = library(&mut rng);
    let own: Vec<LibraryModel> = (0..3).map(|_| task(10, &mut rng)).collect();
    let references = References::fit(&library_of(own.clone()), &library, 1).unwrap();
    assert_eq!((references.models(), references.library_models()), (3, 80));
    let at = |norms: &[f64]| decide(&evidence(norms), &references, 0.05, 1).unwrap();
    // All of the usual size for the library are far from small here, and all of the references'
    // size are clean.
    assert_eq!(at(&even_norms(10)).verdict, Verdict::Clean);
    let usual: Vec<f64> = even_norms(10).iter().map(|norm| norm / 6.5).collect();
    assert_eq!(at(&usual).verdict, Verdict::Clean);
    let small: Vec<f64> = usual.iter().map(|norm| norm / 40.0).collect();
    let all = at(&small);
    assert_eq!(all.verdict, Verdict::Backdoored);
    assert!(all.suspects.len() > 5, "{:?}", all.suspects);
    assert_eq!(all.calibration, "reference models");
    // To the library, models of this task are small by themselves.
    let mut one = usual;
    one[4] = 1.0;
    assert_eq!(at(&one).targets, [4]);
}

#[test]
fn rate_is_kept_with_a_handful_of_references() {
    // Models of a world's own kinds, three references each of the data set and the net of the
    // model.
    let flags: Vec<u32> = (0..4)
        .map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(100 + seed);
            let world = World::new(&mut rng);
            let library = library_of(world.models(80, &mut rng));
            let further = world.models(400, &mut rng);
            let tasks: Vec<(&LibraryModel, Vec<LibraryModel>)> = further
                .iter()
                .filter(|model| model.classes <= 10)
                .filter_map(|model| {
                    let like = further.iter().filter(|other| {
                        other.name != model.name
                            && other.data == model.data
                            && other.classes == model.classes
                    });
                    let like: Vec<LibraryModel> = like.take(3).cloned().collect();
                    (like.len() == 3).then_some((model, like))
                })
                .take(25)
                .collect();
            assert_eq!(tasks.len(), 25);
            tasks
                .par_iter()
                .map(|(model, like)| {
                    let references =
                        References::fit(&library_of(like.clone()), &library, 1).unwrap();
                    let decision = decide(&scan_of(model, 1), &references, 0.05, 1).unwrap();
                    u32::from(decision.p_value.unwrap() <= 0.05)
                })
                .sum()
        })
        .collect();
    let rate = f64::from(flags.iter().sum::<u32>()) / 100.0;
    // Binomial error 0.022, four of it.
    assert!(rate < 0.05 + 4.0 * 0.022, "{rate}");
}

#[test]
fn without_a_library_five_references_are_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let own: Vec<LibraryModel> = (0..6).map(|_| task(10, &mut rng)).collect();
    let references = References::fit(&library_of(own.clone()), &none(), 1).unwrap();
    assert_eq!(
        (references.library_models(), references.ranks(&[&method(0)])),
        (0, None)
    );
    let usual: Vec<f64> = even_norms(10).iter().map(|norm| norm / 6.5).collect();
    let at = |norms: &[f64]| decide(&evidence(norms), &references, 0.05, 1).unwrap();
    assert_eq!(at(&usual).verdict, Verdict::Clean);
    let small: Vec<f64> = usual.iter().map(|norm| norm / 20.0).collect();
    assert_eq!(at(&small).verdict, Verdict::Backdoored);
    assert_eq!(
        References::fit(&library_of(own[..4].to_vec()), &none(), 1).unwrap_err(),
        LibraryError::TooFewModels {
            found: 4,
            needed: 5
        }
    );
}

#[test]
fn a_reference_that_says_nothing_is_refused_by_name() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut own = vec![task(10, &mut rng), task(10, &mut rng)];
    own[1].name = "mute".to_owned();
    found_in(&mut own[1]).values[..6].fill(None);
    assert_eq!(
        References::fit(&library_of(own.clone()), &library(&mut rng), 1).unwrap_err(),
        LibraryError::MostlyUnreached("mute".to_owned())
    );
}

#[test]
fn a_reference_that_is_no_model_is_refused_by_name() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut own = vec![task(10, &mut rng), task(10, &mut rng)];
    own[1].name = "broken".to_owned();
    found_in(&mut own[1]).values[3] = Some(f64::NAN);
    assert!(matches!(
        Library::new(one_method(), own),
        Err(LibraryError::Value { model, class: 3, .. }) if model == "broken"
    ));
}
