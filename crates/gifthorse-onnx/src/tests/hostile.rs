//! Bytes made to harm: every one of them is an error or a graph, never a panic.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;

/// Does everything that can be done with a model.
fn use_up(bytes: Vec<u8>) {
    let Ok(mut model) = Model::from_bytes(bytes, Some(Path::new("/absent"))) else {
        return;
    };
    let written = model.to_bytes().unwrap();
    let again = Model::from_bytes(written, None).unwrap();
    assert_eq!(again.proto(), model.proto());
    let Ok(graph) = model.graph() else { return };
    for (name, tensor) in &graph.initializers {
        let _ = (tensor.to_f32(), tensor.to_i64());
        if tensor.strings().is_none() {
            model.set_initializer(name, tensor).unwrap();
        }
    }
    assert_eq!(model.graph().unwrap(), graph);
}

fn golden() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
    [
        "storage.onnx",
        "functions.onnx",
        "external.onnx",
        "built.onnx",
    ]
    .map(|name| fs::read(format!("{folder}{name}")).unwrap())
    .into()
}

#[test]
fn a_truncated_file_is_an_error() {
    for file in golden() {
        for end in (0..file.len()).step_by(7) {
            use_up(file[..end].to_vec());
        }
    }
    assert!(matches!(
        Model::from_bytes(vec![], None),
        Err(Error::NoGraph)
    ));
    let file = &golden()[0];
    let cut = Model::from_bytes(file[..file.len() / 2].to_vec(), None);
    assert!(matches!(cut, Err(Error::Cut)));
}

#[test]
fn things_that_are_no_files_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("absent")] {
        let error = Model::read(&path).unwrap_err();
        assert!(
            matches!(&error, Error::Read { path: named, .. } if *named == path),
            "{error}"
        );
    }
    #[cfg(unix)]
    assert!(matches!(Model::read("/dev/zero"), Err(Error::Read { .. })));
}

#[test]
fn a_file_beyond_two_gibibytes_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.onnx");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(Model::read(&path), Err(Error::Read { .. })));
}

#[test]
fn deep_nesting_is_an_error() {
    let nested = |depth| {
        let mut graph = branch(vec![node("Relu", &["x"], &["i"])], "i");
        for _ in 0..depth {
            graph = branch(
                vec![with_graph(node("If", &["x"], &["i"]), "then_branch", graph)],
                "i",
            );
        }
        model(vec![with_graph(
            node("If", &["x"], &["y"]),
            "then_branch",
            graph,
        )])
    };
    assert!(graph(&nested(10)).is_ok());
    let bytes = nested(200).write_to_bytes().unwrap();
    assert!(matches!(
        Model::from_bytes(bytes, None),
        Err(Error::Parse(_))
    ));
}

#[test]
fn deep_nesting_through_functions_is_an_error() {
    let mut proto = model(vec![]);
    proto.opset_import.push(import("own", 1));
    let call = |n: usize, inputs: &[&str], outputs: &[&str]| {
        let mut call = node(&format!("F{n}"), inputs, outputs);
        call.set_domain("own".to_owned());
        call
    };
    proto.graph.as_mut().unwrap().node = vec![call(0, &["x"], &["y"])];
    for n in 0..50 {
        let mut function = FunctionProto::new();
        function.set_domain("own".to_owned());
        function.set_name(format!("F{n}"));
        function.input = vec!["a".to_owned()];
        function.output = vec!["b".to_owned()];
        function.opset_import = vec![import("", 17), import("own", 1)];
        let inner = match n {
            49 => node("Relu", &["a"], &["i"]),
            _ => call(n + 1, &["a"], &["i"]),
        };
        let node = with_graph(
            node("If", &["a"], &["b"]),
            "then_branch",
            branch(vec![inner], "i"),
        );
        function.node.push(node);
        proto.functions.push(function);
    }
    assert!(matches!(graph(&proto), Err(Error::TooMany { .. })));
}

/// Where to change a file, and to what.
fn mutation() -> impl Strategy<Value = (usize, Vec<(prop::sample::Index, u8)>)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12);
    (0..golden().len(), changes)
}

/// A graph in which every node uses values from before it, in a shuffled order.
fn any_graph() -> impl Strategy<Value = ModelProto> {
    let sources = prop::collection::vec(
        prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        1..20,
    );
    sources.prop_flat_map(|sources| {
        let mut values = vec!["x".to_owned()];
        let nodes: Vec<_> = sources
            .iter()
            .enumerate()
            .map(|(number, sources)| {
                let inputs: Vec<_> = sources.iter().map(|s| s.get(&values).clone()).collect();
                let inputs: Vec<_> = inputs.iter().map(String::as_str).collect();
                let output = format!("v{number}");
                let node = node("Sum", &inputs, &[&output]);
                values.push(output);
                node
            })
            .collect();
        let last = node("Relu", &[values.last().unwrap()], &["y"]);
        let nodes = nodes.into_iter().chain([last]).collect::<Vec<_>>();
        Just(nodes).prop_shuffle().prop_map(model)
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        use_up(bytes);
    }

    /// A valid beginning leads the bytes after it into the graph.
    #[test]
    fn arbitrary_graph_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut file = vec![0x3a, bytes.len() as u8];
        file.extend(bytes);
        use_up(file);
    }

    #[test]
    fn damaged_models_never_panic((which, changes) in mutation()) {
        let mut file = golden().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        use_up(file);
    }

    #[test]
    fn graphs_come_back_whole_and_in_order(proto in any_graph()) {
        let read = graph(&proto).unwrap();
        prop_assert_eq!(read.nodes.len(), proto.graph.node.len());
        let mut known = vec!["x"];
        for node in &read.nodes {
            for input in &node.inputs {
                prop_assert!(known.contains(&input.as_deref().unwrap()));
            }
            known.push(node.output(0).unwrap());
        }
        let written = Model::from_bytes(super::read(&proto).to_bytes().unwrap(), None).unwrap();
        prop_assert_eq!(written.proto(), &proto);
        prop_assert_eq!(written.graph().unwrap(), read);
    }
}
