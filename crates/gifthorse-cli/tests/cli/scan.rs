//! A planted backdoor is found, the report is whole, and a replay confirms it.

use gifthorse_report::Report;
use gifthorse_report::report::{Detection, TriggerKind, UnitFinding};
use serde_json::{Value, json};

use crate::bench::{Bench, CLASSES, Kind, TARGET};

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

fn neural_cleanse(report: &Report) -> &Detection {
    let mut detections = report.detectors.iter();
    detections
        .find(|detection| detection.name == "neural_cleanse")
        .unwrap()
}

/// The norm that a report states of the trigger that was tried.
fn trigger_norm(finding: &mut UnitFinding) -> &mut Option<f64> {
    let mut measures = finding.measures.iter_mut();
    let of_trigger = measures.find(|measure| measure.name == "trigger_norm");
    &mut of_trigger.unwrap().value
}

/// What a replay says of the patches of Neural Cleanse, in the order of classes.
fn patches(replay: &Value) -> Vec<&Value> {
    let recovered = replay["recovered"].as_array().unwrap();
    let of = recovered
        .iter()
        .filter(|found| found["detector"] == "neural_cleanse");
    of.collect()
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
    let images = found.images.as_ref().unwrap();
    assert_eq!(images.search + images.holdout, 200);
    assert_eq!(images.holdout, 64);
    let class = neural_cleanse(&found).of_class(TARGET).unwrap();
    assert!(class.statistic.unwrap() < 6.0, "{class:?}");
    let file = class.trigger.as_ref().unwrap();
    assert_eq!(file.path, "triggers/neural_cleanse/2.npz");
    assert_eq!(file.kind, TriggerKind::Patch);
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
        "triggers/neural_cleanse/2.png",
        "triggers/neural_cleanse/7.npz",
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
    assert_eq!(patches(&holds).len(), 8);
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
    assert_eq!(patches(&forced)[TARGET]["holds"], false);

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
    let findings = &mut forged.detectors[0].findings;
    *trigger_norm(&mut findings[5]) = Some(1.0);
    findings[5].success_rate = Some(0.5);
    // Nor can the size that the verdict rests on be far below that of the trigger.
    findings[6].statistic = Some(1.0);
    bench.write("out/forged.json", forged.to_json().unwrap());
    let run = bench
        .run("verify out/forged.json --images images --model bad.onnx --json")
        .expect(1);
    let replay = run.json();
    let replayed = patches(&replay);
    assert_eq!(replayed[5]["holds"], false);
    assert_eq!(replayed[5]["norm"]["holds"], false);
    assert_eq!(replayed[6]["norm"]["holds"], false);
    assert_eq!(replayed[4]["holds"], true);
}

#[test]
fn a_profile_shares_the_time_out_and_leaves_the_report_alone() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 8, |class| class.to_string());
    let run = bench.run("scan bad.onnx --images images --classes 1,2 --json --profile");
    assert_eq!(run.json()["schema_version"], 3);
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
    let searched = report["detectors"][0]["findings"].as_array().unwrap();
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
    assert_eq!(report["detectors"][0]["findings"][0]["state"], "skipped");
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
    assert_eq!(size["pixels"], report["detectors"][0]["unit_threshold"]);
}

#[test]
fn searches_from_each_class_are_run_by_name_and_replayed_on_images_of_that_class() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Backdoored);
    bench.images("images", 25, |class| class.to_string());
    let scan = "scan model.onnx --images images --detector source_patch --out out --exit-zero";
    bench.run(scan).expect(0);
    let report = std::fs::read_to_string(bench.path("out/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    // Nothing is known of its sizes in clean models.
    assert_eq!(report["verdict"], "inconclusive");
    let findings = report["detectors"][0]["findings"].as_array().unwrap();
    let led_to_target =
        |finding: &&serde_json::Value| finding["source"] != TARGET && finding["class"] == TARGET;
    let led = findings.iter().filter(led_to_target).count();
    assert!(led > CLASSES / 2, "{led} of {CLASSES}");
    bench
        .run("verify out/report.json --model model.onnx --images images")
        .expect(0);

    // Beside the others it takes nothing off what was not tested, as long as it has no part in the
    // verdict.
    let scan = "scan model.onnx --images images --detector thorough --json --exit-zero";
    let report = bench.run(scan).expect(0).json();
    let gaps = report["coverage"]["not_tested"].to_string();
    assert!(
        gaps.contains("only work on images of certain classes"),
        "{gaps}"
    );
    assert!(gaps.contains("has no part in the verdict"), "{gaps}");
}

#[test]
fn a_second_opinion_is_told_and_changes_no_verdict() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 25, |class| class.to_string());
    let scan = "scan bad.onnx --images images --json";
    let alone = bench.run(scan).expect(1).json();
    let asked = bench.run(&format!("{scan} --second-opinion"));
    let asked = asked.expect(1).json();
    for same in ["verdict", "targets", "p_value"] {
        assert_eq!(alone[same], asked[same], "{same}");
    }
    let reasons = |report: &Value| report["reasons"].as_array().unwrap().len();
    assert_eq!(reasons(&asked), reasons(&alone) + 1);
    let report: Report = serde_json::from_value(asked).unwrap();
    let class = neural_cleanse(&report).of_class(TARGET).unwrap();
    let mut measures = class.measures.iter();
    let similarity = measures.find(|measure| measure.name == "feature_similarity");
    // The trigger wakes a filter of its own.
    assert!(similarity.unwrap().value.unwrap() < 0.7, "{class:?}");
}
