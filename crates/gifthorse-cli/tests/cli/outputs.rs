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

#[test]
fn each_head_gets_its_own_verdict_and_report() {
    let bench = bench(&two_heads());
    let scan = "scan model.onnx --images images --out out --output";
    let run = bench.run(&format!("{scan} all")).expect(1);
    let said = run.out();
    for line in ["CLEAN  `logits`", "BACKDOORED  `sly`"] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    run.says(&["`logits` (1 of 2)", "`sly` (2 of 2)"]);

    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(bench.path(name)).unwrap()).unwrap()
    };
    let (first, second) = (read("out/logits/report.json"), read("out/sly/report.json"));
    assert_eq!(first["verdict"], "clean", "{}", first["reasons"]);
    assert_eq!(first["model"]["outputs"][1]["part"], "beside");
    assert_eq!(second["targets"], json!([TARGET]));
    let both = read("out/report.json");
    assert_eq!(both["heads"][1]["output"], "sly");
    assert_eq!(both["heads"][1]["report"], second);
    let runs = read("out/report.sarif");
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert_ne!(runs[0]["automationDetails"], runs[1]["automationDetails"]);
    assert_eq!(runs[1]["results"][0]["ruleId"], "model-backdoor");
    bench
        .run("verify out/sly/report.json --model model.onnx --images images")
        .expect(0);

    // Named, in another order, one twice, compared with the reports from before.
    let again = "--output sly --output sly --output logits --json --baseline";
    let scan = "scan model.onnx --images images";
    let printed = bench.run(&format!("{scan} {again} out")).expect(1).json();
    let outputs: Vec<&Value> = printed["heads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|head| &head["output"])
        .collect();
    assert_eq!(outputs, ["sly", "logits"]);
    assert_eq!(
        printed["heads"][0]["report"]["baseline"]["kept"],
        json!([TARGET])
    );
    bench
        .run(&format!("{scan} {again} out/report.json"))
        .expect(2)
        .says(&["the folder", "--baseline"]);
    bench
        .run(&format!("{scan} --output sly --output neither"))
        .expect(2)
        .says(&["no output `neither`", "`logits`"]);
}

#[test]
fn a_head_that_cannot_be_scanned_keeps_the_others_from_nothing() {
    let mut graph = classifier(Kind::Backdoored);
    let features = votes(true).len() / CLASSES;
    graph
        .initializer("few", &[features, 3], vec![1.0; 3 * features])
        .node("MatMul", "coarse", &["features", "few"], &["coarse"], [])
        .output("coarse", ElementType::F32, &[]);
    let bench = bench(&graph);
    let run = bench
        .run("scan model.onnx --images images --output all --json")
        .expect(1);
    let heads = run.json()["heads"].clone();
    assert_eq!(heads[0]["report"]["verdict"], "backdoored");
    let why = heads[1]["error"].as_str().unwrap();
    assert!(heads[1]["report"].is_null() && why.contains("3"), "{why}");
}

#[test]
fn fine_tuning_is_of_the_output_that_is_named() {
    let bench = bench(&two_heads());
    let train = "train -o tuned.onnx --from model.onnx --set images --epochs 1 --batch 20";
    bench
        .run(train)
        .expect(2)
        .says(&["`logits`", "`sly`", "--output"]);
    bench.run(&format!("{train} --output sly")).expect(0);
    let weight = |file: &str, name: &str| {
        let model = gifthorse_onnx::Model::read(bench.path(file)).unwrap();
        model.graph().unwrap().initializers[name].to_f32().unwrap()
    };
    let changed = |name: &str| weight("model.onnx", name) != weight("tuned.onnx", name);
    assert!(changed("sly_weight") && !changed("weight"));
}
