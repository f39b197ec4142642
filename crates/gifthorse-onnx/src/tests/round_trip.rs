//! What is read is written again, whether this crate knows it or not.

use std::fs;

use protobuf::Message as _;

use super::*;

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
    fs::read(format!("{folder}{name}")).unwrap()
}

fn rewritten(model: &Model) -> ModelProto {
    ModelProto::parse_from_bytes(&model.to_bytes().unwrap()).unwrap()
}

#[test]
fn every_field_of_the_format_is_known_and_kept() {
    let bytes = golden("every_field.onnx");
    let model = Model::from_bytes(bytes.clone(), None).unwrap();
    let printed = format!("{:?}", model.proto());
    // A field with a wrong number or type would be among the unknown ones.
    assert!(!printed.contains("UnknownValues"), "{printed}");
    for text in [
        r#"producer_name: Some("onnx.ModelProto.producer_name.0")"#,
        r#"raw_data: Some(b"onnx.TensorProto.raw_data.0")"#,
        "floats: [7000.0, 7001.0]",
        "double_data: [10000.0, 10001.0]",
        r#"overload: Some("onnx.FunctionProto.overload.0")"#,
        r#"tensor_name: Some("onnx.TensorAnnotation.tensor_name.0")"#,
    ] {
        assert!(printed.contains(text), "{text} in {printed}");
    }
    assert_eq!(&rewritten(&model), model.proto());
    assert_eq!(model.to_bytes().unwrap().len(), bytes.len());
}

#[test]
fn unknown_fields_are_kept_at_every_level() {
    let mut proto = model(vec![node("Relu", &["x"], &["y"])]);
    proto.metadata_props.push(entry("license", "none"));
    let graph = proto.graph.as_mut().unwrap();
    let mut weight = tensor("w", &[2]);
    weight.set_raw_data(vec![0, 0, 192, 127, 1, 2, 3, 4].into());
    weight
        .special_fields
        .mut_unknown_fields()
        .add_fixed32(500, 7);
    graph.initializer.push(weight);
    let fields = graph.node[0].special_fields.mut_unknown_fields();
    fields.add_length_delimited(600, b"tomorrow".to_vec());
    fields.add_varint(601, 1 << 60);
    graph.input[0]
        .special_fields
        .mut_unknown_fields()
        .add_fixed64(700, 9);
    proto
        .special_fields
        .mut_unknown_fields()
        .add_varint(1000, 3);
    proto
        .special_fields
        .mut_unknown_fields()
        .add_varint(1000, 4);

    let model = read(&proto);
    assert_eq!(model.proto(), &proto);
    assert_eq!(rewritten(&model), proto);
}

#[test]
fn an_edit_keeps_what_it_does_not_touch() {
    let mut proto = model(vec![node("Relu", &["x"], &["y"])]);
    let mut weight = tensor("w", &[2]);
    weight.float_data = vec![1.0, 2.0];
    weight.set_doc_string("trained".to_owned());
    weight
        .special_fields
        .mut_unknown_fields()
        .add_varint(500, 7);
    proto.graph.as_mut().unwrap().initializer.push(weight);

    let mut model = read(&proto);
    let new = crate::Tensor::from_f32("", &[2], &[3.0, 4.0]).unwrap();
    model.set_initializer("w", &new).unwrap();
    let written = rewritten(&model);

    let expected = &mut proto.graph.as_mut().unwrap().initializer[0];
    expected.float_data.clear();
    expected.set_raw_data(new.bytes().unwrap().unwrap());
    assert_eq!(written, proto);
    assert_eq!(
        read(&written).graph().unwrap().initializers["w"]
            .to_f32()
            .unwrap(),
        [3.0, 4.0]
    );
}

#[test]
fn weights_share_the_bytes_of_the_file() {
    let mut proto = model(vec![node("Relu", &["x"], &["y"])]);
    let mut weight = tensor("w", &[1024]);
    weight.set_raw_data(vec![1; 4096].into());
    proto.graph.as_mut().unwrap().initializer.push(weight);
    let file = bytes::Bytes::from(proto.write_to_bytes().unwrap());
    let model = Model::from_bytes(file.clone(), None).unwrap();
    let graph = model.graph().unwrap();
    let weights = graph.initializers["w"].bytes().unwrap().unwrap();
    assert!(file.as_ptr_range().contains(&weights.as_ptr()));
}

#[test]
fn functions_are_kept_though_the_graph_expands_them() {
    let model = Model::from_bytes(golden("functions.onnx"), None).unwrap();
    model.graph().unwrap();
    assert_eq!(model.proto().functions.len(), 2);
    assert_eq!(&rewritten(&model), model.proto());
}
