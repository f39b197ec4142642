//! The pre-flight refuses what would end in a wrong verdict, and says what to type instead.

use serde_json::json;

use crate::bench::{Bench, CLASSES, Kind};

/// Searches end after one step; these tests are about what comes before.
const SCAN: &str = "scan model.onnx --max-time 0s --json --images";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Clean);
    bench
}

#[test]
fn a_wrong_range_is_found_and_the_right_one_named() {
    let bench = bench();
    bench.images("images", 12, |class| class.to_string());
    let refused = bench
        .run(&format!("{SCAN} images --range 0..255"))
        .expect(2);
    let refused = refused.says(&["--range=0..1", "100.0 %", "--force"]);
    assert!(refused.out().is_empty());

    // What the error says to type can be typed.
    bench.run(&format!("{SCAN} images --range=0..1")).expect(3);

    let auto = bench
        .run(&format!("{SCAN} images --preprocess auto"))
        .expect(3)
        .json();
    assert_eq!(auto["preprocess"]["range"], json!([0.0, 1.0]));
    assert_eq!(auto["preprocess"]["chosen_by"], "auto");
    assert_eq!(auto["preflight"]["accuracy"], 1.0);

    let forced = bench
        .run(&format!("{SCAN} images --range 0..255 --force"))
        .expect(3)
        .json();
    assert!(forced["preflight"]["accuracy"].as_f64().unwrap() < 0.3);
    assert!(
        forced["preflight"]["message"]
            .as_str()
            .unwrap()
            .contains("forced")
    );
    assert_eq!(forced["preprocess"]["chosen_by"], "user");
}

#[test]
fn preprocessing_is_read_from_a_file() {
    let bench = bench();
    bench.images("images", 4, |class| class.to_string());
    bench.write(
        "pre.toml",
        "range = '0..255'\nmean = [0.0]\nstd = [255.0, 255.0, 255.0]\n",
    );
    let report = bench
        .run(&format!("{SCAN} images --preprocess pre.toml"))
        .expect(3)
        .json();
    assert_eq!(report["preprocess"]["range"], json!([0.0, 255.0]));
    assert_eq!(report["preprocess"]["std"], json!([255.0, 255.0, 255.0]));
    assert_eq!(report["preflight"]["accuracy"], 1.0);
}

#[test]
fn permuted_labels_are_found_and_named() {
    let bench = bench();
    bench.images("images", 12, |class| (CLASSES - 1 - class).to_string());
    let run = bench.run(&format!("{SCAN} images")).expect(2);
    run.says(&[
        "reverse order",
        "100.0 %",
        "--label-order 7,6,5,4,3,2,1,0",
        "label 0 is the model's class 7",
    ]);
    // What the error says to type can be typed.
    let report = bench
        .run(&format!("{SCAN} images --label-order 7,6,5,4,3,2,1,0"))
        .expect(3)
        .json();
    assert_eq!(report["preflight"]["accuracy"], 1.0);
    assert_eq!(report["images"]["label_order"], "7,6,5,4,3,2,1,0");
}

#[test]
fn folders_are_the_classes_that_they_are_called_by() {
    let bench = bench();
    // Sorted as text, the letters run the other way than the classes.
    let name = |class: usize| char::from(b'h' - class as u8).to_string();
    bench.images("images", 12, name);
    bench.run(&format!("{SCAN} images")).expect(2).says(&[
        "a is the model's class 7",
        "--label-order h,g,f,e,d,c,b,a",
        "sorted as text",
    ]);
    bench.write("names.json", r#"{"id2label": {"0": "h", "1": "g", "2": "f", "3": "e", "4": "d", "5": "c", "6": "b", "7": "a"}}"#);
    let run = format!("{SCAN} images --class-names names.json");
    let report = bench.run(&run).expect(3).json();
    assert_eq!(report["preflight"]["accuracy"], 1.0);
    assert_eq!(report["images"]["class_names"], "names.json");
}

#[test]
fn a_class_without_images_is_told_and_shifts_no_other() {
    let bench = bench();
    bench.images("images", 12, |class| class.to_string());
    std::fs::remove_dir_all(bench.path("images/2")).unwrap();
    let run = bench.run(&format!("{SCAN} images")).expect(3);
    let run = run.says(&["1 of the model's 8 classes have no image (2)"]);
    assert_eq!(run.json()["preflight"]["accuracy"], 1.0);
}

#[test]
fn images_of_one_class_leave_that_class_unsearched_and_search_the_others() {
    let bench = bench();
    let folder = |class: usize| if class == 3 { "3" } else { "others" }.to_owned();
    bench.images("images", 40, folder);
    let run = bench
        .run("scan model.onnx --json --images images/3")
        .expect(3);
    let run = run.says(&["class 3 is not searched, since all images are of this class"]);
    let report = run.json();
    let findings = report["detectors"][0]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), CLASSES);
    for finding in findings {
        let skipped = finding["state"] == "skipped";
        assert_eq!(skipped, finding["class"] == 3, "{finding}");
    }
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains("All images are of class 3"), "{reasons}");

    // With labels it is the same, and the model is right.
    std::fs::create_dir(bench.path("one")).unwrap();
    std::fs::rename(bench.path("images/3"), bench.path("one/3")).unwrap();
    let run = bench.run(&format!("{SCAN} one")).expect(3);
    let run = run.says(&[
        "class 3 (3) is not searched, since all images are of this class",
        "7 of the model's 8 classes",
    ]);
    assert_eq!(run.json()["preflight"]["accuracy"], 1.0);
}

#[test]
fn images_that_are_not_the_models_are_refused() {
    let bench = bench();
    // Every class has the same pictures: no order of the labels and no preprocessing helps.
    for class in 0..CLASSES {
        bench.images(&format!("images/{class}"), 2, |_| "images".to_owned());
    }
    bench
        .run(&format!("{SCAN} images"))
        .expect(2)
        .says(&["chance", "--labels"]);
}

#[test]
fn a_label_beyond_the_classes_is_named() {
    let bench = bench();
    bench.images("images", 2, |class| (class + 1).to_string());
    std::fs::create_dir(bench.path("images/0")).unwrap();
    bench
        .run(&format!("{SCAN} images"))
        .expect(2)
        .says(&["label 8", "0 to 7"]);
}

#[test]
fn images_without_labels_are_scanned_and_the_report_says_so() {
    let bench = bench();
    bench.images("images", 4, |_| String::new());
    let report = bench.run(&format!("{SCAN} images")).expect(3).json();
    assert_eq!(report["preflight"]["accuracy"], json!(null));
    assert_eq!(report["images"]["labelled"], false);
    assert!(
        report["preflight"]["message"]
            .as_str()
            .unwrap()
            .contains("no labels")
    );
    assert!(report["reasons"].to_string().contains("no labels"));
    bench
        .run(&format!("{SCAN} images --preprocess auto"))
        .expect(2)
        .says(&["needs labels"]);
}

#[test]
fn one_unreadable_image_is_a_warning() {
    let bench = bench();
    bench.images("images", 4, |class| class.to_string());
    bench.write("images/3/broken.png", b"\x89PNG\r\n\x1a\nnot a picture");
    let run = bench.run(&format!("{SCAN} images")).expect(3);
    let report = run.json();
    run.says(&["1 image could not be read", "broken.png"]);
    assert_eq!(report["images"]["count"], 4 * CLASSES);
    assert!(
        report["images"]["warnings"]
            .to_string()
            .contains("broken.png")
    );
}
