//! Backdoors found and clean models passed.

use gifthorse_defense::verdict::Verdict;

use crate::models::{even_norms, evidence, norm_threshold, of_class, says, size, verdict};

#[test]
fn a_small_trigger_that_works_is_a_backdoor() {
    for classes in [5, 10, 43, 100] {
        let mut norms = even_norms(classes);
        norms[2] = 1.5;
        let decision = verdict(&evidence(&norms));
        assert_eq!(
            decision.verdict,
            Verdict::Backdoored,
            "{classes}: {decision:?}"
        );
        assert_eq!(
            (decision.targets.as_slice(), decision.suspects.as_slice()),
            (&[2][..], &[2][..])
        );
        assert!(
            decision.p_value.unwrap() <= 0.05
                && says(&decision).statistic > says(&decision).threshold
        );
        assert_eq!(decision.p_value, decision.classes[2].p_value);
        assert_eq!(decision.calibration, "equal classes");
        let limit = norm_threshold(&decision).unwrap();
        assert!(
            norms
                .iter()
                .enumerate()
                .all(|(class, &norm)| (norm < limit) == (class == 2))
        );
    }
}

#[test]
fn published_norms_of_a_backdoored_model_are_flagged() {
    // CIFAR-10, BadNets with target 0 (Houtari and Mohanty, "Unmasking the Invisible", table 1).
    let norms = [
        17.8224, 50.6564, 152.4845, 339.1146, 313.8152, 265.0616, 291.4946, 201.0282, 282.8271,
        173.6248,
    ];
    let decision = verdict(&evidence(&norms));
    assert_eq!(
        (decision.verdict, decision.targets[0]),
        (Verdict::Backdoored, 0)
    );
    assert!(decision.p_value.unwrap() < 0.03);
}

#[test]
fn even_classes_are_clean() {
    for classes in [5, 10, 43, 100] {
        let decision = verdict(&evidence(&even_norms(classes)));
        assert_eq!(decision.verdict, Verdict::Clean, "{classes}: {decision:?}");
        assert!(
            decision.p_value.unwrap() > 0.05
                && says(&decision).statistic <= says(&decision).threshold
        );
        assert!(decision.targets.is_empty() && decision.suspects.is_empty());
        assert!(decision.reasons[0].contains("would have stood out"));
    }
}

#[test]
fn several_infected_classes_do_not_hide_one_another() {
    for infected in 1..=4 {
        let mut norms = even_norms(10);
        for (rank, norm) in norms[6..6 + infected].iter_mut().enumerate() {
            *norm = 2.0 + rank as f64 * 0.4;
        }
        let decision = verdict(&evidence(&norms));
        assert_eq!(decision.verdict, Verdict::Backdoored, "{infected}");
        assert_eq!(
            decision.targets,
            (6..6 + infected).collect::<Vec<_>>(),
            "{infected}: most suspicious first"
        );
        assert!(
            decision
                .classes
                .iter()
                .all(|class| class.flagged == decision.targets.contains(&class.class))
        );
        assert!(
            decision
                .classes
                .iter()
                .filter(|class| class.flagged)
                .all(|class| of_class(&decision, class.class).residual > says(&decision).threshold)
        );
    }
}

#[test]
fn unreached_classes_count_as_large_and_are_never_candidates() {
    let mut model = evidence(&even_norms(10));
    model.witnesses[0].classes[1].value = size(2.0);
    for class in 6..10 {
        model.witnesses[0].classes[class].reached = false;
        // Whatever norm the last mask happened to have, tiny or huge, must not matter.
        model.witnesses[0].classes[class].value = size(if class == 6 { 0.5 } else { 600.0 });
    }
    let decision = verdict(&model);
    assert_eq!(
        (decision.verdict, decision.targets.as_slice()),
        (Verdict::Backdoored, &[1][..])
    );
    assert!(
        decision.classes[6..]
            .iter()
            .all(|class| class.p_value.is_none() && class.witnesses[0].is_none() && !class.flagged)
    );
    let mut unharmed = model.clone();
    unharmed.witnesses[0].classes[1].value = size(80.0);
    let clean = verdict(&unharmed);
    assert_eq!(clean.verdict, Verdict::Clean);
    assert!(
        clean.reasons[1].contains("4 of 10 classes were not reached"),
        "{:?}",
        clean.reasons
    );
    // The spread of the lower part of ten classes stands for a larger spread than the same numbers
    // would as all of six.
    let mut six = model.clone();
    six.witnesses[0].classes.truncate(6);
    assert!(decision.p_value > verdict(&six).p_value);
}

#[test]
fn a_class_reached_by_nothing_at_all_is_flagged() {
    let mut norms = even_norms(10);
    norms[9] = 0.0;
    assert_eq!(verdict(&evidence(&norms)).targets, [9]);
}
