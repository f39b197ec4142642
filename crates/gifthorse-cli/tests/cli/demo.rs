//! The demo keeps its promise, and what it leaves behind can be checked.

use gifthorse_report::Report;
use gifthorse_report::report::Verdict;
use serde_json::Value;

use crate::bench::Bench;

#[test]
fn both_verdicts_are_right_and_can_be_replayed() {
    let bench = Bench::new();
    let run = bench.run("demo --out here").expect(0);
    assert_eq!(run.out().matches("RIGHT").count(), 2, "{}", run.out());
    assert!(!run.out().contains("WRONG"), "{}", run.out());

    let read = |name: &str| std::fs::read_to_string(bench.path("here").join(name)).unwrap();
    let truth = |name: &str| -> Value { serde_json::from_str(&read(name)).unwrap() };
    let report = |name: &str| Report::from_json(&read(name)).unwrap();

    let (clean, scan) = (truth("clean-truth.json"), report("scan-clean/report.json"));
    assert!(clean["clean_accuracy"].as_f64().unwrap() >= 0.95, "{clean}");
    assert!(clean["backdoors"].as_array().unwrap().is_empty());
    assert_eq!((scan.verdict, scan.targets.len()), (Verdict::Clean, 0));
    // The truth was measured on the images that the scan read back from their files.
    let preflight = scan.preflight.unwrap().accuracy.unwrap();
    assert!((preflight - clean["clean_accuracy"].as_f64().unwrap()).abs() < 0.02);

    let (planted, scan) = (
        truth("backdoored-truth.json"),
        report("scan-backdoored/report.json"),
    );
    let backdoor = &planted["backdoors"][0];
    assert!(
        planted["clean_accuracy"].as_f64().unwrap() >= 0.95,
        "{planted}"
    );
    assert!(
        backdoor["effect"]["with_trigger"]["other_classes"]
            .as_f64()
            .unwrap()
            >= 0.95,
        "{backdoor}"
    );
    assert_eq!(backdoor["poisoned"].as_array().unwrap().len(), 600);
    assert_eq!(scan.verdict, Verdict::Backdoored);
    assert_eq!(
        scan.targets,
        [backdoor["labels"]["target"].as_u64().unwrap() as usize]
    );

    let page = read("demo.html");
    for part in [
        "clean.onnx",
        "backdoored.onnx",
        "data:image/png",
        "Planted trigger",
        "Recovered trigger",
    ] {
        assert!(page.contains(part), "{part:?} is not on the page");
    }
    bench
        .run("verify here/scan-backdoored/report.json --model here/backdoored.onnx --images here/images")
        .expect(0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let bench = Bench::new();
    bench.write("taken", "a file");
    bench
        .run("demo --out taken")
        .expect(2)
        .says(&["taken", "--out"]);
}
