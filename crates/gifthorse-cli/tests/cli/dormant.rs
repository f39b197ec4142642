//! A small net with a gate, the ReLU of a matched filter less a threshold, which is 0 on every
//! clean image: no gradient leads to its trigger, a chequer of three by three pixels.

use serde_json::{Value, json};

use crate::bench::{Bench, Kind};

fn written(bench: &Bench, file: &str) -> String {
    std::fs::read_to_string(bench.path("out").join(file)).unwrap()
}

#[test]
fn a_gate_that_no_clean_image_wakes_is_never_clean() {
    let bench = Bench::new();
    bench.write("model.onnx", include_bytes!("gated_trigger/model.onnx"));
    bench.write("images.npz", include_bytes!("gated_trigger/images.npz"));
    let run = bench
        .run("scan model.onnx --images images.npz --out out")
        .expect(3);
    assert!(
        run.out().contains("channel 0 of `tr` (node `Relu_6`)"),
        "{}",
        run.out()
    );
    let report: Value = serde_json::from_str(&written(&bench, "report.json")).unwrap();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["targets"], json!([]));
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains("are led to class 3"), "{reasons}");
    let found = &report["dormant_units"];
    assert_eq!((&found["dormant"], &found["tried"]), (&json!(1), &json!(1)));
    let gate = &found["switches"][0];
    assert_eq!(
        (
            &gate["node"],
            &gate["layer"],
            &gate["channel"],
            &gate["class"]
        ),
        (&json!("Relu_6"), &json!("tr"), &json!(0), &json!(3))
    );
    // All images of other classes are led to it, and by nothing else than the gate.
    assert_eq!(gate["led"], gate["others"]);
    assert_eq!(gate["kept"], gate["images"]);
    assert!(written(&bench, "report.html").contains("decides answers"));
    let log: Value = serde_json::from_str(&written(&bench, "report.sarif")).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let rules: Vec<&str> = results
        .iter()
        .filter_map(|r| r["ruleId"].as_str())
        .collect();
    assert_eq!(
        rules,
        [
            "model-scan-inconclusive",
            "model-structure",
            "model-structure",
            "model-dormant-unit"
        ]
    );
    let said = results[3]["message"]["text"].as_str().unwrap();
    assert!(
        said.contains("Relu_6") && said.contains("class 3"),
        "{said}"
    );
}

#[test]
fn an_ordinary_net_has_no_such_unit_and_the_look_is_told() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Clean);
    bench.images("images", 25, |class| class.to_string());
    bench
        .run("scan model.onnx --images images --out out")
        .expect(0);
    let report: Value = serde_json::from_str(&written(&bench, "report.json")).unwrap();
    let found = &report["dormant_units"];
    assert_eq!(found["switches"], json!([]));
    assert_eq!(found["images"], json!(200));
    assert!(found["units"].as_u64().unwrap() > 0, "{found}");
    assert!(written(&bench, "report.html").contains("none that matters"));
    // Without time or images nobody looks, and that is said.
    let report = bench
        .run("scan model.onnx --json --exit-zero")
        .expect(0)
        .json();
    assert_eq!(report["dormant_units"], json!(null));
    let gaps = report["coverage"]["not_tested"].to_string();
    assert!(gaps.contains("units that no clean image wakes"), "{gaps}");
}

/// The gate's branch passes the layers by, and rests on all clean images.
#[test]
fn the_path_of_a_gate_is_told() {
    let bench = Bench::new();
    bench.write("model.onnx", include_bytes!("gated_trigger/model.onnx"));
    bench.write("images.npz", include_bytes!("gated_trigger/images.npz"));
    let text = bench.run("inspect model.onnx --structure").expect(0).out();
    assert!(text.contains("rule         bypass"), "{text}");
    assert!(text.contains("MatMul_8\n             Add_9"), "{text}");
    assert!(text.contains("............###."), "{text}");
    let found = bench.run("inspect model.onnx --json").expect(0).json();
    let structure = found["classifier"]["structure"].as_array().unwrap();
    let rules: Vec<&str> = structure
        .iter()
        .filter_map(|s| s["rule"].as_str())
        .collect();
    assert_eq!(rules, ["bypass", "small-region"]);
    let region = &structure[0]["region"];
    let square = [
        &region["top"],
        &region["left"],
        &region["height"],
        &region["width"],
    ];
    assert_eq!(square, [&json!(12), &json!(12), &json!(3), &json!(3)]);
    let report = bench
        .run("scan model.onnx --images images.npz --json --max-time 0s")
        .expect(3)
        .json();
    let told = &report["model"]["structure"][0];
    assert_eq!(
        (&told["rule"], &told["rests"]),
        (&json!("bypass"), &json!(true))
    );
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains("built of without training"), "{reasons}");
    bench.run("inspect model.onnx --structure --plan").expect(2);
}
