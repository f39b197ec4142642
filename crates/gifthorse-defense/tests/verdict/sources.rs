//! Findings of searches from one class each, which accuse the class that they lead to.

use gifthorse_defense::verdict::{
    CleanModels, Confirmation, Conviction, Decision, Evidence, Library, LibraryModel, Verdict,
    decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::models::{found_in, together, witness};
use crate::population::World;

const CLASSES: usize = 10;
/// Each class leads to the next, but for the sources 1 and 2 of the backdoor, which lead here.
const TARGET: usize = 7;

fn leads_to(source: usize) -> usize {
    match source {
        1 | 2 => TARGET,
        other => (other + 1) % CLASSES,
    }
}

/// A scan whose sources have the usual sizes, but for those given.
fn scan(values: &[(usize, f64)], tried: Confirmation) -> Evidence {
    let spread = |class: usize| (class as f64 * 7.0 % 10.0 - 4.5) / 3.0;
    let mut sizes: Vec<f64> = (0..CLASSES).map(|it| -2.6 + 0.25 * spread(it)).collect();
    for &(source, value) in values {
        sizes[source] = value;
    }
    let mut witness = witness(0, &sizes);
    witness.statistic.conviction = Conviction::ByTrigger { rate: 0.5 };
    for found in &mut witness.classes {
        found.source = Some(found.class);
        found.class = leads_to(found.class);
        found.confirmation = Some(tried);
    }
    together(vec![witness])
}

fn tried(successes: u64) -> Confirmation {
    Confirmation {
        successes,
        trials: 7,
        worst_source: None,
    }
}

/// Clean models that were searched from their classes.
fn library() -> Library {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let world = World::new(&mut rng);
    let mut models: Vec<LibraryModel> = world.models(60, &mut rng);
    for model in &mut models {
        let classes = model.classes;
        found_in(model).leads_to = (0..classes).map(|source| (source + 1) % classes).collect();
    }
    Library::new(world.methods(), models).unwrap()
}

fn judged(evidence: &Evidence) -> Decision {
    let library = CleanModels::fit(&library(), 1).unwrap();
    decide(evidence, &library, 0.05, 1).unwrap()
}

#[test]
fn the_class_that_a_source_is_led_to_is_the_target() {
    for values in [&[(1, -6.0)][..], &[(1, -6.0), (2, -5.0)]] {
        let decision = judged(&scan(values, tried(7)));
        assert_eq!(decision.verdict, Verdict::Backdoored, "{decision:?}");
        assert_eq!(decision.targets, [TARGET]);
        assert!(decision.reasons[0].contains("from class 1"), "{decision:?}");
        let class = decision.classes.iter().find(|it| it.class == TARGET);
        let by_witness = class.unwrap().witnesses[0].unwrap();
        assert_eq!(by_witness.source, Some(1));
    }
}

#[test]
fn a_trigger_that_leads_few_images_there_does_not_convict() {
    let decision = judged(&scan(&[(1, -6.0)], tried(4)));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert_eq!(decision.suspects, [TARGET]);
    assert!(decision.reasons[0].contains("where 50 % are asked for"));
}

#[test]
fn nothing_is_named_in_a_clean_model() {
    let decision = judged(&scan(&[], tried(7)));
    assert_eq!(decision.verdict, Verdict::Clean, "{decision:?}");
}

#[test]
fn a_library_says_where_each_source_led() {
    let mut models = library().models().to_vec();
    found_in(&mut models[0]).leads_to.pop();
    let methods = library().methods().clone();
    assert!(Library::new(methods.clone(), models.clone()).is_err());
    let classes = models[0].classes;
    found_in(&mut models[0]).leads_to.push(classes);
    assert!(Library::new(methods, models).is_err());
}
