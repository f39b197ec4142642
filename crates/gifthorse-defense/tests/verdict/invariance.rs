//! What must not change a verdict, and what must change it in one direction.

use gifthorse_defense::verdict::{
    ClassEvidence, Confirmation, EqualClasses, ScalePrior, Verdict, Witness, decide,
};
use proptest::prelude::*;

use crate::models::{
    even_norms, evidence, norm_threshold, of_class, says, together, verdict, witness,
};

#[test]
fn p_values_rise_with_size_and_stop_at_the_half() {
    let mut norms = even_norms(12);
    norms[7] = 4.0;
    norms[3] = 9.0;
    let decision = verdict(&evidence(&norms));
    let mut by_size: Vec<_> = decision.classes.iter().collect();
    by_size.sort_by(|a, b| norms[a.class].total_cmp(&norms[b.class]));
    assert!(
        by_size
            .windows(2)
            .all(|pair| pair[0].p_value <= pair[1].p_value
                && of_class(&decision, pair[0].class).residual
                    >= of_class(&decision, pair[1].class).residual)
    );
    assert!(by_size[6..].iter().all(|class| class.p_value == Some(1.0)));
}

#[test]
fn scaling_all_norms_changes_nothing() {
    let mut norms = even_norms(10);
    norms[4] = 21.0;
    let before = verdict(&evidence(&norms));
    // Not so small a factor that what could be found falls below a pixel, which is no scale of the
    // norms.
    for factor in [0.5, 3.7, 1e6] {
        let scaled: Vec<f64> = norms.iter().map(|norm| norm * factor).collect();
        let after = verdict(&evidence(&scaled));
        assert_eq!(
            (after.verdict, after.p_value),
            (before.verdict, before.p_value)
        );
        assert!(
            (says(&after).statistic.unwrap() / says(&before).statistic.unwrap() - 1.0).abs() < 1e-9
        );
        assert!(
            (norm_threshold(&after).unwrap() / norm_threshold(&before).unwrap() / factor - 1.0)
                .abs()
                < 1e-9
        );
    }
    // Nor does raising them to a power, which stretches the logarithms.
    let stretched: Vec<f64> = norms.iter().map(|norm| norm.powf(1.7)).collect();
    assert_eq!(verdict(&evidence(&stretched)).p_value, before.p_value);
}

#[test]
fn smaller_triggers_are_never_less_suspicious() {
    let mut last = 1.0;
    for norm in [60.0, 40.0, 25.0, 15.0, 8.0, 4.0, 1.0, 0.1, 0.0] {
        let mut norms = even_norms(10);
        norms[5] = norm;
        let p = verdict(&evidence(&norms)).p_value.unwrap();
        assert!(p <= last, "{norm}: {p} after {last}");
        last = p;
    }
    assert!(last < 0.001);
}

#[test]
fn the_order_and_numbering_of_classes_do_not_matter() {
    let mut norms = even_norms(10);
    norms[4] = 3.0;
    let mut model = evidence(&norms);
    let before = verdict(&model);
    model.witnesses[0].classes.reverse();
    model.witnesses[0]
        .classes
        .iter_mut()
        .for_each(|found| found.class += 100);
    let after = verdict(&model);
    assert_eq!(
        (after.p_value, after.targets.as_slice()),
        (before.p_value, &[104][..])
    );
    assert_eq!(after.classes[0].class, 100);
}

#[test]
fn below_the_norm_threshold_any_class_is_found() {
    // The limit told of a clean model must hold for every class, not only for the smallest.
    for norms in [
        even_norms(10),
        vec![60.0, 75.0, 80.0, 82.0, 90.0, 95.0, 100.0],
    ] {
        let decision = verdict(&evidence(&norms));
        assert_eq!(decision.verdict, Verdict::Clean);
        let limit = norm_threshold(&decision).unwrap();
        let mut missed_above = 0;
        for class in 0..norms.len() {
            let with = |norm| {
                let mut norms = norms.clone();
                norms[class] = norm;
                verdict(&evidence(&norms))
            };
            let below = with(limit * 0.999);
            assert_eq!(
                (below.verdict, below.targets.first()),
                (Verdict::Backdoored, Some(&class)),
                "class {class}"
            );
            missed_above += u32::from(with(limit * 1.001).verdict == Verdict::Clean);
        }
        assert!(missed_above > 0, "the limit is lower than it need be");
    }
}

#[test]
fn where_every_fit_lacks_a_spread_the_witness_is_not_heard() {
    // Without the largest, which are equal, nothing is left to measure the second smallest by. No
    // comparison remains, and none must not count as an impossible p-value of 0.
    let mut model = evidence(&[1.0, 1.0, 1.0, 1.0, 1.0]);
    for (found, value) in model.witnesses[0].classes.iter_mut().zip([0.0, -0.06, -3.0, 0.0]) {
        found.value = value;
    }
    model.witnesses[0].classes[4].reached = false;
    let reference = EqualClasses { prior: None };
    let decision = decide(&model, &reference, 0.016, 0).unwrap();
    assert_eq!(decision.p_value, None);
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.suspects.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_evidence_is_decided_or_refused(
        found in proptest::collection::vec((0usize..30, prop_oneof![-10.0f64..0.0, Just(0.0), Just(-3.0), any::<f64>()],
            any::<bool>(), proptest::option::of((0u64..50, 0u64..50))), 0..25),
        fpr in 0.0f64..0.6, seed in any::<u64>(), prior in proptest::option::of((1e-3f64..5.0, 0.1f64..100.0)),
    ) {
        let classes = found
            .into_iter()
            .map(|(class, value, reached, tried)| {
                let confirmation = tried.map(|(successes, trials)| Confirmation { successes, trials, worst_source: None });
                ClassEvidence { class, also: Vec::new(), source: None, value, reached, confirmation }
            })
            .collect();
        let model = together(vec![Witness { classes, ..witness(0, &[]) }]);
        let reference = EqualClasses { prior: prior.map(|(scale, degrees)| ScalePrior::new(scale, degrees).unwrap()) };
        if let Ok(decision) = decide(&model, &reference, fpr, seed) {
            prop_assert!(decision.p_value.is_none_or(|p| p > 0.0 && p <= 1.0));
            prop_assert_eq!(decision.verdict == Verdict::Backdoored, !decision.targets.is_empty());
            prop_assert!(!decision.reasons.is_empty());
            prop_assert_eq!(decision.suspects.is_empty(), decision.p_value.is_none_or(|p| p > fpr));
            prop_assert_eq!(says(&decision).statistic > says(&decision).threshold, !decision.suspects.is_empty());
            prop_assert!(decision.suspects.first() == decision.classes.iter().filter(|class| class.named).min_by(|a, b| a.p_value.partial_cmp(&b.p_value).unwrap()).map(|class| &class.class) || decision.suspects.len() > 1);
            for class in &decision.classes {
                prop_assert_eq!(class.flagged, class.p_value.is_some_and(|p| p <= fpr));
            }
        }
    }
}
