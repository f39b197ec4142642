//! Filters of a model with a backdoor: fitted, run on clean and on stamped pictures, measured.

use std::sync::Arc;

use gifthorse_data::{ImageShape, LoadOptions, load};
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraftOutputs, GraphBuilder, Model};
use serde_json::{Value, json};

use crate::bench::{Bench, CLASSES, Kind, SIDE, TARGET};

/// A model with a backdoor, clean images, others of the same kind, and some of these stamped.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 40, |class| class.to_string());
    bench.images("others", 60, |class| class.to_string());
    corner().save(bench.path("corner.png")).unwrap();
    for class in (0..CLASSES).filter(|class| *class != TARGET) {
        std::fs::create_dir_all(bench.path("stamped")).unwrap();
        for i in 40..60 {
            let from = bench.path(&format!("others/{class}/{class}-{i}.png"));
            let mut picture = image::open(from).unwrap().to_rgba8();
            image::imageops::overlay(&mut picture, &corner(), 0, 0);
            let to = bench.path(&format!("stamped/{class}-{i}.png"));
            picture.save(to).unwrap();
        }
    }
    bench
}

/// The trigger: two by two pixels, checked, in the corner.
pub fn corner() -> image::RgbaImage {
    let side = SIDE as u32;
    image::RgbaImage::from_fn(side, side, |x, y| match (side - x, side - y) {
        (1 | 2, 1 | 2) if x == y => image::Rgba([255; 4]),
        (1 | 2, 1 | 2) => image::Rgba([0, 0, 0, 255]),
        _ => image::Rgba([0; 4]),
    })
}

fn file(bench: &Bench, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bench.path(name)).unwrap()).unwrap()
}

#[test]
fn stamped_pictures_are_flagged_and_clean_ones_are_not() {
    let bench = bench();
    let fit = bench
        .run("filter fit bad.onnx --images images --trigger corner.png --target 2 -o filter.json")
        .expect(0);
    assert!(
        fit.out().contains("Neural Cleanse's filter"),
        "{}",
        fit.out()
    );
    let kept = file(&bench, "filter.json");
    assert_eq!(kept["method"], json!("neuron_activation"));
    assert_eq!(
        (&kept["images"]["fit"], &kept["images"]["threshold"]),
        (&json!(160), &json!(160))
    );

    let run = bench
        .run("filter run filter.json --images stamped --out out --json")
        .expect(1);
    let json = run.json();
    assert_eq!(
        (&json["images"], &json["flagged"]),
        (&json!(140), &json!(140))
    );
    assert_eq!(json["scores"].as_array().unwrap().len(), 140);
    assert!(json["threshold"].as_f64().unwrap() < json["scores"][0].as_f64().unwrap());
    let verdict = &json["verdicts"][0];
    assert_eq!(verdict["answer"], json!(TARGET));
    // The name begins with the class, which the safe label gives back.
    let class = verdict["name"].as_str().unwrap().split('-').next().unwrap();
    let class: usize = class.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(verdict["safe_label"], json!(class));
    assert_eq!(file(&bench, "out/suspects.json"), json);
    let table = std::fs::read_to_string(bench.path("out/suspects.csv")).unwrap();
    assert_eq!(table.lines().count(), 141);
    assert!(table.starts_with("name,score,p_value,flagged,answer,safe_label"));
    let page = std::fs::read_to_string(bench.path("out/suspects.html")).unwrap();
    assert!(page.contains("More images are flagged") && page.contains("data:image/png"));
    assert!(!page.contains("<script") && !page.contains("http://"));

    // The same on one thread.
    let again = bench
        .run("filter run filter.json --images stamped --json --threads 1")
        .expect(1);
    assert_eq!(again.json(), json);

    let clean = bench
        .run("filter run filter.json --images others")
        .expect(0);
    assert!(
        clean.out().contains("no more than the rate explains"),
        "{}",
        clean.out()
    );
}

#[test]
fn a_filter_is_measured_on_images_that_it_has_not_seen() {
    let bench = bench();
    bench
        .run(
            "filter fit bad.onnx --images images --trigger corner.png --target 2 -o filter.json -q",
        )
        .expect(0);
    let run = bench
        .run("filter eval filter.json --images others --trigger corner.png --target 2 --fpr 0.1,0.05 --json")
        .expect(0);
    let json = run.json();
    // All pictures come from one stream of noise, which runs on from class to class: 40 of the first
    // class and 20 of the second are in both folders.
    assert_eq!(json["left_out"], json!(60));
    assert_eq!(json["images"], json!(420));
    let trigger = &json["triggers"][0];
    assert_eq!(trigger["success"]["of"], json!(360));
    assert_eq!(trigger["success"]["rate"], json!(1.0));
    assert_eq!(trigger["auroc"]["area"], json!(1.0));
    assert_eq!(trigger["missed"][1]["share"]["hits"], json!(0));
    assert_eq!(trigger["safe"]["rate"], json!(1.0));
    assert!(json["clean"][1]["share"]["rate"].as_f64().unwrap() < 0.12);

    bench
        .run("filter eval filter.json --images images --trigger corner.png --target 2")
        .expect(2)
        .says(&["fitted with all"]);
}

#[test]
fn the_report_of_a_scan_tells_the_trigger() {
    let bench = bench();
    bench
        .run("scan bad.onnx --images images --detector neural_cleanse --out scan")
        .expect(1);
    bench
        .run("filter fit bad.onnx --images images --report scan/report.json -o filter.json -q")
        .expect(0);
    let kept = file(&bench, "filter.json");
    assert_eq!(kept["triggers"], json!(1));
    bench
        .run("filter run filter.json --images stamped --model bad.onnx -q")
        .expect(1);
    // Another model is refused, and so is its report.
    bench.model("good.onnx", Kind::Clean);
    bench
        .run("filter run filter.json --images stamped --model good.onnx")
        .expect(2)
        .says(&["good.onnx"]);
    bench
        .run("filter fit good.onnx --images images --report scan/report.json -o other.json")
        .expect(2)
        .says(&["good.onnx"]);
}

#[test]
fn without_a_trigger_and_a_method_several_filters_are_asked() {
    let bench = bench();
    bench
        .run("filter fit bad.onnx --images images -o filter.json -q")
        .expect(0);
    let kept = file(&bench, "filter.json");
    assert_eq!(kept["method"], json!("combined"));
    assert_eq!(kept["triggers"], json!(0));
}

#[test]
fn an_exported_filter_gives_score_flag_and_label() {
    let bench = bench();
    bench
        .run(
            "filter fit bad.onnx --images images --trigger corner.png --target 2 -o filter.json -q",
        )
        .expect(0);
    let run = bench
        .run("filter run filter.json --images stamped --json")
        .expect(1)
        .json();
    bench
        .run("filter export filter.json -o exported.onnx -q")
        .expect(0);
    let model = Model::read(bench.path("exported.onnx")).unwrap();
    let graph = model.graph().unwrap();
    let names: Vec<&str> = graph.outputs.iter().map(|it| &it.name[..]).collect();
    let added = ["gifthorse_score", "gifthorse_flagged", "gifthorse_label"];
    assert_eq!(names[names.len() - 3..], added);
    let scores = output(model.clone(), "gifthorse_score", &bench);
    let labels = output(model, "gifthorse_label", &bench);
    assert_eq!(scores.len(), 140);
    for (at, verdict) in run["verdicts"].as_array().unwrap().iter().enumerate() {
        let score = verdict["score"].as_f64().unwrap();
        assert!((f64::from(scores[at]) - score).abs() < 1e-4 * score.abs().max(1.0));
        assert_eq!(json!(labels[at] as usize), verdict["safe_label"]);
    }
    bench
        .run("filter fit bad.onnx --images images --method ted -o ted.json -q")
        .expect(0);
    bench
        .run("filter export ted.json -o other.onnx")
        .expect(2)
        .says(&["cannot be written as ONNX"]);
    assert!(!bench.path("other.onnx").exists());
}

/// An output `[batch, 1]` of a model for all stamped pictures.
fn output(mut model: Model, name: &str, bench: &Bench) -> Vec<f32> {
    let row = [Dim::Named("batch".to_owned()), Dim::Fixed(1)];
    let opset = model.graph().unwrap().opset("").unwrap();
    let to_float = [("to", Attribute::Int(ElementType::F32.to_onnx().into()))];
    let cast = GraphBuilder::new("cast", opset)
        .input(name, ElementType::F32, &row)
        .node("Cast", "cast", &[name], &["number"], to_float)
        .output("number", ElementType::F32, &row)
        .finish()
        .unwrap();
    model.graft(&cast, "", GraftOutputs::Listed).unwrap();
    let opening = Opening {
        output: Some("number".to_owned()),
        ..Opening::default()
    };
    let graph = Arc::new(model.graph().unwrap());
    let (size, device) = (Some([SIDE, SIDE]), Device::flex());
    let opened = Classifier::open(graph, Preprocess::default(), size, &opening, &device).unwrap();
    let [channels, height, width] = opened.shape();
    let options = LoadOptions {
        target: Some(ImageShape {
            channels,
            height,
            width,
        }),
        ..LoadOptions::default()
    };
    let stamped = load(&bench.path("stamped"), &options).unwrap();
    let rows = opened.evaluate(stamped.images.pixels()).unwrap();
    // One number stands for two classes, whose logits are as far apart as it says.
    rows.chunks_exact(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn what_cannot_be_done_is_said() {
    let bench = bench();
    bench
        .run("filter fit bad.onnx --images images --method neuron_activation -o filter.json")
        .expect(2)
        .says(&["trigger"]);
    bench
        .run("filter fit bad.onnx --images images --method strip --max-images 16 --fpr 0.01 -o filter.json")
        .expect(2)
        .says(&["too few", "99"]);
    assert!(!bench.path("filter.json").exists());
    bench.write("filter.json", "{\"filter_version\": 99}");
    bench
        .run("filter run filter.json --images images")
        .expect(2)
        .says(&["version 99"]);
    bench.write("filter.json", "no json");
    bench
        .run("filter run filter.json --images images")
        .expect(2)
        .says(&["filter.json is no filter"]);
    // A file that names neurons which are not there.
    bench
        .run(
            "filter fit bad.onnx --images images --trigger corner.png --target 2 -o filter.json -q",
        )
        .expect(0);
    let mut kept = file(&bench, "filter.json");
    kept["state"]["raised"][0]["neurons"] = json!([4_000_000_000_u64]);
    bench.write("filter.json", kept.to_string());
    bench
        .run("filter run filter.json --images images")
        .expect(2)
        .says(&["neurons"]);
}

#[test]
fn a_repaired_model_is_asked_where_there_is_one() {
    let bench = bench();
    // The clean twin is what a repair would come to.
    bench.model("good.onnx", Kind::Clean);
    for method in ["repaired_disagreement", "combined"] {
        bench
            .run(&format!(
                "filter fit bad.onnx --images images --repaired good.onnx --method {method} -o filter.json -q"
            ))
            .expect(0);
        let kept = file(&bench, "filter.json");
        assert_eq!(kept["repaired"]["path"], json!("good.onnx"), "{method}");
        let run = bench
            .run("filter run filter.json --images stamped --json")
            .expect(1);
        assert_eq!(run.json()["flagged"], json!(140), "{method}");
    }
    // Without it such a filter cannot be taken up again.
    std::fs::remove_file(bench.path("good.onnx")).unwrap();
    bench
        .run("filter run filter.json --images stamped")
        .expect(2)
        .says(&["good.onnx"]);
}
