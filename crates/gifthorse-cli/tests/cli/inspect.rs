//! `inspect` says what is in a file, also in one that cannot be scanned.

use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use serde_json::json;

use crate::bench::{Bench, Blind, Kind};

#[test]
fn a_classifier_is_described() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Backdoored);
    let found = bench.run("inspect model.onnx --json").expect(0).json();
    assert_eq!(found["classifier"]["classes"], 8);
    assert_eq!(found["classifier"]["image"], json!([3, 16, 16]));
    assert_eq!(found["classifier"]["layout"], "nchw");
    assert_eq!(found["parameters"], 3 + 2 * 48 + 2 + 8 * 32);
    assert_eq!(found["problem"], json!(null));
    assert_eq!(found["opsets"], json!({ "ai.onnx": 17 }));
    let operators = found["operators"].as_array().unwrap();
    assert_eq!(operators.len(), 8);
    assert!(
        operators
            .iter()
            .all(|operator| operator["supported"] == true)
    );
    let layers = found["classifier"]["layers"].as_array().unwrap();
    let fired = layers
        .iter()
        .find(|layer| layer["name"] == "fired")
        .unwrap();
    assert_eq!(fired["shape"], json!([2, 4, 4]));

    let text = bench.run("inspect model.onnx").expect(0).out();
    for word in [
        "3 x 16 x 16 (NCHW), any batch",
        "LeakyRelu",
        "opset ai.onnx 17",
    ] {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

#[test]
fn a_plan_has_the_work_of_each_node_and_the_memory_of_a_scan() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Backdoored);
    let plan_of = |flags: &str| {
        let run = bench.run(&format!("inspect model.onnx --json --plan {flags}"));
        run.expect(0).json()["plan"].clone()
    };
    let plan = plan_of("--threads 1");
    assert_eq!((&plan["batch"], &plan["threads"]), (&json!(32), &json!(1)));
    let nodes = plan["nodes"].as_array().unwrap();
    let has = |part: &str| {
        let named = |node: &&serde_json::Value| node["names"].to_string().contains(part);
        nodes.iter().find(named).unwrap()
    };
    // Two filters of 4x4 over three channels, without overlap; padding to whole lanes adds to the
    // work.
    let filter = has("blocks");
    assert_eq!(
        (&filter["segment"], &filter["shape"]),
        (&json!(0), &json!([2, 4, 4]))
    );
    assert!(
        filter["operations"].as_f64().unwrap() >= f64::from(2 * 48 * 2 * 16),
        "{filter}"
    );
    assert!(
        filter["bytes"].as_u64().unwrap() >= 4 * (3 * 256 + 2 * 16),
        "{filter}"
    );
    assert!(filter["constants"].as_u64().unwrap() >= 4 * 96, "{filter}");

    let values = |plan: &serde_json::Value| plan["memory"]["values"].as_u64().unwrap();
    let packed = |plan: &serde_json::Value| plan["memory"]["packed"].as_u64().unwrap();
    let large = plan_of("--threads 1 --batch 640");
    assert!(values(&large) > values(&plan), "{large}");
    assert_eq!(packed(&large), packed(&plan));
    let two = plan_of("--threads 2");
    assert!(values(&two) > values(&plan) && packed(&two) == packed(&plan));

    let text = bench.run("inspect model.onnx --plan").expect(0).out();
    for word in ["operations", "total", "in batches of 32", "MiB"] {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
    assert!(!text.contains("[outside]"), "{text}");
    bench
        .run("inspect model.onnx --batch 8")
        .expect(2)
        .says(&["--plan"]);
}

#[test]
fn nodes_outside_segments_are_marked() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Blinding(Blind::Steps("Round")));
    let found = bench
        .run("inspect model.onnx --plan --json")
        .expect(0)
        .json();
    let nodes = found["plan"]["nodes"].as_array().unwrap();
    assert!(
        nodes.iter().all(|node| node["segment"].is_null()),
        "{found}"
    );
    assert!(found["plan"]["memory"]["outside"].as_u64().unwrap() > 0);
    let text = bench.run("inspect model.onnx --plan").expect(0).out();
    assert!(text.matches("[outside]").count() >= nodes.len(), "{text}");
}

#[test]
fn a_model_that_cannot_be_run_is_described_and_its_strings_escaped() {
    let bench = Bench::new();
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(3), Dim::Fixed(8), Dim::Fixed(8)];
    let model = GraphBuilder::new("odd", 17)
        .input("image", ElementType::F32, &image)
        .metadata("note", "\u{1b}[2J\u{202e}gnp.exe")
        .node("Flatten", "flat", &["image"], &["flattened"], [])
        .node("Det", "vote", &["flattened"], &["y"], [])
        .output("y", ElementType::F32, &[batch(), Dim::Fixed(192)])
        .finish()
        .unwrap();
    model.write(bench.path("odd.onnx")).unwrap();

    let found = bench.run("inspect odd.onnx --json").expect(0).json();
    assert!(found["problem"].as_str().unwrap().contains("operator Det"));
    assert_eq!(found["classifier"], json!(null));
    let text = bench.run("inspect odd.onnx").expect(0).out();
    assert!(text.contains("Det  NOT SUPPORTED"), "{text}");
    assert!(text.contains("Flatten\n"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}
