//! Models that other programs wrote, from the folder that `GIFTHORSE_MODELS` names.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use protobuf::Message as _;

use crate::{Model, proto::ModelProto};

fn models() -> Vec<PathBuf> {
    let Some(folder) = env::var_os("GIFTHORSE_MODELS") else {
        eprintln!("skipped: GIFTHORSE_MODELS is not set");
        return Vec::new();
    };
    let mut found = Vec::new();
    collect(Path::new(&folder), &mut found);
    assert!(
        !found.is_empty(),
        "GIFTHORSE_MODELS names a folder without models"
    );
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "onnx") {
            found.push(path);
        }
    }
}

#[test]
fn every_model_is_read_and_written_again() {
    for path in models() {
        let model = Model::read(&path).unwrap();
        let graph = model
            .graph()
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(!graph.nodes.is_empty());
        assert_eq!(graph.inputs.len(), 1, "{}", path.display());
        assert_eq!(graph.outputs.len(), 1, "{}", path.display());

        let written = model.to_bytes().unwrap();
        let again = ModelProto::parse_from_bytes(&written).unwrap();
        assert_eq!(&again, model.proto(), "{}", path.display());
        assert_eq!(written.len() as u64, fs::metadata(&path).unwrap().len());
    }
}
