//! Weights are replaced in the type and at the place in which the file holds them.

use std::{fs, path::Path};

use proptest::prelude::*;
use tensor_proto::DataType;

use super::*;
use crate::{ElementType, ExternalProblem, TensorProblem};

const VALUES: [f32; 3] = [0.1, -2.5, 1000.123];

fn stored(name: &str, kind: DataType) -> TensorProto {
    let mut proto = tensor(name, &[3]);
    proto.set_data_type(kind as i32);
    let element = ElementType::from_onnx(kind as i64).unwrap();
    let data = crate::Tensor::from_f32_as("", &[3], element, &[1.0, 2.0, 3.0]).unwrap();
    proto.set_raw_data(data.bytes().unwrap().unwrap());
    proto
}

fn constant(output: &str, value: AttributeProto) -> NodeProto {
    let mut node = node("Constant", &[], &[output]);
    node.attribute.push(value);
    node
}

fn value_of(proto: TensorProto) -> AttributeProto {
    let mut value = attribute("value", attribute_proto::AttributeType::TENSOR);
    value.t = Some(proto).into();
    value
}

fn reread(model: &Model) -> Model {
    Model::from_bytes(model.to_bytes().unwrap(), None).unwrap()
}

#[test]
fn values_are_cast_to_the_type_of_the_file() {
    let kinds = [
        (DataType::FLOAT, 0.0),
        (DataType::DOUBLE, 0.0),
        (DataType::FLOAT16, 2.0_f32.powi(-11)),
        (DataType::BFLOAT16, 2.0_f32.powi(-8)),
    ];
    for (kind, rounding) in kinds {
        let mut proto = model(vec![
            constant("c", value_of(stored("", kind))),
            node("Relu", &["x"], &["y"]),
        ]);
        let graph = proto.graph.as_mut().unwrap();
        graph.initializer.push(stored("w", kind));
        let mut model = read(&proto);
        for name in ["w", "c"] {
            model.set_initializer_f32(name, &[3], &VALUES).unwrap();
        }
        let graph = reread(&model).editable_graph().unwrap();
        for name in ["w", "c"] {
            let tensor = &graph.initializers[name];
            assert_eq!(tensor.element_type().to_onnx(), kind as i32);
            for (found, wanted) in tensor.to_f32().unwrap().into_iter().zip(VALUES) {
                let error = (found - wanted).abs();
                assert!(error <= rounding * wanted.abs(), "{kind:?}: {found}");
            }
        }
    }
}

#[test]
fn a_constant_node_is_replaced_whatever_it_holds_floats_in() {
    let mut list = attribute("value_floats", attribute_proto::AttributeType::FLOATS);
    list.floats = vec![1.0, 2.0, 3.0];
    let mut one = attribute("value_float", attribute_proto::AttributeType::FLOAT);
    one.set_f(4.0);
    let mut whole = attribute("value_ints", attribute_proto::AttributeType::INTS);
    whole.ints = vec![1, 2, 3];
    let proto = model(vec![
        constant("list", list),
        constant("one", one),
        constant("whole", whole),
        node("Relu", &["x"], &["y"]),
    ]);
    let mut model = read(&proto);
    let names: Vec<_> = model
        .editable_graph()
        .unwrap()
        .initializers
        .into_keys()
        .collect();
    assert_eq!(names, ["list", "one"]);
    model.set_initializer_f32("list", &[3], &VALUES).unwrap();
    model.set_initializer_f32("one", &[], &[5.0]).unwrap();
    for (name, shape) in [("list", &[4][..]), ("one", &[1]), ("whole", &[3])] {
        let count = shape.iter().product();
        let error = model.set_initializer_f32(name, shape, &vec![0.0; count]);
        assert!(matches!(error, Err(Error::Tensor { tensor, .. }) if tensor == name));
    }
    let graph = reread(&model).editable_graph().unwrap();
    assert_eq!(graph.initializers["list"].to_f32().unwrap(), VALUES);
    assert_eq!(graph.initializers["one"].to_f32().unwrap(), [5.0]);
    assert_eq!(graph.nodes.len(), 2);
    let plain = reread(&model).graph().unwrap();
    assert_eq!((plain.nodes.len(), plain.initializers.len()), (4, 0));
}

#[test]
fn constants_of_local_functions_are_no_weights() {
    let mut function = FunctionProto::new();
    function.set_name("F".to_owned());
    function.set_domain("own".to_owned());
    function.output.push("c".to_owned());
    function.opset_import.push(import("", 17));
    function
        .node
        .push(constant("c", value_of(stored("", DataType::FLOAT))));
    let mut call = node("F", &[], &["w"]);
    call.set_domain("own".to_owned());
    let mut proto = model(vec![call, node("Relu", &["x"], &["y"])]);
    proto.opset_import.push(import("own", 1));
    proto.functions.push(function);
    let mut model = read(&proto);
    assert!(model.editable_graph().unwrap().initializers.is_empty());
    let error = model.set_initializer_f32("w", &[3], &VALUES).unwrap_err();
    assert!(matches!(
        error,
        Error::Tensor {
            problem: TensorProblem::Absent,
            ..
        }
    ));
}

#[test]
fn what_does_not_fit_names_the_initialiser_and_changes_nothing() {
    let mut proto = model(vec![node("Relu", &["x"], &["y"])]);
    let graph = proto.graph.as_mut().unwrap();
    graph.initializer.push(stored("half", DataType::FLOAT16));
    let mut whole = tensor("whole", &[3]);
    whole.set_data_type(DataType::INT64 as i32);
    whole.int64_data = vec![1, 2, 3];
    graph.initializer.push(whole);
    let mut odd = tensor("odd", &[3]);
    odd.set_data_type(DataType::FLOAT8E4M3FN as i32);
    odd.set_raw_data(vec![0; 3].into());
    graph.initializer.push(odd);
    let mut model = read(&proto);
    let problem = |model: &mut Model, name: &str, values: &[f32]| match model.set_initializer_f32(
        name,
        &[values.len()],
        values,
    ) {
        Err(Error::Tensor { tensor, problem }) => {
            assert_eq!(tensor, name);
            problem
        }
        other => panic!("{other:?}"),
    };
    let found = problem(&mut model, "half", &[1.0, 2.0, 7e4]);
    assert!(matches!(
        found,
        TensorProblem::Overflow {
            at: 2,
            element: ElementType::F16,
            ..
        }
    ));
    let found = problem(&mut model, "half", &[1.0; 2]);
    assert!(matches!(found, TensorProblem::Mismatch { .. }));
    let found = problem(&mut model, "whole", &VALUES);
    assert!(matches!(found, TensorProblem::Conversion { .. }));
    let found = problem(&mut model, "odd", &VALUES);
    assert!(matches!(found, TensorProblem::ElementType(17)));
    assert_eq!(
        problem(&mut model, "absent", &VALUES),
        TensorProblem::Absent
    );
    assert_eq!(model.proto(), &proto);
}

/// A model with `a`, `b` and `c` in one file and `d` in another, each of three floats of a type.
fn outside(folder: &Path, kind: DataType) -> Model {
    let size = stored("", kind).raw_data().len();
    let mut proto = model(vec![
        constant("c", value_of(stored("", kind))),
        node("Relu", &["x"], &["y"]),
    ]);
    fs::create_dir_all(folder.join("sub")).unwrap();
    let mut file = Vec::new();
    let place = |proto: &mut TensorProto, location: &str, offset: usize| {
        let bytes = proto.raw_data.take().unwrap();
        proto.set_data_location(tensor_proto::DataLocation::EXTERNAL);
        proto.external_data = vec![
            entry("location", location),
            entry("offset", &offset.to_string()),
            entry("length", &size.to_string()),
            entry("checksum", "0123"),
        ];
        bytes
    };
    let graph = proto.graph.as_mut().unwrap();
    for name in ["a", "b"] {
        let mut weight = stored(name, kind);
        file.extend_from_slice(&place(&mut weight, "w.data", file.len()));
        graph.initializer.push(weight);
    }
    let constant = graph.node[0].attribute[0].t.as_mut().unwrap();
    file.extend_from_slice(&place(constant, "w.data", file.len()));
    let mut other = stored("d", kind);
    let data = place(&mut other, "sub/d.data", 0);
    graph.initializer.push(other);
    fs::write(folder.join("w.data"), file).unwrap();
    fs::write(folder.join("sub/d.data"), data).unwrap();
    let path = folder.join("m.onnx");
    fs::write(&path, proto.write_to_bytes().unwrap()).unwrap();
    Model::read(&path).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn location_of<'a>(model: &'a Model, name: &str) -> &'a str {
    let graph = model.proto().graph.as_ref().unwrap();
    let tensor = match name {
        "c" => graph.node[0].attribute[0].t.as_ref(),
        _ => graph.initializer.iter().find(|t| t.name() == name),
    };
    crate::external::location(&tensor.unwrap().external_data).unwrap_or_default()
}

#[test]
fn what_was_external_stays_external_in_another_folder() {
    for kind in [
        DataType::FLOAT,
        DataType::DOUBLE,
        DataType::FLOAT16,
        DataType::BFLOAT16,
    ] {
        let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut model = outside(source.path(), kind);
        let before = model.editable_graph().unwrap();
        for name in ["a", "c"] {
            model
                .set_initializer_f32(name, &[3], &[0.5, 0.25, -8.0])
                .unwrap();
        }
        let edited = model.editable_graph().unwrap();
        let path = target.path().join("new.onnx");
        for _ in 0..2 {
            model.write(&path).unwrap();
            // The file that held the old values is not taken along, and a second writing makes
            // no second file.
            assert_eq!(files(target.path()), ["new.onnx", "new.onnx.data", "sub"]);
        }
        drop(source);
        let written = Model::read(&path).unwrap();
        assert_eq!(
            ["a", "b", "c"].map(|n| location_of(&written, n)),
            ["new.onnx.data"; 3]
        );
        assert_eq!(location_of(&written, "d"), "sub/d.data");
        let graph = written.editable_graph().unwrap();
        for name in ["a", "c"] {
            assert_eq!(
                graph.initializers[name].to_f32().unwrap(),
                [0.5, 0.25, -8.0]
            );
            assert_eq!(graph.initializers[name], edited.initializers[name]);
        }
        for name in ["b", "d"] {
            assert_eq!(graph.initializers[name], before.initializers[name]);
        }
    }
}

#[test]
fn a_model_is_written_beside_the_one_it_was_read_from() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut model = outside(folder, DataType::FLOAT);
    let old = ["m.onnx", "w.data", "sub/d.data"].map(|name| fs::read(folder.join(name)).unwrap());
    model.set_initializer_f32("a", &[3], &VALUES).unwrap();
    // Somebody else's file is there already.
    fs::write(folder.join("new.onnx.data"), b"precious").unwrap();
    model.write(folder.join("new.onnx")).unwrap();
    let written = Model::read(folder.join("new.onnx")).unwrap();
    assert_eq!(location_of(&written, "a"), "new.onnx.1.data");
    assert_eq!(location_of(&written, "b"), "w.data");
    let graph = written.editable_graph().unwrap();
    assert_eq!(graph.initializers["a"].to_f32().unwrap(), VALUES);
    assert_eq!(graph.initializers["b"].to_f32().unwrap(), [1.0, 2.0, 3.0]);
    assert_eq!(fs::read(folder.join("new.onnx.data")).unwrap(), b"precious");

    // In its own place, twice over: never onto the data that it was read from.
    let mut model = Model::read(folder.join("new.onnx")).unwrap();
    model.set_initializer_f32("a", &[3], &[7.0; 3]).unwrap();
    model.write(folder.join("new.onnx")).unwrap();
    let mut model = Model::read(folder.join("new.onnx")).unwrap();
    assert_eq!(location_of(&model, "a"), "new.onnx.2.data");
    model.set_initializer_f32("a", &[3], &[8.0; 3]).unwrap();
    model.write(folder.join("new.onnx")).unwrap();
    let model = Model::read(folder.join("new.onnx")).unwrap();
    assert_eq!(location_of(&model, "a"), "new.onnx.3.data");
    assert_eq!(
        model.graph().unwrap().initializers["a"].to_f32().unwrap(),
        [8.0; 3]
    );
    let now = ["m.onnx", "w.data", "sub/d.data"].map(|name| fs::read(folder.join(name)).unwrap());
    assert_eq!(now, old);
}

#[test]
fn any_constant_can_be_stored_outside() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = attribute("value_floats", attribute_proto::AttributeType::FLOATS);
    list.floats = vec![1.0];
    let mut proto = model(vec![
        constant("c", value_of(stored("", DataType::BFLOAT16))),
        constant("list", list),
        node("Relu", &["x"], &["y"]),
    ]);
    let mut typed = tensor("typed", &[2]);
    typed.float_data = vec![3.0, 4.0];
    let mut text = tensor("text", &[1]);
    text.set_data_type(DataType::STRING as i32);
    text.string_data = vec![b"a".to_vec().into()];
    let graph = proto.graph.as_mut().unwrap();
    graph.initializer = vec![stored("half", DataType::FLOAT16), typed, text];
    let mut model = read(&proto);
    for name in ["list", "text", "absent"] {
        assert!(model.store_outside(name).is_err(), "{name}");
    }
    let path = folder.path().join("new.onnx");
    let names = ["half", "typed", "c"];
    for name in names {
        model.store_outside(name).unwrap();
    }
    model.write(&path).unwrap();
    let written = Model::read(&path).unwrap();
    assert_eq!(
        names.map(|name| location_of(&written, name)),
        ["new.onnx.data"; 3]
    );
    assert!(crate::diff(&model, &written).unwrap().is_empty());
    let parts = written.proto().graph.as_ref().unwrap();
    assert!(parts.initializer[1].float_data.is_empty());
}

#[test]
fn a_model_is_not_written_over_its_own_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = outside(folder.path(), DataType::FLOAT);
    let old = fs::read(folder.path().join("w.data")).unwrap();
    for _ in 0..2 {
        let error = model.write(folder.path().join("w.data")).unwrap_err();
        let is_input = |problem: &ExternalProblem| matches!(problem, ExternalProblem::IsInput);
        assert!(
            matches!(&error, Error::External { problem, .. } if is_input(problem)),
            "{error}"
        );
        assert_eq!(fs::read(folder.path().join("w.data")).unwrap(), old);
        for name in ["a", "b", "c"] {
            model.set_initializer_f32(name, &[3], &VALUES).unwrap();
        }
    }
}

#[test]
fn a_model_is_not_written_over_the_copy_of_its_data() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let model = outside(source.path(), DataType::FLOAT);
    let error = model.write(target.path().join("w.data")).unwrap_err();
    assert!(matches!(error, Error::External { .. }), "{error}");
    assert_eq!(files(target.path()), Vec::<String>::new());
}

#[test]
fn nothing_is_left_behind_where_other_data_are_gone() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut model = outside(source.path(), DataType::FLOAT);
    model.set_initializer_f32("a", &[3], &VALUES).unwrap();
    fs::remove_file(source.path().join("w.data")).unwrap();
    let error = model.write(target.path().join("new.onnx")).unwrap_err();
    assert!(
        matches!(&error, Error::External { tensor, .. } if tensor == "b"),
        "{error}"
    );
    assert_eq!(files(target.path()), Vec::<String>::new());
    let error = model.set_initializer_f32("absent", &[3], &VALUES);
    assert!(error.is_err());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_data_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = outside(folder.path(), DataType::FLOAT);
    model.set_initializer_f32("a", &[3], &VALUES).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let victim = elsewhere.path().join("victim");
    for exists in [false, true] {
        let target = folder.path().join(format!("{exists}"));
        fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&victim, target.join("new.onnx.data")).unwrap();
        model.write(target.join("new.onnx")).unwrap();
        let written = Model::read(target.join("new.onnx")).unwrap();
        assert_eq!(location_of(&written, "a"), "new.onnx.1.data");
        assert_eq!(victim.exists(), exists);
        fs::write(&victim, b"precious").unwrap();
    }
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn two_tensors_of_one_name_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let model = outside(folder.path(), DataType::FLOAT);
    let mut proto = model.proto().clone();
    let graph = proto.graph.as_mut().unwrap();
    let mut twin = stored("a", DataType::FLOAT);
    twin.set_doc_string("twin".to_owned());
    graph.initializer.push(twin.clone());
    let bytes = proto.write_to_bytes().unwrap();
    let mut model = Model::from_bytes(bytes, Some(folder.path())).unwrap();
    model.set_initializer_f32("a", &[3], &VALUES).unwrap();
    model.write(folder.path().join("new.onnx")).unwrap();
    let written = Model::read(folder.path().join("new.onnx")).unwrap();
    assert_eq!(location_of(&written, "a"), "new.onnx.data");
    assert_eq!(
        written.proto().graph.as_ref().unwrap().initializer.last(),
        Some(&twin)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_values_come_back_from_the_file_beside(
        values in prop::collection::vec(-6e4_f32..6e4, 3),
        kind in prop::sample::select(vec![DataType::FLOAT, DataType::DOUBLE, DataType::FLOAT16]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut model = outside(folder.path(), kind);
        model.set_initializer_f32("b", &[3], &values).unwrap();
        let path = folder.path().join("new.onnx");
        model.write(&path).unwrap();
        let graph = Model::read(&path).unwrap().graph().unwrap();
        let element = graph.initializers["b"].element_type();
        let cast = crate::Tensor::from_f32_as("b", &[3], element, &values).unwrap();
        prop_assert_eq!(graph.initializers["b"].bytes().unwrap(), cast.bytes().unwrap());
        prop_assert_eq!(element.to_onnx(), kind as i32);
    }
}

#[test]
fn constants_of_another_shape_take_their_places_or_nothing_changes() {
    let batch = || crate::Dim::Named("batch".to_owned());
    let mut model = crate::GraphBuilder::new("linear", 17)
        .input("x", ElementType::F32, &[batch(), crate::Dim::Fixed(2)])
        .initializer("w", &[2, 3], [1.0; 6])
        .initializer("b", &[3], [2.0; 3])
        .node("Gemm", "fc", &["x", "w", "b"], &["y"], [])
        .output("y", ElementType::F32, &[batch(), crate::Dim::Fixed(3)])
        .finish()
        .unwrap();
    let before = model.to_bytes().unwrap();
    let weights = crate::Tensor::from_f32("w", &[2, 1], &[3.0, 4.0]).unwrap();
    let bias = crate::Tensor::from_f32("b", &[1], &[5.0]).unwrap();
    let logits = || [("y", vec![batch(), crate::Dim::Fixed(1)])];
    let other = crate::Tensor::from_i64("b", &[1], &[5]).unwrap();
    for (constants, outputs, word) in [
        (vec![weights.clone(), other], logits(), "`b`"),
        (vec![weights.clone()], [("z", Vec::new())], "no output `z`"),
        (
            vec![crate::Tensor::from_f32("v", &[1], &[0.0]).unwrap()],
            logits(),
            "`v`",
        ),
    ] {
        let error = model.resize(&constants, &outputs).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(model.to_bytes().unwrap(), before);
    }
    model.resize(&[weights, bias], &logits()).unwrap();
    let graph = reread(&model).graph().unwrap();
    assert_eq!(graph.initializers["w"].shape(), [2, 1]);
    assert_eq!(graph.initializers["w"].to_f32().unwrap(), [3.0, 4.0]);
    assert_eq!(graph.outputs[0].shape.as_ref().unwrap()[1].fixed(), Some(1));
}
