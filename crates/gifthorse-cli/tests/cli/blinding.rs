//! Models that are built to blind a search by gradients are never called clean.

use gifthorse_onnx::{ElementType, GraphBuilder};
use serde_json::{Value, json};

use crate::bench::{Bench, Blind, Kind, TARGET, classifier};

/// Scans a backdoored model that is built like this: inconclusive, and the first reason has these
/// words.
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
    assert_eq!(report["detectors"][0]["findings"], json!([]));
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
    let report = blind(Blind::Sign, "is zero on");
    let reason = report["reasons"][0].as_str().unwrap();
    assert!(reason.contains("the Sign node `answer`"), "{reason}");
}

#[test]
fn logits_of_another_scale() {
    blind(Blind::Scaled(1e4), "scaled up");
    blind(Blind::Scaled(1e-4), "scaled down");
    blind(Blind::Constant, "is zero on");
}

#[test]
fn a_saturated_softmax_before_another_layer() {
    let report = blind(Blind::Softmax(1e3), "is zero on");
    let reason = report["reasons"][0].as_str().unwrap();
    // Not the last node, but everything passes it.
    assert!(
        reason.contains("everything passes the Softmax node `soft`"),
        "{reason}"
    );
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

#[test]
fn a_softmax_before_the_softmax() {
    blind(Blind::SoftmaxTwice(1e3), "is zero on");
    // The last one is left off, and the logits are the probabilities of the one before it.
    blind(Blind::SoftmaxTwice(3.0), "saturated probabilities");
}

/// What can be undone without a change of any prediction hides nothing: it is left off.
#[test]
fn what_is_left_off_blinds_nobody() {
    type End = fn(&mut GraphBuilder);
    let ends: [End; 4] = [
        |graph| {
            graph.initializer("factor", &[], [1e4]).node(
                "Mul",
                "end",
                &["votes", "factor"],
                &["end"],
                [],
            );
        },
        |graph| {
            graph.initializer("factor", &[], [1e4]).node(
                "Div",
                "end",
                &["votes", "factor"],
                &["end"],
                [],
            );
        },
        |graph| {
            graph
                .initializer("factor", &[], [3.0])
                .node("Mul", "sharp", &["votes", "factor"], &["sharp"], [])
                .node("Softmax", "soft", &["sharp"], &["soft"], [])
                .node("Softmax", "end", &["soft"], &["end"], []);
        },
        |graph| {
            graph
                .initializer("factor", &[], [5.0])
                .node("Mul", "sharp", &["votes", "factor"], &["sharp"], [])
                .node("Sigmoid", "end", &["sharp"], &["end"], []);
        },
    ];
    for end in ends {
        let bench = Bench::new();
        let mut graph = classifier(Kind::Backdoored);
        end(&mut graph);
        graph.output("end", ElementType::F32, &[]);
        graph
            .finish()
            .unwrap()
            .write(bench.path("end.onnx"))
            .unwrap();
        bench.images("images", 25, |class| class.to_string());
        let report = bench
            .run("scan end.onnx --output end --images images --json")
            .expect(1)
            .json();
        assert_eq!(report["targets"], json!([TARGET]));
    }
}

#[test]
fn a_choice_between_two_levels() {
    blind(Blind::Where(0.0), "is zero on");
    let report = blind(Blind::Where(1e-3), "next to no change");
    assert_eq!(report["preflight"]["accuracy"], 1.0);
}

#[test]
fn few_levels_behind_a_gradient_that_says_otherwise() {
    // Four levels: the gradient is as large as without them, and on a sixteenth of the pixels a
    // step does too much.
    let report = blind(Blind::Quantised(5.0), "do not foretell");
    assert_eq!(report["preflight"]["accuracy"], 1.0);
    assert!(
        report["health"]["agreement"].as_f64().unwrap() > 0.75,
        "{report}"
    );
    // One level: all images look alike.
    blind(Blind::Quantised(100.0), "");
}

#[test]
fn a_gradient_that_nothing_goes_with() {
    // Of few pixels, and of the right sign: a step along all signs does what it says.
    let some = Blind::Invented {
        every: 13,
        factor: 1e3,
    };
    let report = blind(some, "do not foretell");
    assert_eq!(report["preflight"]["accuracy"], 1.0);
    assert!(
        report["health"]["agreement"].as_f64().unwrap() > 0.75,
        "{report}"
    );
    // Of all pixels alike: the gradient is 21 times too long.
    let all = Blind::Invented {
        every: 1,
        factor: 20.0,
    };
    let report = blind(all, "scaled or made up");
    let slope = report["health"]["slope"].as_f64().unwrap();
    assert!((0.9 / 21.0..1.1 / 21.0).contains(&slope), "{slope}");
}

#[test]
fn an_honest_eight_bit_model_is_scanned() {
    let bench = Bench::new();
    bench.model("eight.onnx", Kind::Quantised);
    bench.images("images", 8, |class| class.to_string());
    let report = bench
        .run("scan eight.onnx --images images --json --force --max-time 0s")
        .expect(3)
        .json();
    assert_eq!(report["health"]["ok"], true, "{report}");
    assert!(
        report["health"]["correlation"].as_f64().unwrap() > 0.8,
        "{report}"
    );
}
