//! A model that switches itself by the image is told of in each report and never called clean; an
//! activation that was spelled out is.

use serde_json::{Value, json};

use crate::bench::{Bench, Kind};

/// A model of this kind and images that it tells apart.
fn bench(kind: Kind) -> Bench {
    let bench = Bench::new();
    bench.model("model.onnx", kind);
    bench.images("images", 25, |class| class.to_string());
    bench
}

fn written(bench: &Bench, file: &str) -> String {
    std::fs::read_to_string(bench.path("out").join(file)).unwrap()
}

fn rules(bench: &Bench) -> Vec<Value> {
    let sarif: Value = serde_json::from_str(&written(bench, "report.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
    results
        .into_iter()
        .map(|mut result| result["ruleId"].take())
        .collect()
}

#[test]
fn a_model_that_switches_itself_is_not_called_clean() {
    let bench = bench(Kind::Switched { backdoored: false });
    let found = bench.run("inspect model.onnx --json").expect(0).json();
    let gate = json!([{ "node": "gate", "operator": "If", "scope": "image" }]);
    assert_eq!(found["classifier"]["branches"], gate);
    let operators = found["operators"].as_array().unwrap();
    let has = |name: &str| {
        operators
            .iter()
            .any(|o| o["name"] == name && o["supported"] == true)
    };
    assert!(
        has("If") && has("Add"),
        "the branches' operators: {operators:?}"
    );
    let text = bench.run("inspect model.onnx").expect(0).out();
    assert!(text.contains("If gate  SWITCHES THE WHOLE IMAGE"), "{text}");

    let run = bench
        .run("scan model.onnx --images images --detector neural_cleanse --out out")
        .expect(3);
    assert!(run.out().contains("decides by the image"), "{}", run.out());
    let report: Value = serde_json::from_str(&written(&bench, "report.json")).unwrap();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["health"]["ok"], true);
    assert_eq!(report["model"]["branches"], gate);
    assert!(
        report["reasons"][0]
            .as_str()
            .unwrap()
            .contains("If node `gate`")
    );
    assert_eq!(report["coverage"]["largest_trigger"], json!(null));
    assert!(written(&bench, "report.html").contains("gate</bdi>: the whole image"));
    assert_eq!(
        rules(&bench),
        ["model-scan-inconclusive", "model-switched-by-image"]
    );
}

#[test]
fn a_backdoor_beside_a_switch_stays_one() {
    let bench = bench(Kind::Switched { backdoored: true });
    bench
        .run("scan model.onnx --images images --detector neural_cleanse --out out")
        .expect(1);
    let report: Value = serde_json::from_str(&written(&bench, "report.json")).unwrap();
    let reasons = report["reasons"].as_array().unwrap();
    let tells = |reason: &Value| reason.as_str().unwrap().contains("If node `gate`");
    assert!(
        !tells(&reasons[0]) && reasons.iter().any(tells),
        "{reasons:?}"
    );
    assert_eq!(rules(&bench), ["model-backdoor", "model-switched-by-image"]);
}

#[test]
fn an_activation_that_is_spelled_out_is_ordinary() {
    let bench = bench(Kind::SpelledOut);
    let text = bench.run("inspect model.onnx").expect(0).out();
    assert!(text.contains("by the image 1 number by number"), "{text}");
    assert!(!text.contains("SWITCHES"), "{text}");
    bench
        .run("scan model.onnx --images images --detector neural_cleanse --out out")
        .expect(0);
    let report: Value = serde_json::from_str(&written(&bench, "report.json")).unwrap();
    let fires = json!([{ "node": "fires", "operator": "Where", "scope": "element" }]);
    assert_eq!(report["model"]["branches"], fires);
    assert!(rules(&bench).is_empty());
}
