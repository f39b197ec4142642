//! The script for hooks scans every file that it is given, and fails if one does not pass.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output};

use crate::bench::{Bench, Kind};

fn hook(bench: &Bench, arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hooks/scan-models");
    let binary = Path::new(env!("CARGO_BIN_EXE_gifthorse"));
    let search = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    Command::new(script)
        .args(arguments)
        .current_dir(bench.path(""))
        .env("PATH", search)
        .output()
        .unwrap()
}

#[test]
fn every_model_is_scanned_and_one_that_fails_is_told() {
    let bench = Bench::new();
    bench.model("it's bad.onnx", Kind::Backdoored);
    bench.model("good.onnx", Kind::Clean);
    bench.images("clean images", 25, |class| class.to_string());
    let flags = ["--images", "clean images", "--fail-on", "backdoored", "--"];

    let both = hook(
        &bench,
        &[&flags[..], &["it's bad.onnx", "good.onnx"]].concat(),
    );
    assert_eq!(both.status.code(), Some(1), "{both:?}");
    let said = String::from_utf8_lossy(&both.stdout).into_owned();
    assert!(
        said.contains("it's bad.onnx") && said.contains("good.onnx"),
        "{said}"
    );

    let good = hook(&bench, &[&flags[..], &["good.onnx"]].concat());
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert_eq!(hook(&bench, &["good.onnx"]).status.code(), Some(2));
}
