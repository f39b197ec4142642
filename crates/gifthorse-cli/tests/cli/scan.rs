//! A planted backdoor is found, the report is whole, and a replay confirms it.

use gifthorse_report::Report;
use serde_json::{Value, json};

use crate::bench::{Bench, Kind, TARGET};

fn schema_of_reports() -> jsonschema::Validator {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../gifthorse-report/schema/report.schema.json"
    );
    let text = std::fs::read_to_string(path).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn report(bench: &Bench, name: &str) -> Report {
    Report::from_json(&std::fs::read_to_string(bench.path(name)).unwrap()).unwrap()
}

#[test]
fn a_planted_backdoor_is_found_reported_and_replayed() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 25, |class| class.to_string());
    let run = bench
        .run("scan bad.onnx --images images --out out")
        .expect(1);
    assert!(run.out().contains("BACKDOORED"), "{}", run.out());
    assert!(
        run.err().contains("at most"),
        "no estimate in {}",
        run.err()
    );

    let found = report(&bench, "out/report.json");
    assert_eq!(found.targets, [TARGET]);
    assert_eq!(found.preflight.as_ref().unwrap().accuracy, Some(1.0));
    assert_eq!(found.images.search + found.images.holdout, 200);
    assert_eq!(found.images.holdout, 64);
    let class = &found.detectors[0].classes[TARGET];
    assert!(class.norm.unwrap() < 6.0, "{class:?}");
    assert_eq!(class.trigger.as_deref(), Some("triggers/2.npz"));
    let text = std::fs::read_to_string(bench.path("out/report.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let schema = schema_of_reports();
    let mistakes: Vec<String> = schema
        .iter_errors(&json)
        .map(|error| error.to_string())
        .collect();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    for file in [
        "report.html",
        "report.sarif",
        "triggers/2.png",
        "triggers/7.npz",
    ] {
        assert!(bench.path("out").join(file).exists(), "{file}");
    }

    let replay = "verify out/report.json --images images --model";
    let holds = bench
        .run(&format!("{replay} bad.onnx --json"))
        .expect(0)
        .json();
    assert_eq!(
        (&holds["holds"], &holds["same_images"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(holds["classes"].as_array().unwrap().len(), 8);
    let report = std::fs::read_to_string(bench.path("out/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(holds["images"], report["images"]["count"]);

    // The same trigger does nothing to a model without the filter.
    bench.model("good.onnx", Kind::Clean);
    bench
        .run(&format!("{replay} good.onnx"))
        .expect(2)
        .says(&["SHA-256", "--force"]);
    let forced = bench
        .run(&format!("{replay} good.onnx --force --json"))
        .expect(1)
        .json();
    assert_eq!(forced["classes"][TARGET]["holds"], false);

    // Other images of the same kind confirm it within the intervals.
    bench.images("fewer", 9, |class| class.to_string());
    let other = replay.replace("--images images", "--images fewer");
    let other = bench
        .run(&format!("{other} bad.onnx --json"))
        .expect(0)
        .json();
    assert_eq!(other["same_images"], false);

    // A report that says more than its triggers do is found out.
    let mut forged = found;
    let class = &mut forged.detectors[0].classes[5];
    (class.norm, class.success_rate) = (Some(1.0), Some(0.5));
    bench.write("out/forged.json", forged.to_json().unwrap());
    let run = bench
        .run("verify out/forged.json --images images --model bad.onnx --json")
        .expect(1);
    assert_eq!(run.json()["classes"][5]["holds"], false);
    assert_eq!(run.json()["classes"][4]["holds"], true);
}

#[test]
fn a_profile_shares_the_time_out_and_leaves_the_report_alone() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 8, |class| class.to_string());
    let run = bench.run("scan bad.onnx --images images --classes 1,2 --json --profile");
    assert_eq!(run.json()["schema_version"], 2);
    let said = run.err();
    assert!(said.contains("MiB of memory"), "{said}");
    let shares: Vec<f64> = said
        .lines()
        .filter_map(|line| line.split_once(" %")?.0.rsplit(' ').next()?.parse().ok())
        .collect();
    assert!(shares.len() > 2, "{said}");
    assert!(shares.is_sorted_by(|a, b| a >= b), "{said}");
    assert!((shares.iter().sum::<f64>() - 100.0).abs() < 1.0, "{said}");
    let filter = said.lines().find(|line| line.contains("blocks")).unwrap();
    let numbers: Vec<f64> = filter
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    // Share, seconds forward and backward, and a rate that no processor's core exceeds.
    assert_eq!(numbers.len(), 4, "{filter}");
    assert!(numbers[3] > 0.0 && numbers[3] < 1000.0, "{filter}");
}

#[test]
fn the_same_seed_gives_the_same_report_on_any_number_of_threads() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 8, |class| class.to_string());
    let scan = "scan bad.onnx --images images --classes 2,5 --json --quiet";
    let on = |more: &str| {
        let run = bench.run(&format!("{scan} {more}"));
        assert!(run.err().is_empty(), "{}", run.err());
        Report::from_json(&run.out()).unwrap().without_times()
    };
    let one = on("--threads 1");
    assert_eq!(one, on("--threads 2"));
    assert_ne!(one, on("--threads 2 --seed 9"));
}

#[test]
fn a_scan_of_some_classes_is_never_clean() {
    let bench = Bench::new();
    bench.model("good.onnx", Kind::Clean);
    bench.images("images", 8, |class| class.to_string());
    let scan = "scan good.onnx --images images --classes 5,1,3 --json";
    let report = bench.run(scan).expect(3).json();
    assert!(
        report["reasons"]
            .to_string()
            .contains("Only 3 of 8 classes")
    );
    assert!(
        report["coverage"]["not_tested"]
            .to_string()
            .contains("other 5 of the 8 classes")
    );
    let searched = report["detectors"][0]["classes"].as_array().unwrap();
    let searched: Vec<_> = searched
        .iter()
        .map(|class| class["class"].as_u64().unwrap())
        .collect();
    assert_eq!(searched, [1, 3, 5]);
}

#[test]
fn no_time_is_inconclusive_and_exit_zero_is_zero() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 8, |class| class.to_string());
    let scan = "scan bad.onnx --images images --max-time 0s --json";
    let report = bench.run(scan).expect(3).json();
    assert_eq!(report["verdict"], "inconclusive");
    assert!(
        report["reasons"][0]
            .as_str()
            .unwrap()
            .contains("8 of 8 classes")
    );
    assert_eq!(report["detectors"][0]["classes"][0]["state"], "skipped");
    bench.run(&format!("{scan} --exit-zero")).expect(0);
    bench
        .run("scan none.onnx --images images --exit-zero")
        .expect(2);
}

#[test]
fn a_model_without_a_backdoor_is_clean_up_to_a_size() {
    let bench = Bench::new();
    bench.model("good.onnx", Kind::Clean);
    bench.images("images", 25, |class| class.to_string());
    let report = bench
        .run("scan good.onnx --images images --json")
        .expect(0)
        .json();
    assert_eq!(report["verdict"], "clean");
    assert!(report["p_value"].as_f64().unwrap() > 0.05);
    let size = &report["coverage"]["largest_trigger"];
    assert_eq!(size["pixels"], report["detectors"][0]["norm_threshold"]);
}
