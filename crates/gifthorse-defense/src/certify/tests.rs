//! Certificates of a linear model, whose smoothed twin is known.

use std::sync::Arc;

use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

use super::*;

/// Class 1 where the four pixels add up to more than 2, else class 0; the boundary is half as far
/// away as the sum is from 2.
pub(super) fn by_the_sum() -> Classifier {
    let image = [
        Dim::Named("batch".to_owned()),
        Dim::Fixed(1),
        Dim::Fixed(2),
        Dim::Fixed(2),
    ];
    let weights = [0.0, 1.0].repeat(4);
    let model = GraphBuilder::new("sum", 17)
        .input("image", ElementType::F32, &image)
        .initializer("weights", &[4, 2], weights)
        .initializer("bias", &[2], [2.0, 0.0])
        .node("Flatten", "flat", &["image"], &["units"], [])
        .node("MatMul", "vote", &["units", "weights"], &["votes"], [])
        .node("Add", "add", &["votes", "bias"], &["logits"], [])
        .output("logits", ElementType::F32, &[])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

fn close(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-6)
}

/// By scipy: `sigma * norm.ppf(beta.ppf(alpha, k, n - k + 1))`.
#[test]
fn radii_are_those_of_an_independent_formula() {
    let settings = Smoothing::default();
    assert!(close(settings.radius(1_000).unwrap(), 0.615_815_653_7));
    assert!(close(settings.radius(990).unwrap(), 0.494_502_395_5));
    let wide = Smoothing {
        sigma: 0.5,
        ..settings
    };
    assert!(close(wide.radius(600).unwrap(), 0.064_189_498_2));
    assert_eq!(wide.radius(549).unwrap(), None);
    let long = Smoothing {
        counting: 100_000,
        ..wide
    };
    assert!(close(long.radius(99_000).unwrap(), 1.144_999_977_6));
}

#[test]
fn no_certificate_reaches_beyond_the_boundary_of_a_linear_model() {
    let pixels: Vec<f32> = [0.1, 0.3, 0.45, 0.499, 0.6, 0.8]
        .iter()
        .flat_map(|&pixel| [pixel; 4])
        .collect();
    let settings = Smoothing {
        counting: 4_000,
        ..Smoothing::default()
    };
    let made = settings.certify(&by_the_sum(), &pixels, 3).unwrap();
    for (certificate, pixel) in made.iter().zip([0.1, 0.3, 0.45, 0.499, 0.6, 0.8]) {
        let (distance, class) = (
            (2.0 - 4.0_f64 * pixel).abs() / 2.0,
            usize::from(pixel > 0.5),
        );
        let Some(radius) = certificate.radius else {
            assert!(distance < 0.02, "{pixel} is far from the boundary");
            continue;
        };
        assert_eq!(certificate.class, class);
        assert!(radius <= distance, "{radius} beyond {distance}");
        // What is lost is what so many copies leave open.
        let known = distance.min(settings.radius(4_000).unwrap().unwrap());
        assert!(radius > 0.75 * known, "{radius} of {known}");
    }
    assert!(made.iter().any(|certificate| certificate.radius.is_none()));
}

#[test]
fn the_noise_is_that_of_the_seed_on_any_threads() {
    let pixels = [0.45; 12];
    let settings = Smoothing {
        counting: 300,
        ..Smoothing::default()
    };
    let model = by_the_sum();
    let made = |seed| settings.certify(&model, &pixels, seed).unwrap();
    let side_by_side = made(1);
    assert_eq!(side_by_side, alone(|| made(1)));
    assert_ne!(side_by_side, made(2));
    // Each image has noise of its own.
    assert_ne!(side_by_side[0].given, side_by_side[1].given);
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let refused = |settings: Smoothing| {
        let made = settings.certify(&by_the_sum(), &[0.5; 4], 0);
        assert!(matches!(made, Err(Error::CannotCertify(_))), "{settings:?}");
    };
    let usual = Smoothing::default();
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(Smoothing { sigma, ..usual });
    }
    for alpha in [0.0, 0.5, f64::NAN] {
        refused(Smoothing { alpha, ..usual });
    }
    refused(Smoothing {
        counting: 0,
        ..usual
    });
    refused(Smoothing {
        choosing: 0,
        ..usual
    });
    let odd = usual.certify(&by_the_sum(), &[0.5; 5], 0);
    assert!(matches!(odd, Err(Error::Engine(_))));
}
