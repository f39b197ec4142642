//! Usage errors and bad input end with status 2 and name what is wrong.

use crate::bench::{Bench, Kind};

#[test]
fn wrong_usage_is_status_2() {
    let bench = Bench::new();
    for arguments in [
        "",
        "scan",
        "scan model.onnx",
        "scan model.onnx --images x --fpr 0.9",
        "scan model.onnx --images x --max-time soon",
        "scan model.onnx --images x --range 0..2",
        "scan model.onnx --images x --preprocess auto --mean 1",
        "inspect model.onnx --input-size 3",
        "--threads 0 inspect model.onnx",
        "open model.onnx",
    ] {
        bench.run(arguments).expect(2);
    }
    assert!(bench.run("--help").expect(0).out().contains("Exit status"));
    assert!(
        bench
            .run("--version")
            .expect(0)
            .out()
            .contains(env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn bad_input_is_status_2_and_named() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Clean);
    bench.write("broken.onnx", b"this is no model");
    std::fs::create_dir(bench.path("empty")).unwrap();
    bench.write("pre.toml", "range = '0..1'\nmeen = [1.0]\n");

    let run = |arguments: &str| bench.run(arguments).expect(2);
    run("scan missing.onnx --images empty").says(&["missing.onnx"]);
    run("scan broken.onnx --images empty").says(&["broken.onnx"]);
    run("inspect broken.onnx").says(&["broken.onnx"]);
    run("scan model.onnx --images nowhere").says(&["nowhere"]);
    run("scan model.onnx --images empty").says(&["empty"]);
    run("scan model.onnx --images empty --preprocess pre.toml").says(&["pre.toml", "meen"]);
    run("scan model.onnx --images empty --classes 1,99").says(&["99", "0 to 7"]);
    run("scan model.onnx --images empty --mean 1,2").says(&["mean", "2 numbers"]);
    run("verify report.json --model model.onnx --images empty").says(&["report.json"]);
    run("verify pre.toml --model model.onnx --images empty").says(&["pre.toml", "report"]);
}

#[test]
fn names_from_files_cannot_move_the_cursor() {
    let bench = Bench::new();
    let run = bench.run("inspect \u{1b}[2Jmodel.onnx").expect(2);
    assert!(!run.err().contains('\u{1b}'), "{:?}", run.err());
}

#[test]
fn completions_and_manual_pages_come_from_the_flags() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = bench.run(&format!("completions {shell}")).expect(0).out();
        assert!(script.contains("max-time"), "{shell}");
    }
    assert!(bench.run("man").expect(0).out().contains(".TH gifthorse 1"));
    bench.run("man --out pages").expect(0);
    let page = std::fs::read_to_string(bench.path("pages/gifthorse-scan.1")).unwrap();
    assert!(page.contains("max\\-time"), "{page}");
}
