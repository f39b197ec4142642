//! Where nothing can be said, and where the input is at fault.

use gifthorse_defense::verdict::{
    Confirmation, EqualClasses, Evidence, StatsError, Verdict, decide,
};

use crate::models::{even_norms, evidence, norm_threshold, says, size, verdict};

#[test]
fn half_of_the_classes_infected_is_beyond_the_test() {
    // No half can be told from the other; but with such a spread nothing would stand out, so it is
    // not called clean.
    let mut norms = even_norms(10);
    norms[..5].iter_mut().for_each(|norm| *norm /= 40.0);
    let decision = verdict(&evidence(&norms));
    assert_eq!(
        (decision.verdict, decision.suspects.len()),
        (Verdict::Inconclusive, 0)
    );
    assert!(norm_threshold(&decision).unwrap() < 1.0);
}

#[test]
fn more_than_half_unreached_is_inconclusive() {
    let mut model = evidence(&even_norms(10));
    model.witnesses[0].classes[0].value = size(0.5);
    model.witnesses[0].classes[5..]
        .iter_mut()
        .for_each(|found| found.reached = false);
    assert_eq!(verdict(&model).verdict, Verdict::Backdoored);
    model.witnesses[0].classes[4].reached = false;
    let decision = verdict(&model);
    assert_eq!(
        (
            decision.verdict,
            decision.p_value,
            says(&decision).threshold
        ),
        (Verdict::Inconclusive, None, None)
    );
    assert!(decision.reasons[0].contains("6 of 10 classes, more than half"));
}

#[test]
fn one_class_or_two_cannot_be_compared() {
    for norms in [&[40.0][..], &[40.0, 1.0]] {
        let decision = verdict(&evidence(norms));
        assert_eq!(
            (decision.verdict, decision.p_value),
            (Verdict::Inconclusive, None)
        );
        assert!(
            decision.reasons[0].contains("too few"),
            "{:?}",
            decision.reasons
        );
    }
}

#[test]
fn three_unequal_classes_cannot_be_called_clean() {
    let decision = verdict(&evidence(&[30.0, 50.0, 90.0]));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(
        decision.reasons[0].contains("not even one reached by a trigger of 1 pixel"),
        "{:?}",
        decision.reasons
    );
    // Two near each other do not help: a small trigger of one of these would leave the other two.
    assert_eq!(
        verdict(&evidence(&[25.0, 50.0, 60.0])).verdict,
        Verdict::Inconclusive
    );
    // Nearly equal ones can: then a small trigger would stand out.
    assert_eq!(
        verdict(&evidence(&[50.0, 50.5, 51.0])).verdict,
        Verdict::Clean
    );
}

#[test]
fn equal_norms_are_clean_and_a_single_different_one_has_no_yardstick() {
    assert_eq!(verdict(&evidence(&[50.0; 10])).verdict, Verdict::Clean);
    assert_eq!(
        verdict(&evidence(&[0.0; 10])).verdict,
        Verdict::Inconclusive
    );
    let mut norms = [50.0; 10];
    norms[3] = 5.0;
    let decision = verdict(&evidence(&norms));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.reasons[0].contains("exactly the same value"));
}

#[test]
fn wrong_numbers_are_errors_that_name_them() {
    let decide = |model: &Evidence, fpr| decide(model, &EqualClasses::default(), fpr, 1);
    let mut model = evidence(&even_norms(4));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        model.witnesses[0].classes[2].value = bad;
        model.witnesses[0].classes[2].reached = true;
        assert!(matches!(
            decide(&model, 0.05),
            Err(StatsError::Value { class: 2, .. })
        ));
        model.witnesses[0].classes[2].reached = false;
        assert!(matches!(
            decide(&model, 0.05),
            Err(StatsError::Value { class: 2, .. })
        ));
    }
    let good = evidence(&even_norms(4));
    let mut same = good.clone();
    same.witnesses.push(same.witnesses[0].clone());
    assert!(matches!(
        decide(&same, 0.05),
        Err(StatsError::DuplicateMethod(_))
    ));
    assert_eq!(decide(&good, 0.0), Err(StatsError::FalsePositiveRate(0.0)));
    assert!(decide(&good, f64::NAN).is_err());
    let mut twice = good.clone();
    twice.witnesses[0].classes[1].class = 0;
    assert_eq!(decide(&twice, 0.05), Err(StatsError::DuplicateClass(0)));
    let mut impossible = good;
    impossible.witnesses[0].classes[0].confirmation = Some(Confirmation {
        successes: 9,
        trials: 8,
        worst_source: None,
    });
    assert_eq!(
        decide(&impossible, 0.05),
        Err(StatsError::Successes {
            successes: 9,
            trials: 8
        })
    );
}
