//! A user's own clean models in the place of the library, or beside it.

use gifthorse_defense::verdict::{
    Library, LibraryError, LibraryModel, Reference, References, Verdict, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, StandardNormal};
use rayon::prelude::*;

use crate::models::{PIXELS, even_norms, evidence};
use crate::population::World;

/// A task whose models are unlike those of the library: triggers a fifth as large, alike in all models.
fn task(classes: usize, rng: &mut ChaCha8Rng) -> LibraryModel {
    let own: f64 = StandardNormal.sample(rng);
    let size = Normal::new(-4.4 + 0.15 * own, 0.25).unwrap();
    LibraryModel {
        name: format!("{own}"),
        recipe: String::new(),
        data: String::new(),
        pixels: PIXELS,
        log_sizes: (0..classes).map(|_| Some(size.sample(rng))).collect(),
        confirmed: Vec::new(),
    }
}

fn library(rng: &mut ChaCha8Rng) -> Library {
    let world = World::new(rng);
    Library::new("simulated", world.models(80, rng)).unwrap()
}

fn none() -> Library {
    Library::new("simulated", Vec::new()).unwrap()
}

#[test]
fn references_say_where_sizes_lie() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let library = library(&mut rng);
    let own: Vec<LibraryModel> = (0..3).map(|_| task(10, &mut rng)).collect();
    let references = References::fit(&own, &library, 1).unwrap();
    assert_eq!((references.models(), references.library_models()), (3, 80));
    let at = |norms: &[f64]| decide(&evidence(norms), &references, 0.05, 1).unwrap();
    // All of the usual size for the library are far from small here, and all of the references' size are clean.
    assert_eq!(at(&even_norms(10)).verdict, Verdict::Clean);
    let usual: Vec<f64> = even_norms(10).iter().map(|norm| norm / 6.5).collect();
    assert_eq!(at(&usual).verdict, Verdict::Clean);
    let small: Vec<f64> = usual.iter().map(|norm| norm / 10.0).collect();
    let all = at(&small);
    assert_eq!((all.verdict, all.suspects.len()), (Verdict::Backdoored, 10));
    assert_eq!(all.calibration, "reference models");
    // To the library, models of this task are small by themselves.
    let mut one = usual;
    one[4] = 1.0;
    assert_eq!(at(&one).targets, [4]);
}

#[test]
fn rate_is_kept_with_a_handful_of_references() {
    // Models of a world's own kinds, three references each of the data set and the net of the model.
    let flags: Vec<u32> = (0..4)
        .map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(100 + seed);
            let world = World::new(&mut rng);
            let library = Library::new("simulated", world.models(80, &mut rng)).unwrap();
            let further = world.models(400, &mut rng);
            let tasks: Vec<(&LibraryModel, Vec<LibraryModel>)> = further
                .iter()
                .filter(|model| model.classes() <= 10)
                .filter_map(|model| {
                    let like = further.iter().filter(|other| {
                        other.name != model.name
                            && other.data == model.data
                            && other.classes() == model.classes()
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
                    let references = References::fit(like, &library, 1).unwrap();
                    let decision = decide(&model.evidence(), &references, 0.05, 1).unwrap();
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
    let references = References::fit(&own, &none(), 1).unwrap();
    assert_eq!(
        (references.library_models(), references.measured()),
        (0, None)
    );
    let usual: Vec<f64> = even_norms(10).iter().map(|norm| norm / 6.5).collect();
    let at = |norms: &[f64]| decide(&evidence(norms), &references, 0.05, 1).unwrap();
    assert_eq!(at(&usual).verdict, Verdict::Clean);
    let small: Vec<f64> = usual.iter().map(|norm| norm / 20.0).collect();
    assert_eq!(at(&small).verdict, Verdict::Backdoored);
    assert_eq!(
        References::fit(&own[..4], &none(), 1).unwrap_err(),
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
    own[1].log_sizes[..6].fill(None);
    assert_eq!(
        References::fit(&own, &library(&mut rng), 1).unwrap_err(),
        LibraryError::MostlyUnreached("mute".to_owned())
    );
}

#[test]
fn a_reference_that_is_no_model_is_refused_by_name() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut own = vec![task(10, &mut rng), task(10, &mut rng)];
    own[1].name = "broken".to_owned();
    own[1].log_sizes[3] = Some(f64::NAN);
    assert!(matches!(
        References::fit(&own, &library(&mut rng), 1),
        Err(LibraryError::LogSize { model, class: 3, .. }) if model == "broken"
    ));
}
