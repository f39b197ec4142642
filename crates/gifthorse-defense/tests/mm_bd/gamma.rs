//! The published rule against scipy's numbers (`oracle/gamma_rule.py`).

use gifthorse_defense::detect::mm_bd::GammaRule;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    margins: Vec<f64>,
    p_value: f64,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../golden/gamma_rule.json")).unwrap()
}

/// Where the likelihood has no maximum, or a very flat one, the last bits of its values lead the
/// simplex to other ends; elsewhere both ends are the same.
#[test]
fn p_values_are_those_of_scipy() {
    let cases = cases();
    let mut nearly_equal = 0;
    for case in &cases {
        let rule = GammaRule::apply(&case.margins).unwrap();
        let error = (rule.p_value - case.p_value).abs();
        assert!(
            error <= 0.07 * case.p_value + 1e-12,
            "{}: {} for {}",
            case.name,
            rule.p_value,
            case.p_value
        );
        assert!(!rule.is_from_zero, "{}", case.name);
        nearly_equal += usize::from(error <= 1e-4 * case.p_value + 1e-12);
    }
    assert!(cases.len() >= 50);
    assert!(
        5 * nearly_equal >= 4 * cases.len(),
        "{nearly_equal} of {}",
        cases.len()
    );
}

#[test]
fn two_targets_hide_each_other() {
    let two = GammaRule::apply(&[59.0, 17.0, 14.0, 52.0, 12.5, 11.0, 13.2, 9.8, 10.4, 12.1]);
    let one = GammaRule::apply(&[59.0, 17.0, 14.0, 12.5, 11.0, 13.2, 9.8, 10.4, 12.1]);
    let (two, one) = (two.unwrap(), one.unwrap());
    assert!(!two.is_flagged() && one.is_flagged());
    assert_eq!((two.class, one.class), (0, 0));
}

#[test]
fn what_no_gamma_fits_has_no_p_value() {
    assert_eq!(GammaRule::apply(&[3.0, 2.0]), None);
    assert_eq!(GammaRule::apply(&[3.0, 2.0, 2.0, 2.0]), None);
    assert_eq!(GammaRule::apply(&[3.0, f64::NAN, 2.0, 1.0]), None);
    assert_eq!(GammaRule::apply(&[]), None);
}
