//! Models that are built to blind a search by gradients are never called clean.

use serde_json::{Value, json};

use crate::bench::{Bench, Blind, Kind};

/// Scans a backdoored model that is built like this: inconclusive, and the first reason has these words.
fn blind(how: Blind, words: &str) -> Value {
    let bench = Bench::new();
    bench.model("blind.onnx", Kind::Blinding(how));
    bench.images("images", 8, |class| class.to_string());
    let report = bench
        .run("scan blind.onnx --images images --json --force")
        .expect(3)
        .json();
    assert_eq!(report["health"]["ok"], false, "{how:?}");
    let reason = report["reasons"][0].as_str().unwrap();
    assert!(reason.contains("gradients cannot be trusted"), "{reason}");
    assert!(reason.contains(words), "{how:?}: {reason}");
    assert_eq!(report["detectors"][0]["classes"], json!([]));
    assert_eq!(report["coverage"]["tested"], json!([]));
    report
}

#[test]
fn pixels_in_steps() {
    for how in [
        Blind::Steps("Round"),
        Blind::Steps("Floor"),
        Blind::Steps("Sign"),
        Blind::Cast,
    ] {
        blind(how, "is zero on");
    }
    let report = blind(Blind::Steps("Ceil"), "rounds, takes signs");
    assert_eq!(report["preflight"]["accuracy"], 1.0);
}

#[test]
fn signs_of_logits() {
    blind(Blind::Sign, "is zero on");
}

#[test]
fn logits_of_another_scale() {
    blind(Blind::Scaled(1e4), "scaled up");
    blind(Blind::Scaled(1e-4), "scaled down");
    blind(Blind::Constant, "is zero on");
}

#[test]
fn a_saturated_softmax_before_another_layer() {
    blind(Blind::Softmax(1e3), "is zero on");
    // Not quite saturated: gradients are there and point the right way, and promise nothing.
    let report = blind(Blind::Softmax(1.6), "next to no change");
    assert_eq!(report["preflight"]["accuracy"], 1.0);
}

#[test]
fn a_clip_with_a_little_beside_it() {
    let clip = |beside| Blind::Clip { range: 1.0, beside };
    blind(clip(0.0), "is zero on");
    let report = blind(clip(1e-3), "next to no change");
    assert_eq!(report["preflight"]["accuracy"], 1.0);
}
