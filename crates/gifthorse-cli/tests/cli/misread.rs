//! What a model makes of images that are not prepared as it expects is told with its likely cause.

use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};
use image::{Rgb, RgbImage};
use serde_json::json;

use crate::bench::{Bench, Kind, classifier};

const SIDE: u32 = 8;

/// The strongest colour of pixels from 0 to 255, or the first class if none is strong.
fn colours() -> GraphBuilder {
    let side = Dim::Fixed(SIDE as usize);
    let image = [Dim::Fixed(1), Dim::Fixed(3), side.clone(), side];
    let mut graph = GraphBuilder::new("colours", 17);
    graph.input("data", ElementType::F32, &image);
    vote(&mut graph);
    graph
}

/// What follows the input `data`.
fn vote(graph: &mut GraphBuilder) {
    let mut votes = vec![0.0; 12];
    for colour in 0..3 {
        votes[3 * (colour + 1) + colour] = 20.0;
    }
    graph
        .initializer("byte", &[], [255.0])
        .initializer("votes", &[4, 3], votes)
        .initializer("dark", &[4], [2.0, 0.0, 0.0, 0.0])
        .node("Div", "scale", &["data", "byte"], &["scaled"], [])
        .node("GlobalAveragePool", "mean", &["scaled"], &["means"], [])
        .node("Flatten", "flat", &["means"], &["flat"], [])
        .node(
            "Gemm",
            "vote",
            &["flat", "votes", "dark"],
            &["y"],
            [("transB", Attribute::Int(1))],
        )
        .output("y", ElementType::F32, &[]);
}

/// Pictures without labels, a third of each colour.
fn pictures(bench: &Bench) {
    std::fs::create_dir(bench.path("pictures")).unwrap();
    for at in 0..60_u32 {
        let strong = (at % 3) as usize;
        let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let mut pixel = [(20 + (at * 7 + x * 5 + y * 3) % 40) as u8; 3];
            pixel[strong] += 150;
            Rgb(pixel)
        });
        picture
            .save(bench.path(&format!("pictures/{at}.png")))
            .unwrap();
    }
}

#[test]
fn the_files_own_word_on_its_input_is_the_first_reason() {
    let bench = Bench::new();
    pictures(&bench);
    colours()
        .metadata("Image.BitmapPixelFormat", "Bgr8")
        .metadata("Image.NominalPixelRange", "NominalRange_0_255")
        .finish()
        .unwrap()
        .write(bench.path("said.onnx"))
        .unwrap();
    let flags = "--range=0..255 --channels bgr";
    let run = bench
        .run("scan said.onnx --images pictures --json")
        .expect(3);
    let report = run.json();
    run.says(&["all 60 images for class 0", "metadata", flags]);
    let reason = report["reasons"][0].as_str().unwrap();
    assert!(
        reason.contains(flags) && reason.contains("metadata"),
        "{reason}"
    );
    let findings = report["detectors"][0]["findings"].as_array().unwrap();
    assert!(findings.iter().all(|found| found["state"] == "skipped"));
    // What it says to type can be typed, and the classes are there.
    let right = bench.run(&format!("scan said.onnx --images pictures --json {flags}"));
    assert_eq!(right.json()["preflight"]["predicted_classes"], 3);
    // With other flags the file is told to say otherwise, and nothing more.
    bench
        .run("scan said.onnx --images pictures --range 0..255")
        .says(&["the file's metadata says --range=0..255 --channels bgr, and"]);
    // The user may know better.
    let forced = bench
        .run("scan said.onnx --images pictures --json --force")
        .json();
    assert!(!forced["reasons"][0].as_str().unwrap().contains("metadata"));
}

#[test]
fn without_its_word_the_usual_ranges_with_more_classes_are_named() {
    let bench = Bench::new();
    pictures(&bench);
    colours()
        .finish()
        .unwrap()
        .write(bench.path("silent.onnx"))
        .unwrap();
    bench
        .run("scan silent.onnx --images pictures")
        .expect(3)
        .says(&["all 60 images for class 0", "3 classes with --range=0..255"]);
}

#[test]
fn logits_that_are_not_numbers_are_no_low_accuracy() {
    let bench = Bench::new();
    let mut graph = classifier(Kind::Clean);
    // The logarithm of something below zero, for the class that an image is of.
    graph
        .initializer("seven", &[], [7.0])
        .node("Sub", "short", &["seven", "votes"], &["short"], [])
        .node("Log", "log", &["short"], &["odd"], [])
        .output("odd", ElementType::F32, &[]);
    graph
        .finish()
        .unwrap()
        .write(bench.path("odd.onnx"))
        .unwrap();
    bench.images("images", 12, |class| class.to_string());
    bench
        .run("scan odd.onnx --images images --output odd")
        .expect(2)
        .says(&[
            "on 96 of 96 images",
            "not numbers",
            "0, 1, 2, 3, 4, 5, 6, 7",
        ]);
}

#[test]
fn preprocessing_is_read_from_a_processors_file() {
    let bench = Bench::new();
    pictures(&bench);
    colours()
        .finish()
        .unwrap()
        .write(bench.path("model.onnx"))
        .unwrap();
    let processor =
        json!({ "do_rescale": false, "do_normalize": false, "do_flip_channel_order": true });
    bench.write("preprocessor_config.json", processor.to_string());
    let report = bench
        .run("scan model.onnx --images pictures --preprocess preprocessor_config.json --json")
        .json();
    assert_eq!(report["preprocess"]["range"], json!([0.0, 255.0]));
    assert_eq!(report["preprocess"]["channels"], "bgr");
    assert_eq!(report["preflight"]["predicted_classes"], 3);
    bench.write("broken.json", "{");
    bench
        .run("scan model.onnx --images pictures --preprocess broken.json")
        .expect(2)
        .says(&["broken.json is no preprocessing"]);
}

#[test]
fn a_model_of_whole_numbers_gets_pixels_as_they_are_in_files() {
    let bench = Bench::new();
    pictures(&bench);
    let side = SIDE as usize;
    let image = [side, side, 3].map(Dim::Fixed);
    let float = [("to", Attribute::Int(1))];
    let turn = [("perm", Attribute::Ints(vec![0, 3, 1, 2]))];
    let mut graph = GraphBuilder::new("bytes", 17);
    graph
        .input("image", ElementType::U8, &image)
        .initializer_i64("front", &[1], [0])
        .node("Cast", "cast", &["image"], &["numbers"], float)
        .node("Unsqueeze", "batch", &["numbers", "front"], &["one"], [])
        .node("Transpose", "turn", &["one"], &["data"], turn);
    vote(&mut graph);
    graph
        .finish()
        .unwrap()
        .write(bench.path("bytes.onnx"))
        .unwrap();
    let report = bench
        .run("scan bytes.onnx --images pictures --max-time 0s --json")
        .expect(3)
        .json();
    assert_eq!(report["preprocess"]["range"], json!([0.0, 255.0]));
    assert_eq!(report["model"]["input"]["shape"], json!([3, 8, 8]));
    assert_eq!(report["preflight"]["predicted_classes"], 3);
    assert_eq!(report["health"]["ok"], true, "{report}");
}
