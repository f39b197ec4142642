//! Several witnesses, one verdict.

use gifthorse_defense::verdict::{
    Calibration, CleanModels, Confirmation, Decision, Evidence, Library, LibraryModel, Soundness,
    Unheard, Verdict, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::models::{WORKS, scan_of, verdict, witness};
use crate::population::{Tie, World, method};

/// A library of models that went through two methods, and further models of its world.
fn world(tie: Tie, seed: u64, further: usize) -> (CleanModels, World, Vec<LibraryModel>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(&mut rng).with_methods(2, tie);
    let library = Library::new(world.methods(), world.models(100, &mut rng)).unwrap();
    let models = (0..further)
        .map(|name| world.model(name, Some(10), &mut rng))
        .collect();
    (CleanModels::fit(&library, 1).unwrap(), world, models)
}

fn judged(evidence: &Evidence, library: &CleanModels) -> Decision {
    decide(evidence, library, 0.05, 1).unwrap()
}

fn p_value(evidence: &Evidence, library: &CleanModels) -> f64 {
    judged(evidence, library).p_value.unwrap()
}

/// A clean scan in which no class is at all suspicious, but for those given: place of the witness,
/// class, and how many scales of its classes it lies below the usual.
pub fn scan(suspicious: &[(usize, usize, f64)]) -> Evidence {
    let spread = |class: usize| (class as f64 * 7.0 % 10.0 - 4.5) / 3.0;
    let of = |place: usize, location: f64| {
        let mut values: Vec<f64> = (0..10)
            .map(|class| location + 0.25 * spread(class))
            .collect();
        for &(_, class, below) in suspicious.iter().filter(|it| it.0 == place) {
            values[class] = location - 0.25 * below;
        }
        witness(place, &values)
    };
    let mut evidence = crate::models::together(vec![of(0, -2.6), of(1, -3.0)]);
    for found in &mut evidence.witnesses[0].classes {
        found.confirmation = Some(WORKS);
    }
    evidence
}

#[test]
fn p_values_of_clean_models_are_uniform_whether_witnesses_are_independent_or_not() {
    for tie in [Tie::Independent, Tie::Correlated] {
        let p_values: Vec<f64> = (0..3)
            .flat_map(|seed| {
                let (library, _, models) = world(tie, 10 + seed, 60);
                let of = |model: &LibraryModel| p_value(&scan_of(model, 2), &library);
                models.par_iter().map(of).collect::<Vec<_>>()
            })
            .collect();
        let share = |rate: f64| {
            let below = p_values.iter().filter(|&&p| p <= rate).count();
            below as f64 / p_values.len() as f64
        };
        // Binomial errors of 180 models and of three thresholds from 100 models each, added in
        // squares: 0.021 at 5 %, 0.047 at 50 %; three and a half of them.
        assert!(share(0.05) < 0.125, "{tie:?}: {}", share(0.05));
        assert!(
            (0.33..0.67).contains(&share(0.5)),
            "{tie:?}: {}",
            share(0.5)
        );
    }
}

#[test]
fn two_that_name_the_same_class_convict_together_and_two_that_differ_do_not() {
    let (library, ..) = world(Tie::Independent, 3, 0);
    // The least that makes one witness alone not quite sure.
    let unsure = |place: usize| {
        let below = (20..80).map(|tenths| f64::from(tenths) / 10.0);
        let p = |below: &f64| p_value(&scan(&[(place, 3, *below)]), &library);
        below.take_while(|below| p(below) > 0.1).last().unwrap()
    };
    let (first, second) = (unsure(0), unsure(1));
    let same = judged(&scan(&[(0, 3, first), (1, 3, second)]), &library);
    assert_eq!(
        (same.verdict, same.targets.as_slice()),
        (Verdict::Backdoored, &[3][..])
    );
    let class = &same.classes[3];
    assert!(class.witnesses.iter().all(|said| !said.unwrap().flagged));
    assert!(
        same.reasons[0].contains("to trigger (p = ") && same.reasons[0].contains("margin1 (p = "),
        "{:?}",
        same.reasons
    );
    let differ = judged(&scan(&[(0, 3, first), (1, 6, second)]), &library);
    assert_eq!(
        (differ.verdict, differ.suspects.len()),
        (Verdict::Clean, 0),
        "{:?}",
        differ.reasons
    );
    assert!(same.p_value.unwrap() < differ.p_value.unwrap() / 2.0);
}

#[test]
fn one_that_is_sure_suffices_and_convicts_by_its_own_rule() {
    let (library, ..) = world(Tie::Independent, 4, 0);
    for place in [0, 1] {
        let decision = judged(&scan(&[(place, 5, 20.0)]), &library);
        assert_eq!(
            (decision.verdict, decision.targets.as_slice()),
            (Verdict::Backdoored, &[5][..]),
            "{place}"
        );
        let said = &decision.classes[5].witnesses;
        assert!(said[place].unwrap().flagged && !said[1 - place].unwrap().flagged);
    }
    // A trigger that does not work convicts nobody, but keeps a witness that needs none from
    // convicting as little.
    let fails = Some(Confirmation {
        successes: 10,
        trials: 100,
        worst_source: None,
    });
    let mut alone = scan(&[(0, 5, 20.0)]);
    alone.witnesses[0].classes[5].confirmation = fails;
    let decision = judged(&alone, &library);
    assert_eq!(
        (decision.verdict, decision.suspects.as_slice()),
        (Verdict::Inconclusive, &[5][..])
    );
    let mut both = scan(&[(0, 5, 20.0), (1, 5, 20.0)]);
    both.witnesses[0].classes[5].confirmation = fails;
    assert_eq!(judged(&both, &library).targets, [5]);
}

#[test]
fn power_is_greater_where_both_see_the_class_than_where_either_does() {
    let (library, _, models) = world(Tie::Independent, 5, 60);
    let found = |seen: &[(usize, f64)]| {
        let found = models.par_iter().filter(|model| {
            let mut model = (*model).clone();
            for &(number, below) in seen {
                let found = model.detectors.get_mut(&method(number)).unwrap();
                found.values[0] = found.values[0].map(|value| value - below);
            }
            let decision = judged(&scan_of(&model, 2), &library);
            decision.suspects.first() == Some(&0)
        });
        found.count()
    };
    let (first, second) = ((0, 1.0), (1, 0.7));
    let (one, other, both) = (found(&[first]), found(&[second]), found(&[first, second]));
    assert!(both > one.max(other) + 5, "{one} {other} {both}");
}

#[test]
fn the_order_of_witnesses_does_not_matter() {
    let (library, _, models) = world(Tie::Correlated, 7, 5);
    let mut scans: Vec<Evidence> = models.iter().map(|model| scan_of(model, 2)).collect();
    scans.push(scan(&[(0, 3, 4.0), (1, 3, 4.0), (1, 7, 12.0)]));
    for scan in scans {
        let mut turned = scan.clone();
        turned.witnesses.reverse();
        let (one, other) = (judged(&scan, &library), judged(&turned, &library));
        assert_eq!(
            (one.verdict, one.p_value, &one.targets, &one.suspects),
            (
                other.verdict,
                other.p_value,
                &other.targets,
                &other.suspects
            )
        );
        assert_eq!(one.witnesses[0], other.witnesses[1]);
    }
}

#[test]
fn without_a_witness_the_others_judge_by_the_models_that_went_through_them() {
    let (library, ..) = world(Tie::Independent, 8, 0);
    let both = scan(&[(0, 3, 5.0)]);
    let mut one = both.clone();
    one.witnesses.truncate(1);
    let alone = judged(&one, &library);
    let mut unsound = both.clone();
    unsound.witnesses[1].soundness = Soundness::Unsound("logits saturate".to_owned());
    let decision = judged(&unsound, &library);
    assert_eq!(
        (decision.p_value, decision.verdict),
        (alone.p_value, alone.verdict)
    );
    assert_eq!(
        decision.witnesses[1].said,
        Err(Unheard::Unsound("logits saturate".to_owned()))
    );
    assert!(
        decision
            .reasons
            .iter()
            .any(|why| why.contains("logits saturate"))
    );
    // One that no clean model went through has no part in the verdict, whatever it says.
    let mut stranger = scan(&[(0, 3, 5.0), (1, 6, 20.0)]);
    stranger.witnesses[1].method = method(2);
    let decision = judged(&stranger, &library);
    assert_eq!(
        (decision.p_value, decision.verdict),
        (alone.p_value, alone.verdict)
    );
    assert_eq!(decision.witnesses[1].said, Err(Unheard::NotCalibrated));
    // None at all.
    one.witnesses.clear();
    let nothing = judged(&one, &library);
    assert_eq!(
        (nothing.verdict, nothing.p_value),
        (Verdict::Inconclusive, None)
    );
    assert!(!nothing.reasons.is_empty());
}

#[test]
fn models_that_lack_a_method_are_ranked_only_by_the_others() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let world = World::new(&mut rng).with_methods(2, Tie::Independent);
    let mut models = world.models(100, &mut rng);
    for model in &mut models[..40] {
        model.detectors.remove(&method(1));
    }
    let fit = |models: &[LibraryModel]| {
        CleanModels::fit(&Library::new(world.methods(), models.to_vec()).unwrap(), 1).unwrap()
    };
    let library = fit(&models);
    let counts = [vec![0], vec![1], vec![0, 1]].map(|numbers| {
        let methods: Vec<_> = numbers.into_iter().map(method).collect();
        library.models(&methods.iter().collect::<Vec<_>>())
    });
    assert_eq!(counts, [100, 60, 60]);
    // With ten of them no rate of 5 % can be kept, so that the second witness is left out.
    for model in &mut models[..90] {
        model.detectors.remove(&method(1));
    }
    let decision = judged(&scan(&[(1, 6, 20.0)]), &fit(&models));
    assert_eq!(decision.witnesses[1].said, Err(Unheard::NotCalibrated));
    assert_eq!(decision.suspects, [0; 0]);
}

#[test]
fn a_witness_whose_search_failed_stands_against_clean() {
    let (library, ..) = world(Tie::Independent, 10, 0);
    assert_eq!(judged(&scan(&[]), &library).verdict, Verdict::Clean);
    let mut failed = scan(&[]);
    for found in &mut failed.witnesses[0].classes[..6] {
        found.reached = false;
    }
    let decision = judged(&failed, &library);
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.reasons[0].contains("6 of 10 classes, more than half"));
    // The other is still believed.
    failed.witnesses[1].classes[2].value = -7.0;
    assert_eq!(judged(&failed, &library).targets, [2]);
}

#[test]
fn where_no_clean_models_were_measured_witnesses_share_the_rate() {
    let alone = |place: usize, below| {
        let mut evidence = scan(&[(place, 4, below)]);
        evidence.witnesses.rotate_left(place);
        evidence.witnesses.truncate(1);
        verdict(&evidence).p_value.unwrap()
    };
    let both = verdict(&scan(&[(0, 4, 5.0), (1, 4, 6.0)])).p_value.unwrap();
    let least = alone(0, 5.0).min(alone(1, 6.0));
    assert!((both - 2.0 * least).abs() < 1e-9, "{both} {least}");
}

#[test]
fn a_model_unlike_those_known_is_compared_with_itself_alone() {
    let (library, ..) = world(Tie::Independent, 11, 0);
    assert!(library.spans(1024, 10).is_ok() && library.spans(224 * 224, 10).is_err());
    assert!(library.spans(1024, 1000).is_err());
    // All classes are far smaller than usual.
    let mut small = scan(&[]);
    for found in &mut small.witnesses[0].classes {
        found.value -= 8.0;
    }
    assert_eq!(judged(&small, &library).suspects.len(), 10);
    small.pixels = 224 * 224;
    let decision = judged(&small, &library);
    assert!(decision.suspects.is_empty());
    assert!(
        decision
            .reasons
            .iter()
            .any(|why| why.contains("not calibrated")),
        "{:?}",
        decision.reasons
    );
}
