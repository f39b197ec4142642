//! External data: read where they may be, refused everywhere else.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::*;
use crate::ExternalProblem;

/// A folder `m` with a model's data in it, and something to steal beside it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("m/sub")).unwrap();
    fs::write(folder.path().join("m/data"), numbers()).unwrap();
    fs::write(folder.path().join("m/sub/data"), numbers()).unwrap();
    fs::write(folder.path().join("secret"), numbers()).unwrap();
    folder
}

fn numbers() -> Vec<u8> {
    (0..4u8).flat_map(|n| f32::from(n).to_le_bytes()).collect()
}

/// A model with a tensor of two floats at this place.
fn at(entries: &[(&str, &str)]) -> ModelProto {
    let mut weight = tensor("w", &[2]);
    weight.set_data_location(tensor_proto::DataLocation::EXTERNAL);
    weight.external_data = entries
        .iter()
        .map(|(key, value)| entry(key, value))
        .collect();
    let mut proto = model(vec![node("Relu", &["x"], &["y"])]);
    proto.graph.as_mut().unwrap().initializer.push(weight);
    proto
}

fn values(folder: &Path, entries: &[(&str, &str)]) -> Result<Vec<f32>, Error> {
    let bytes = at(entries).write_to_bytes().unwrap();
    let graph = Model::from_bytes(bytes, Some(folder)).unwrap().graph()?;
    graph.initializers["w"].to_f32()
}

fn problem(folder: &Path, entries: &[(&str, &str)]) -> ExternalProblem {
    match values(folder, entries) {
        Err(Error::External {
            tensor, problem, ..
        }) => {
            assert_eq!(tensor, "w");
            problem
        }
        other => panic!("{entries:?}: {other:?}"),
    }
}

#[test]
fn a_file_by_onnx_itself_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
    let graph = Model::read(format!("{folder}external.onnx"))
        .unwrap()
        .graph()
        .unwrap();
    assert_eq!(
        graph.initializers["w2"].to_f32().unwrap(),
        [0.0, 0.25, 0.5, 0.75]
    );
    assert_eq!(graph.initializers["w3"].to_f32().unwrap()[8], 2.0);
}

#[test]
fn offset_and_length_choose_the_bytes() {
    let folder = folder();
    let m = folder.path().join("m");
    let of = |entries: &[(&str, &str)]| values(&m, entries).unwrap();
    assert_eq!(of(&[("location", "data")]), [0.0, 1.0]);
    assert_eq!(
        of(&[("location", "./sub/data"), ("offset", "8"), ("length", "8")]),
        [2.0, 3.0]
    );
}

#[test]
fn ranges_outside_the_file_are_refused() {
    let folder = folder();
    let m = folder.path().join("m");
    let place = ("location", "data");
    let huge = u64::MAX.to_string();
    for range in [
        [("offset", "12"), ("length", "8")],
        [("offset", &huge), ("length", "8")],
        [("offset", "0"), ("length", &huge)],
    ] {
        let problem = problem(&m, &[place, range[0], range[1]]);
        assert!(
            matches!(problem, ExternalProblem::Range { size: 16, .. }),
            "{problem}"
        );
    }
    let short = problem(&m, &[place, ("length", "4")]);
    assert!(matches!(
        short,
        ExternalProblem::Length {
            found: 4,
            expected: 8
        }
    ));
    for text in ["-8", "eight", ""] {
        let problem = problem(&m, &[place, ("offset", text)]);
        assert!(
            matches!(problem, ExternalProblem::Number { key: "offset", .. }),
            "{problem}"
        );
    }
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let folder = folder();
    let m = folder.path().join("m");
    let secret = folder.path().join("secret");
    for location in [
        "../secret",
        "sub/../../secret",
        secret.to_str().unwrap(),
        "..",
        "/",
        "",
    ] {
        let problem = problem(&m, &[("location", location)]);
        assert!(
            matches!(problem, ExternalProblem::Outside),
            "{location}: {problem}"
        );
    }
    assert!(matches!(
        problem(&m, &[("location", "absent")]),
        ExternalProblem::Io(_)
    ));
    assert!(matches!(
        problem(&m, &[("location", "sub")]),
        ExternalProblem::NotAFile
    ));
    assert!(matches!(problem(&m, &[]), ExternalProblem::NoLocation));
    let error = graph(&at(&[("location", "data")])).unwrap_err();
    let Error::External { problem, .. } = error else {
        panic!("{error}")
    };
    assert!(matches!(problem, ExternalProblem::NoFolder));
}

#[cfg(unix)]
#[test]
fn links_are_followed_only_inside_the_folder() {
    use std::os::unix::fs::symlink;

    let folder = folder();
    let m = folder.path().join("m");
    symlink("data", m.join("inside")).unwrap();
    symlink("../secret", m.join("outside")).unwrap();
    symlink("..", m.join("up")).unwrap();
    symlink("loop", m.join("loop")).unwrap();
    assert_eq!(values(&m, &[("location", "inside")]).unwrap(), [0.0, 1.0]);
    for location in ["outside", "up/secret"] {
        let problem = problem(&m, &[("location", location)]);
        assert!(
            matches!(problem, ExternalProblem::Outside),
            "{location}: {problem}"
        );
    }
    assert!(matches!(
        problem(&m, &[("location", "loop")]),
        ExternalProblem::Io(_)
    ));
    assert!(matches!(
        problem(&m, &[("location", "/dev/zero")]),
        ExternalProblem::Outside
    ));
}

#[test]
fn a_model_takes_its_data_along() {
    let source = folder();
    let path = source.path().join("m/model.onnx");
    let entries = [("location", "sub/data"), ("offset", "8")];
    fs::write(&path, at(&entries).write_to_bytes().unwrap()).unwrap();
    let model = Model::read(&path).unwrap();
    model.write(&path).unwrap();
    assert_eq!(
        fs::read(source.path().join("m/sub/data")).unwrap(),
        numbers()
    );

    let target = tempfile::tempdir().unwrap();
    let copy = target.path().join("copy.onnx");
    // The second time finds its own copy there.
    for _ in 0..2 {
        model.write(&copy).unwrap();
        let copied = Model::read(&copy).unwrap();
        assert_eq!(copied.proto(), model.proto());
        assert_eq!(copied.graph().unwrap(), model.graph().unwrap());
    }

    fs::write(target.path().join("sub/data"), b"precious").unwrap();
    let error = model.write(&copy).unwrap_err();
    let occupied = |p: &ExternalProblem| matches!(p, ExternalProblem::Occupied(_));
    assert!(
        matches!(&error, Error::External { problem, .. } if occupied(problem)),
        "{error}"
    );
    assert_eq!(
        fs::read(target.path().join("sub/data")).unwrap(),
        b"precious"
    );
}

#[test]
fn a_replaced_tensor_is_no_longer_external() {
    let folder = folder();
    let bytes = at(&[("location", "data")]).write_to_bytes().unwrap();
    let mut model = Model::from_bytes(bytes, Some(&folder.path().join("m"))).unwrap();
    let new = crate::Tensor::from_f32("", &[2], &[8.0, 9.0]).unwrap();
    model.set_initializer("w", &new).unwrap();
    let alone = Model::from_bytes(model.to_bytes().unwrap(), None).unwrap();
    assert_eq!(
        alone.graph().unwrap().initializers["w"].to_f32().unwrap(),
        [8.0, 9.0]
    );
}

/// A model whose tensor of 2^16 floats lies in the file `large` of this folder.
fn large(folder: &Path) -> crate::Graph {
    let values: Vec<u8> = (0..1 << 16)
        .flat_map(|n| (n as f32).to_le_bytes())
        .collect();
    fs::write(folder.join("large"), values).unwrap();
    let mut weight = tensor("w", &[1 << 16]);
    weight.set_data_location(tensor_proto::DataLocation::EXTERNAL);
    weight.external_data = vec![entry("location", "large")];
    let mut proto = model(vec![node("Relu", &["x"], &["y"])]);
    proto.graph.as_mut().unwrap().initializer.push(weight);
    let bytes = proto.write_to_bytes().unwrap();
    let model = Model::from_bytes(bytes, Some(folder)).unwrap();
    model.graph().unwrap()
}

#[test]
fn each_file_that_a_model_names_is_listed_once() {
    let folder = folder();
    let m = folder.path().join("m");
    let mut proto = at(&[("location", "sub/data")]);
    for (name, location) in [("v", "data"), ("u", "./data"), ("t", "data")] {
        let mut weight = at(&[("location", location)])
            .graph
            .unwrap()
            .initializer
            .remove(0);
        weight.set_name(name.to_owned());
        proto.graph.as_mut().unwrap().initializer.push(weight);
    }
    let read = |folder: &Path| {
        let bytes = proto.write_to_bytes().unwrap();
        Model::from_bytes(bytes, Some(folder))
            .unwrap()
            .external_files()
    };
    let m = m.canonicalize().unwrap();
    assert_eq!(read(&m).unwrap(), [m.join("data"), m.join("sub/data")]);
    assert!(matches!(read(folder.path()), Err(Error::External { .. })));
    let alone = model(vec![node("Relu", &["x"], &["y"])]);
    let alone = Model::from_bytes(alone.write_to_bytes().unwrap(), None).unwrap();
    assert_eq!(
        alone.external_files().unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn large_data_are_read_when_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let weight = large(folder.path()).initializers["w"].clone();
    assert_eq!(weight.held(), 0);
    let values = weight.to_f32().unwrap();
    assert_eq!((values.len(), values[65_535]), (1 << 16, 65_535.0));
    assert_eq!(weight.bytes().unwrap().unwrap().len(), 4 << 16);
    assert_eq!(weight.held(), 0);
}

#[test]
fn a_file_that_shrinks_after_it_was_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let graph = large(folder.path());
    fs::write(folder.path().join("large"), [0; 100]).unwrap();
    let error = graph.initializers["w"].to_f32().unwrap_err();
    assert!(error.to_string().contains("`large`"), "{error}");
}
