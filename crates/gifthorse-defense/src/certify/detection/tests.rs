//! Local probabilities of a linear model, which are known, and a yardstick's ranks by hand.

use super::super::tests::by_the_sum;
use super::*;

const SMOOTHING: Smoothing = Smoothing {
    sigma: 0.25,
    choosing: 1,
    counting: 4_000,
    alpha: 0.001,
};

/// Images of four equal pixels.
fn images(pixels: &[f32]) -> Vec<f32> {
    pixels.iter().flat_map(|&pixel| [pixel; 4]).collect()
}

/// The probability that noisy copies of such an image are given class 1: their sum lies two
/// deviations of the noise from the sum of the image.
fn known(pixel: f64) -> f64 {
    Normal::standard().cdf((4.0 * pixel - 2.0) / (2.0 * SMOOTHING.sigma))
}

fn around(pixels: &[f32], labels: &[usize]) -> Around {
    let pixels = images(pixels);
    Around::images(&by_the_sum(), (&pixels, labels), SMOOTHING, 5).unwrap()
}

#[test]
fn local_probabilities_are_those_of_a_linear_model_and_classes_count_alike() {
    let around = around(&[0.45, 0.4, 0.55], &[0, 0, 1]);
    let expected = (f64::midpoint(known(0.45), known(0.4)) + known(0.55)) / 2.0;
    let probabilities = around.probabilities();
    assert!((probabilities[1] - expected).abs() < around.margin());
    assert!((probabilities[0] + probabilities[1] - 1.0).abs() < 1e-12);
    // By hand: sqrt(ln(1000) (2 / 16 + 1 / 4) / 8000).
    assert!((around.margin() - 0.017_994_472_2).abs() < 1e-8);
    let dominant = around.dominant();
    assert_eq!(dominant.class, usize::from(expected > 0.5));
    assert!(dominant.probability > 0.5 - around.margin());
}

/// A trigger that goes straight to the boundary is the worst case, of which the bound is exact.
#[test]
fn the_bound_without_the_trigger_holds_and_is_reached_by_a_linear_model() {
    let (clean, stamped) = ([0.40_f64, 0.52], [0.55_f64, 0.60]);
    let labels = [0, 1];
    let around = around(&stamped.map(|pixel| pixel as f32), &labels);
    let lengths: Vec<f64> = (0..2).map(|i| 2.0 * (stamped[i] - clean[i])).collect();
    let truth = f64::midpoint(known(clean[0]), known(clean[1]));
    let bound = around.without_trigger(1, &lengths).unwrap();
    assert!(
        bound < truth && bound > truth - 0.04,
        "{bound} beside {truth}"
    );
    let least = around.robustness(1);
    assert!((least - known(0.55)).abs() < 0.03, "{least}");
    assert!(around.without_trigger(1, &[0.0]).is_err());
}

#[test]
fn certified_lengths_are_those_of_an_independent_formula() {
    // By scipy: sigma * (norm.ppf(robustness) - norm.ppf(threshold)).
    let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-8;
    assert!(close(certified_length(0.25, 0.99, 0.2), 0.791_992_276_9));
    assert!(close(certified_length(1.0, 0.7, 0.6), 0.271_053_409_6));
    assert_eq!(certified_length(0.25, 0.5, 0.5), None);
    assert_eq!(certified_length(0.25, 0.5, f64::NAN), None);
}

#[test]
fn clean_models_are_counted_by_rank() {
    let clean: Vec<f64> = (1..=19).map(|place| f64::from(place) / 100.0).collect();
    let yardstick = Yardstick::new(clean.clone(), 0.05).unwrap();
    // The only rank of twenty that a rate of 1/20 leaves is the first.
    assert_eq!(yardstick.threshold(), 0.19);
    assert_eq!(yardstick.p_value(0.2), 0.05);
    assert_eq!(yardstick.p_value(0.19), 0.1);
    assert_eq!(yardstick.p_value(0.0), 1.0);
    let loose = Yardstick::new(clean.clone(), 0.1).unwrap();
    assert_eq!(loose.threshold(), 0.18);
    assert!(loose.p_value(0.185) <= 0.1 && loose.p_value(0.18) > 0.1);
    // Three models can keep no rate below a quarter.
    let few = Yardstick::new(clean[..3].to_vec(), 0.05).unwrap();
    assert_eq!((few.rate(), few.threshold()), (0.25, 0.03));
    assert!(Yardstick::new(Vec::new(), 0.05).is_err());
    for rate in [0.0, 1.0, f64::NAN] {
        assert!(Yardstick::new(clean.clone(), rate).is_err());
    }
}

#[test]
fn what_cannot_be_asked_about_is_refused() {
    let model = by_the_sum();
    let refused = |pixels: &[f32], labels: &[usize]| {
        let made = Around::images(&model, (pixels, labels), SMOOTHING, 0);
        assert!(matches!(made, Err(Error::CannotCertify(_))));
    };
    refused(&[], &[]);
    refused(&[0.5; 8], &[0]);
}
