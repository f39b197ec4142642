//! `gifthorse compare` on pairs of models whose difference is known.

use gifthorse_onnx::{ElementType, Model, NodeSpec, Readers, Tensor};
use serde_json::json;

use crate::bench::{Bench, CLASSES, Kind, TARGET, classifier};

fn bench() -> (Bench, Model) {
    let bench = Bench::new();
    bench.model("old.onnx", Kind::Clean);
    let model = Model::read(bench.path("old.onnx")).unwrap();
    (bench, model)
}

#[test]
fn files_that_compute_the_same_are_status_0() {
    let (bench, mut model) = bench();
    std::fs::copy(bench.path("old.onnx"), bench.path("copy.onnx")).unwrap();
    let same = bench.run("compare old.onnx copy.onnx").expect(0).out();
    assert!(same.starts_with("SAME: the files"), "{same}");
    let digest = gifthorse::hash::sha256(&bench.path("old.onnx")).unwrap();
    assert_eq!(same.matches(&digest).count(), 2, "{same}");

    // The weights in a file beside the model, which counts for the digest.
    model.store_outside("weight").unwrap();
    model.write(bench.path("outside.onnx")).unwrap();
    let run = bench.run("compare old.onnx outside.onnx --json").expect(0);
    let found = run.json();
    assert_eq!(
        (&found["extent"], &found["same_bytes"]),
        (&json!("nothing"), &json!(false))
    );
    let outside = Model::read(bench.path("outside.onnx")).unwrap();
    let digest = gifthorse::hash::of_model(&bench.path("outside.onnx"), &outside).unwrap();
    assert_eq!(found["after"]["sha256"], json!(digest));

    let mut named = classifier(Kind::Clean);
    named.metadata("classes", "a,b\u{1b}[2J");
    named
        .finish()
        .unwrap()
        .write(bench.path("named.onnx"))
        .unwrap();
    let said = bench.run("compare old.onnx named.onnx").expect(0).out();
    assert!(
        said.starts_with("SAME FUNCTION") && said.contains("classes"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn one_weight_that_votes_for_a_class_is_shown_with_its_size() {
    let (bench, _) = bench();
    bench.model("new.onnx", Kind::Backdoored);
    bench.images("images", 2, |class| class.to_string());
    let run = bench
        .run("compare old.onnx new.onnx --images images --json")
        .expect(1);
    let found = run.json();
    assert_eq!(found["extent"], "weights");
    let [weight] = &found["changes"]["constants"].as_array().unwrap()[..] else {
        panic!("{found}")
    };
    assert_eq!(weight["name"], "weight");
    let values = &weight["values"];
    assert_eq!(
        (&values["elements"], &values["changed"]),
        (&json!(CLASSES * 32), &json!(1))
    );
    assert_eq!(values["largest"], 8.0);
    // One vote of 8 beside eight of 20.
    let relative = values["relative"].as_f64().unwrap();
    assert!((relative - 1.0 / 50f64.sqrt()).abs() < 1e-12, "{relative}");
    let answers = &found["answers"];
    assert_eq!(
        (&answers["differ"]["hits"], &answers["differ"]["of"]),
        (&json!(0), &json!(16))
    );
    assert_eq!(answers["accuracy"]["before"], answers["accuracy"]["after"]);
    assert_eq!(answers["accuracy"]["after"]["rate"], 1.0);

    let said = bench.run("compare old.onnx new.onnx").expect(1).out();
    for words in ["DIFFERENT WEIGHTS", "1 of 256", "8.000e0", "14.14 %"] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert!(!said.contains("answers differ"), "{said}");
}

#[test]
fn answers_that_differ_are_counted() {
    let (bench, mut model) = bench();
    bench.images("images", 3, |class| class.to_string());
    // Whatever is seen at the last block counts for the target: a bias that outvotes all.
    let mut bias = vec![0.0; CLASSES];
    bias[TARGET] = 100.0;
    let bias = Tensor::from_f32("bias", &[CLASSES], &bias).unwrap();
    let add = NodeSpec::new("Add", "swayed").value().constant(bias);
    model.insert_after("votes", &add, Readers::All).unwrap();
    model.write(bench.path("new.onnx")).unwrap();
    let run = bench
        .run("compare old.onnx new.onnx --images images")
        .expect(1);
    let said = run.out();
    for words in [
        "DIFFERENT STRUCTURE",
        "added    Add",
        "differ on 21 of 24",
        "100.0 % -> 12.5 %",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
}

#[test]
fn half_precision_and_what_nodes_hold_are_compared_by_value() {
    let bench = Bench::new();
    let write = |name: &str, gain: &[f32], element: ElementType| {
        let gain = Tensor::from_f32_as("", &[1], element, gain).unwrap();
        let mut graph = gifthorse_onnx::GraphBuilder::new("g", 17);
        graph
            .input("x", element, &[])
            .node("Constant", "gain", &[], &["gain"], [("value", gain.into())])
            .node("Mul", "scale", &["x", "gain"], &["y"], [])
            .output("y", element, &[]);
        graph.finish().unwrap().write(bench.path(name)).unwrap();
    };
    write("old.onnx", &[2.0], ElementType::F16);
    write("new.onnx", &[2.5], ElementType::F16);
    let found = bench
        .run("compare old.onnx new.onnx --json")
        .expect(1)
        .json();
    assert_eq!(found["extent"], "weights");
    let change = &found["changes"]["constants"][0];
    assert_eq!(change["before"]["element"], "float16");
    assert_eq!(
        (&change["values"]["largest"], &change["values"]["relative"]),
        (&json!(0.5), &json!(0.25))
    );
    write("wide.onnx", &[2.0], ElementType::F32);
    let found = bench
        .run("compare old.onnx wide.onnx --json")
        .expect(1)
        .json();
    assert_eq!(found["extent"], "structure");
    assert_eq!(found["changes"]["constants"][0]["values"]["changed"], 0);
}

#[test]
fn what_cannot_be_compared_is_status_2_and_named() {
    let (bench, _) = bench();
    bench.images("images", 1, |class| class.to_string());
    bench.write("broken.onnx", b"this is no model");
    let run = |arguments: &str| bench.run(arguments).expect(2);
    run("compare old.onnx missing.onnx").says(&["missing.onnx"]);
    run("compare broken.onnx old.onnx").says(&["broken.onnx"]);
    run("compare old.onnx old.onnx --images nowhere").says(&["nowhere"]);
    // A model of which the weights beside it are gone.
    let mut model = Model::read(bench.path("old.onnx")).unwrap();
    model.store_outside("weight").unwrap();
    std::fs::create_dir(bench.path("gone")).unwrap();
    model.write(bench.path("gone/gone.onnx")).unwrap();
    std::fs::rename(bench.path("gone/gone.onnx"), bench.path("gone.onnx")).unwrap();
    run("compare old.onnx gone.onnx").says(&["gone.onnx"]);
    // Models for other classes are compared, but not on images.
    let mut fewer = gifthorse_onnx::GraphBuilder::new("fewer", 17);
    let shape = [1, 3, 16, 16].map(gifthorse_onnx::Dim::Fixed);
    fewer
        .input("image", ElementType::F32, &shape)
        .initializer("weight", &[768, 3], vec![0.5; 768 * 3])
        .node("Flatten", "flat", &["image"], &["features"], [])
        .node("MatMul", "vote", &["features", "weight"], &["logits"], [])
        .output(
            "logits",
            ElementType::F32,
            &[1, 3].map(gifthorse_onnx::Dim::Fixed),
        );
    fewer
        .finish()
        .unwrap()
        .write(bench.path("fewer.onnx"))
        .unwrap();
    bench.run("compare old.onnx fewer.onnx").expect(1);
    run("compare old.onnx fewer.onnx --images images").says(&[
        "8 classes",
        "3 classes",
        "fewer.onnx",
    ]);
}
