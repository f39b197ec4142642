//! Models that other people trained, where the variable GIFTHORSE_MODELS names a folder of them.

use std::path::{Path, PathBuf};

use crate::bench::Bench;

#[test]
fn every_model_can_be_inspected() {
    let Some(folder) = std::env::var_os("GIFTHORSE_MODELS") else {
        println!("skipped: GIFTHORSE_MODELS is not set");
        return;
    };
    let models = onnx_files(Path::new(&folder));
    assert!(!models.is_empty(), "no .onnx file below {folder:?}");
    let bench = Bench::new();
    for model in models {
        let found = bench
            .run(&format!("inspect --json {}", model.display()))
            .expect(0)
            .json();
        let classes = found["classifier"]["classes"].as_u64();
        assert!(
            classes.is_some_and(|classes| classes >= 10),
            "{}: {}",
            model.display(),
            found["problem"]
        );
    }
}

fn onnx_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => onnx_files(&path),
            false => vec![path],
        })
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "onnx")
        })
        .collect()
}
