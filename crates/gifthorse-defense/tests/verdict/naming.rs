//! Only targets are named, and all of them.

use gifthorse_defense::verdict::{CleanModels, Confirmation, Decision, Library, decide};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::models::{WORKS, even_norms, evidence, scan_of, verdict};
use crate::population::{Tie, World};

/// Infected models that are found: how many, in how many the first class named is infected, how
/// many are named, how many of these are innocent, and how many infected
/// classes are flagged and not named.
fn named(methods: usize, infected: usize, classes: usize) -> [usize; 5] {
    let mut rng = ChaCha8Rng::seed_from_u64(40 + infected as u64);
    let world = World::new(&mut rng).with_methods(methods, Tie::Correlated);
    let library = Library::new(world.methods(), world.models(100, &mut rng)).unwrap();
    let library = CleanModels::fit(&library, 1).unwrap();
    let models: Vec<_> = (0..40)
        .map(|name| {
            let mut model = world.model(name, Some(classes), &mut rng);
            world.infect(&mut model, infected, &mut rng);
            model
        })
        .collect();
    let of = |decision: Decision| {
        let named = &decision.suspects;
        let innocent = named.iter().filter(|&&class| class >= infected).count();
        let first = named.first().is_some_and(|&class| class < infected);
        let classes = decision.classes.iter();
        let infected_flagged = classes.filter(|it| it.flagged && it.class < infected);
        let missed = infected_flagged.count() + innocent - named.len();
        if named.is_empty() {
            return [0; 5];
        }
        [1, usize::from(first), named.len(), innocent, missed]
    };
    let counts = models
        .par_iter()
        .map(|model| of(decide(&scan_of(model, methods), &library, 0.05, 1).unwrap()));
    counts.reduce(|| [0; 5], |a, b| std::array::from_fn(|i| a[i] + b[i]))
}

#[test]
fn few_innocent_classes_are_named_beside_one_target_or_many() {
    for (methods, infected, classes) in
        [(1, 1, 43), (2, 1, 43), (2, 3, 10), (1, 5, 10), (1, 10, 10)]
    {
        let [found, first, all, innocent, missed] = named(methods, infected, classes);
        let said = format!(
            "{methods} witnesses, {infected} of {classes}: {found} found, {first} first, {all} named, {innocent} innocent, \
             {missed} flagged and not named"
        );
        assert!(found >= 20, "{said}");
        assert!(first as f64 >= 0.95 * found as f64, "{said}");
        assert!(innocent as f64 <= 0.05 * all as f64, "{said}");
        assert!(missed as f64 <= 0.2 * all as f64, "{said}");
    }
}

#[test]
fn what_lies_in_the_wake_of_a_target_is_told_and_not_named() {
    // One class far below, and five that are nearer to it than the rest.
    let mut norms = even_norms(43);
    norms[30] = 1.0;
    for norm in &mut norms[..5] {
        *norm = 17.0;
    }
    let decision = verdict(&evidence(&norms));
    assert_eq!(decision.targets, [30], "{:?}", decision.reasons);
    let flagged = decision
        .classes
        .iter()
        .filter(|class| class.flagged)
        .count();
    assert!(flagged > 1, "{flagged}");
    assert!(
        decision
            .reasons
            .iter()
            .any(|why| why.contains("not for targets")),
        "{:?}",
        decision.reasons
    );
}

#[test]
fn a_neighbour_whose_trigger_works_is_no_target_where_the_first_fails() {
    let mut norms = even_norms(43);
    norms[30] = 1.0;
    norms[..5].fill(17.0);
    let mut evidence = evidence(&norms);
    evidence.witnesses[0].classes[30].confirmation = Some(Confirmation {
        successes: 0,
        ..WORKS
    });
    let decision = verdict(&evidence);
    assert!(decision.targets.is_empty());
    assert_eq!(decision.suspects, [30]);
}
