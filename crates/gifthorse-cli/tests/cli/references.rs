//! Clean models of the user's own to measure by.

use gifthorse_report::Report;
use gifthorse_report::report::Calibration;

use crate::bench::{Bench, Kind, TARGET};

#[test]
fn references_are_scanned_or_read_and_named_in_the_report() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.model("good.onnx", Kind::Clean);
    bench.images("images", 25, |class| class.to_string());
    let first = bench
        .run("scan bad.onnx --images images --out one --reference good.onnx")
        .expect(1);
    assert!(
        first.err().contains("reference 1 of 1: good.onnx"),
        "{}",
        first.err()
    );
    let read = |name: &str| {
        Report::from_json(&std::fs::read_to_string(bench.path(name)).unwrap()).unwrap()
    };
    let report = read("one/report.json");
    assert_eq!(report.targets, [TARGET]);
    let models = match &report.calibration {
        Calibration::References { models, .. } => models.clone(),
        _ => Vec::new(),
    };
    assert_eq!(models.len(), 1, "{:?}", report.calibration);
    assert_eq!(models[0].name, "good.onnx");
    let mut measures = models[0].measures.iter();
    assert!(measures.any(|measure| measure.name == "max_min_ratio" && measure.value.is_some()));

    // The report of the reference's own scan says the same as a scan of it.
    bench.run("scan good.onnx --images images --out good --exit-zero");
    bench
        .run("scan bad.onnx --images images --out two --reference good/report.json")
        .expect(1);
    let again = read("two/report.json");
    assert_eq!(again.p_value, report.p_value);
    assert_eq!(
        again.detectors[0].unit_threshold,
        report.detectors[0].unit_threshold
    );

    // A model that would count twice is refused, and the scanned one is left out of its own
    // yardsticks.
    bench
        .run("scan bad.onnx --images images --reference good.onnx good/report.json")
        .expect(2)
        .says(&["good/report.json is the same model as good.onnx"]);
    bench
        .run("scan bad.onnx --images images --out three --reference two/report.json")
        .expect(1)
        .says(&["two/report.json is the scanned model itself"]);
    assert!(matches!(
        read("three/report.json").calibration,
        Calibration::Library { .. }
    ));

    // One that does not fit is refused by name, before anything is searched.
    let mut other = read("good/report.json");
    other.model.classes = 9;
    bench.write("other.json", other.to_json().unwrap());
    bench
        .run("scan bad.onnx --images images --reference other.json")
        .expect(2)
        .says(&["other.json", "9 classes"]);
    let mut preset = read("good/report.json");
    preset.detectors[0].preset = "paper".to_owned();
    bench.write("preset.json", preset.to_json().unwrap());
    bench
        .run("scan bad.onnx --images images --reference preset.json")
        .expect(2)
        .says(&["preset.json", "neural_cleanse standard"]);
    bench
        .run("scan bad.onnx --images images --reference good/report.json --classes 1,2")
        .expect(2)
        .says(&["--classes"]);
    bench
        .run("scan good.onnx --images images --reference one/report.json")
        .expect(2)
        .says(&["one/report.json", "looks backdoored itself"]);
}
