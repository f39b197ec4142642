//! A scan that is compared with an earlier report, and what the exit status then tells.

use gifthorse_report::Report;

use crate::bench::{Bench, Blind, Kind, TARGET};

#[test]
fn a_backdoor_that_was_added_is_told_from_one_that_was_there() {
    let bench = Bench::new();
    bench.model("before.onnx", Kind::Clean);
    bench.model("after.onnx", Kind::Backdoored);
    bench.images("images", 25, |class| class.to_string());
    bench.run("scan before.onnx --images images --out before --fail-on never");
    let run = bench
        .run("scan after.onnx --images images --out after --baseline before/report.json --fail-on added")
        .expect(1);
    assert!(
        run.out().contains("1 target class was added"),
        "{}",
        run.out()
    );
    let read = |name: &str| {
        Report::from_json(&std::fs::read_to_string(bench.path(name)).unwrap()).unwrap()
    };
    let baseline = read("after/report.json").baseline.unwrap();
    assert_eq!(baseline.added, [TARGET]);
    let change = &baseline.detectors[0];
    assert_eq!(change.detector, "neural_cleanse");
    assert_eq!(change.changes[0].class, TARGET, "{:?}", change.changes);

    // The same backdoor again is none that was added, but still one.
    let scan = "scan after.onnx --images images --work work --baseline after/report.json --fail-on";
    let again = bench.run(&format!("{scan} added")).expect(0);
    assert!(
        again.out().contains("No target class was added"),
        "{}",
        again.out()
    );
    bench.run(&format!("{scan} backdoored")).expect(1);
    bench.run(&format!("{scan} never")).expect(0);
}

#[test]
fn what_cannot_be_compared_is_refused_before_the_search() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Clean);
    bench.images("images", 25, |class| class.to_string());
    bench.run("scan model.onnx --images images --out out --exit-zero");
    let mut other =
        Report::from_json(&std::fs::read_to_string(bench.path("out/report.json")).unwrap())
            .unwrap();
    other.model.classes = 43;
    bench.write("other.json", other.to_json().unwrap());
    bench
        .run("scan model.onnx --images images --baseline other.json")
        .expect(2)
        .says(&["other.json", "43 classes"]);
    bench
        .run("scan model.onnx --images images --baseline missing.json")
        .expect(2)
        .says(&["missing.json"]);
    bench
        .run("scan model.onnx --images images --fail-on added")
        .expect(2)
        .says(&["--baseline"]);
}

#[test]
fn inconclusive_can_be_let_pass() {
    let bench = Bench::new();
    bench.model("rounded.onnx", Kind::Blinding(Blind::Steps("Round")));
    bench.images("images", 25, |class| class.to_string());
    bench.run("scan rounded.onnx --images images").expect(3);
    bench
        .run("scan rounded.onnx --images images --fail-on backdoored")
        .expect(0);
}
