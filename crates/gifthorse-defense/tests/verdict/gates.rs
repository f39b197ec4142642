//! Conditions beside the outlier test: confirmation on held-out images, sound gradients.

use gifthorse_defense::verdict::{Confirmation, Gate, Soundness, SourceRate, Verdict};

use crate::models::{even_norms, evidence, of_class, size, verdict};

#[test]
fn flagged_but_not_confirmed_is_inconclusive() {
    let gates = [
        (None, "not tried on held-out images"),
        (
            Some(Confirmation {
                successes: 30,
                trials: 30,
                worst_source: None,
            }),
            "too few held-out images",
        ),
        (
            Some(Confirmation {
                successes: 80,
                trials: 100,
                worst_source: None,
            }),
            "not confirmed",
        ),
    ];
    for (confirmation, reason) in gates {
        let mut model = evidence(&even_norms(10));
        model.witnesses[0].classes[0].value = size(1.0);
        model.witnesses[0].classes[0].confirmation = confirmation;
        let decision = verdict(&model);
        assert_eq!(
            (decision.verdict, decision.suspects.as_slice()),
            (Verdict::Inconclusive, &[0][..])
        );
        assert!(decision.targets.is_empty());
        assert!(
            decision.reasons[0].contains(reason),
            "{:?}",
            decision.reasons
        );
        assert!(decision.p_value.unwrap() <= 0.05);
    }
}

#[test]
fn only_confirmed_classes_are_targets() {
    let mut model = evidence(&even_norms(10));
    model.witnesses[0].classes[3].value = size(1.0);
    model.witnesses[0].classes[3].confirmation = Some(Confirmation {
        successes: 10,
        trials: 100,
        worst_source: None,
    });
    model.witnesses[0].classes[8].value = size(2.0);
    let spared = SourceRate {
        source: 5,
        successes: 2,
        trials: 20,
    };
    model.witnesses[0].classes[8].confirmation = Some(Confirmation {
        successes: 980,
        trials: 1000,
        worst_source: Some(spared),
    });
    let decision = verdict(&model);
    assert_eq!(decision.verdict, Verdict::Backdoored);
    assert_eq!(
        (decision.suspects.as_slice(), decision.targets.as_slice()),
        (&[3, 8][..], &[8][..])
    );
    assert!(matches!(of_class(&decision, 3).gate, Gate::Failed { .. }));
    assert!(
        decision.reasons[1].contains("badly on images of class 5: 2 of 20"),
        "{:?}",
        decision.reasons
    );
}

#[test]
fn unsound_gradients_are_inconclusive_whatever_was_found() {
    let mut model = evidence(&even_norms(10));
    model.witnesses[0].soundness =
        Soundness::Unsound("gradients vanish on 97 % of the images".to_owned());
    assert_eq!(verdict(&model).verdict, Verdict::Inconclusive);
    model.witnesses[0].classes[0].value = size(1.0);
    let decision = verdict(&model);
    assert_eq!(
        (decision.verdict, decision.targets.len()),
        (Verdict::Inconclusive, 0)
    );
    assert!(decision.reasons[0].contains("vanish on 97 %"));
}
