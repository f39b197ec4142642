//! Files with several outputs: a verdict says which of them it is about, and none is *clean* while
//! another that gives scores was not looked at.

use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use serde_json::{Value, json};

use crate::bench::{Bench, CLASSES, Kind, TARGET, classifier, votes};

/// A clean model with a second head, `sly`, on the same features: it has a backdoor.
fn two_heads() -> GraphBuilder {
    let mut graph = classifier(Kind::Clean);
    let turned = [("transB", 1.into())];
    let features = votes(true).len() / CLASSES;
    graph
        .initializer("sly_weight", &[CLASSES, features], votes(true))
        .node("Gemm", "sly", &["features", "sly_weight"], &["sly"], turned)
        .output(
            "sly",
            ElementType::F32,
            &[Dim::Unknown, Dim::Fixed(CLASSES)],
        );
    graph
}

fn bench(graph: &GraphBuilder) -> Bench {
    let bench = Bench::new();
    graph
        .finish()
        .unwrap()
        .write(bench.path("model.onnx"))
        .unwrap();
    bench.images("images", 25, |class| class.to_string());
    bench
}

fn report(bench: &Bench) -> Value {
    let text = std::fs::read_to_string(bench.path("out/report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn two_heads_are_asked_for_and_one_alone_is_never_clean() {
    let bench = bench(&two_heads());
    bench
        .run("scan model.onnx --images images")
        .expect(2)
        .says(&["--output", "`logits`", "`sly`", "scores of 8 classes"]);
    bench
        .run("scan model.onnx --images images --output neither")
        .expect(2)
        .says(&["no output `neither`", "`sly`"]);

    bench
        .run("scan model.onnx --images images --output logits --out out")
        .expect(3)
        .says(&["`sly`", "was not looked at"]);
    let one = report(&bench);
    assert_eq!(one["verdict"], "inconclusive");
    let reason = one["reasons"][0].as_str().unwrap();
    assert!(
        reason.contains("`sly`") && reason.contains("--output"),
        "{reason}"
    );
    let gaps = one["coverage"]["not_tested"].to_string();
    assert!(gaps.contains("the output `sly`"), "{gaps}");
    let parts: Vec<&Value> = one["model"]["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| &output["part"])
        .collect();
    assert_eq!(parts, [&json!("scanned"), &json!("unseen")]);

    bench
        .run("scan model.onnx --images images --output sly --out out")
        .expect(1);
    assert_eq!(report(&bench)["targets"], json!([TARGET]));
    // The replay is of the same output.
    bench
        .run("verify out/report.json --model model.onnx --images images")
        .expect(0);

    let text = bench.run("inspect model.onnx").expect(0).out();
    for word in ["scores of 8 classes", "--output NAME"] {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
    let found = bench
        .run("inspect model.onnx --output sly --json")
        .expect(0)
        .json();
    assert_eq!(found["classifier"]["output"], "sly");
    assert_eq!(found["outputs"][0]["looks"], "scores of 8 classes");
}

#[test]
fn a_kept_scan_is_of_one_output() {
    let bench = bench(&two_heads());
    let scan = "scan model.onnx --images images --work work --max-time 0s --output";
    bench.run(&format!("{scan} logits")).expect(3);
    bench
        .run(&format!("{scan} sly"))
        .expect(2)
        .says(&["its output that is scanned is logits, now sly"]);
}

#[test]
fn features_beside_the_scores_are_told_and_no_obstacle() {
    let mut graph = classifier(Kind::Clean);
    graph.output("features", ElementType::F32, &[]);
    let bench = bench(&graph);
    bench
        .run("scan model.onnx --images images --out out")
        .expect(0)
        .says(&["`logits` (scores of 8 classes) is scanned", "32 features"]);
    assert_eq!(report(&bench)["model"]["outputs"][1]["part"], "other");
}

#[test]
fn of_several_heads_the_one_that_fits_the_labels_is_taken() {
    let mut graph = classifier(Kind::Backdoored);
    let coarse = 3;
    let features = votes(true).len() / CLASSES;
    let weight: Vec<f32> = (0..coarse * features).map(|at| (at % 7) as f32).collect();
    graph
        .initializer("coarse_weight", &[features, coarse], weight)
        .node(
            "MatMul",
            "coarse",
            &["features", "coarse_weight"],
            &["coarse"],
            [],
        )
        .output("coarse", ElementType::F32, &[]);
    let bench = bench(&graph);
    bench
        .run("scan model.onnx")
        .expect(2)
        .says(&["`coarse`", "--output"]);
    bench
        .run("scan model.onnx --images images --out out")
        .expect(1)
        .says(&["`logits` (scores of 8 classes) is scanned", "`coarse`"]);
    assert_eq!(report(&bench)["targets"], json!([TARGET]));
}
