//! Findings about the model as a whole, which nothing in it can be compared with.

use gifthorse_defense::verdict::{
    CleanModels, Confirmation, Conviction, Decision, EqualClasses, Evidence, Library, LibraryModel,
    MethodTraits, Verdict, Witness, decide,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::models::{together, witness};
use crate::population::method;

const CLASSES: usize = 10;
const WORKS: Confirmation = Confirmation {
    successes: 400,
    trials: 410,
    worst_source: None,
};

/// A witness with one value, against these classes.
fn of_model(value: f64, accused: &[usize], tried: Confirmation) -> Witness {
    let mut of_model = witness(1, &[value]);
    of_model.statistic.comparable = true;
    of_model.statistic.of_model = true;
    of_model.statistic.conviction = Conviction::ByTrigger { rate: 0.8 };
    of_model.classes[0].class = accused[0];
    of_model.classes[0].also = accused.to_vec();
    of_model.classes[0].confirmation = Some(tried);
    of_model
}

fn usual() -> Witness {
    let spread = |class: usize| (class as f64 * 7.0 % 10.0 - 4.5) / 3.0;
    let values: Vec<f64> = (0..CLASSES).map(|it| -2.6 + 0.25 * spread(it)).collect();
    witness(0, &values)
}

fn scan(value: f64, accused: &[usize], tried: Confirmation) -> Evidence {
    let mut evidence = together(vec![usual(), of_model(value, accused, tried)]);
    evidence.classes = CLASSES;
    evidence
}

/// Clean models, whose value lies around 0, lower with fewer classes.
fn library() -> Library {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let models = (0..80).map(|number| {
        let classes = 3 + number % 8;
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let mut sizes = usual();
        sizes.classes.truncate(classes);
        let shift = 0.2 * normal();
        for found in &mut sizes.classes {
            found.value += shift + 0.1 * normal();
        }
        let value = 0.1 * normal() - 1.0 / classes as f64;
        let mut evidence = together(vec![sizes, of_model(value, &[0], WORKS)]);
        evidence.classes = classes;
        LibraryModel::from_evidence(format!("{number}"), "", "", &evidence).unwrap()
    });
    let traits = |of_model| MethodTraits {
        comparable: true,
        of_model,
    };
    let methods = [(method(0), traits(false)), (method(1), traits(true))];
    Library::new(methods.into(), models.collect()).unwrap()
}

fn judged(evidence: &Evidence) -> Decision {
    let library = CleanModels::fit(&library(), 1).unwrap();
    decide(evidence, &library, 0.05, 1).unwrap()
}

#[test]
fn a_value_that_no_clean_model_has_accuses_all_classes_that_it_leads_to() {
    let decision = judged(&scan(-2.0, &[1, 2, 3, 9], WORKS));
    assert_eq!(decision.verdict, Verdict::Backdoored, "{decision:?}");
    let mut targets = decision.targets.clone();
    targets.sort_unstable();
    assert_eq!(targets, [1, 2, 3, 9]);
    // It is said once, of all of them.
    let said = decision.reasons.iter().filter(|it| it.contains("Classes "));
    assert_eq!(said.count(), 1, "{:?}", decision.reasons);
    assert!(!decision.reasons.iter().any(|it| it.starts_with("Class ")));
    let of_witness = |class: usize| decision.classes[class].witnesses[1];
    assert!(of_witness(9).unwrap().flagged && of_witness(4).is_none());
}

#[test]
fn it_is_measured_by_clean_models_of_as_many_classes() {
    // Usual for a model of two or three classes, and far from usual for one of ten.
    let mut evidence = scan(-0.6, &[1], WORKS);
    assert_eq!(judged(&evidence).verdict, Verdict::Backdoored);
    evidence.witnesses[0].classes.truncate(3);
    evidence.classes = 3;
    assert_eq!(judged(&evidence).verdict, Verdict::Clean);
}

#[test]
fn a_usual_value_says_nothing() {
    let decision = judged(&scan(-0.1, &[1, 2], WORKS));
    assert_eq!(decision.verdict, Verdict::Clean, "{decision:?}");
}

#[test]
fn a_trigger_that_moves_too_few_images_does_not_convict() {
    let fails = Confirmation {
        successes: 200,
        ..WORKS
    };
    let decision = judged(&scan(-2.0, &[1, 2], fails));
    assert_eq!(decision.verdict, Verdict::Inconclusive, "{decision:?}");
    assert!(
        decision.reasons[0].contains("where 80 % are asked for"),
        "{decision:?}"
    );
}

#[test]
fn without_clean_models_it_cannot_say_and_stands_in_nobodys_way() {
    let evidence = scan(-5.0, &[1], WORKS);
    let decision = decide(&evidence, &EqualClasses::default(), 0.05, 1).unwrap();
    assert_eq!(decision.verdict, Verdict::Clean, "{decision:?}");
}

#[test]
fn one_that_moved_nothing_is_told_and_not_counted() {
    let mut evidence = scan(-2.0, &[1], WORKS);
    evidence.witnesses[1].classes[0].reached = false;
    let decision = judged(&evidence);
    assert_ne!(decision.verdict, Verdict::Backdoored, "{decision:?}");
}

#[test]
fn a_library_refuses_a_value_for_each_class_where_one_is_for_the_model() {
    let known = library();
    let mut methods = known.methods().clone();
    methods.get_mut(&method(1)).unwrap().of_model = false;
    let refused = Library::new(methods, known.models().to_vec()).unwrap_err();
    assert!(
        refused.to_string().contains("one for the model"),
        "{refused}"
    );
    let mut models = known.models().to_vec();
    let found = models[0].detectors.get_mut(&method(1)).unwrap();
    found.values.push(Some(0.0));
    assert!(Library::new(known.methods().clone(), models).is_err());
    let text = known.to_json().unwrap();
    assert_eq!(Library::from_json(&text).unwrap(), known);
}
