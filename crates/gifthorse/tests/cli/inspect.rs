//! `inspect` says what is in a file, also in one that cannot be scanned.

use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use serde_json::json;

use crate::bench::{Bench, Kind};

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
fn a_model_that_cannot_be_run_is_described_and_its_strings_escaped() {
    let bench = Bench::new();
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(3), Dim::Fixed(8), Dim::Fixed(8)];
    let model = GraphBuilder::new("odd", 17)
        .input("image", ElementType::F32, &image)
        .metadata("note", "\u{1b}[2J\u{202e}gnp.exe")
        .node("Flatten", "flat", &["image"], &["flattened"], [])
        .node("Hardmax", "vote", &["flattened"], &["y"], [])
        .output("y", ElementType::F32, &[batch(), Dim::Fixed(192)])
        .finish()
        .unwrap();
    model.write(bench.path("odd.onnx")).unwrap();

    let found = bench.run("inspect odd.onnx --json").expect(0).json();
    assert!(found["problem"].as_str().unwrap().contains("Hardmax"));
    assert_eq!(found["classifier"], json!(null));
    let text = bench.run("inspect odd.onnx").expect(0).out();
    assert!(text.contains("Hardmax  NOT SUPPORTED"), "{text}");
    assert!(text.contains("Flatten\n"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}
