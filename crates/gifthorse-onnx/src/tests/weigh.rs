//! The memory that a file would take is known before it is taken.

use protobuf::CodedOutputStream;

use super::*;
use crate::weigh::Scale;

/// An encoded field that holds these bytes.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = CodedOutputStream::new(&mut bytes);
    out.write_bytes(number, content).unwrap();
    drop(out);
    bytes
}

#[test]
fn a_small_file_cannot_ask_for_all_memory() {
    // Ten megabytes of empty nodes, attributes, dimensions ... would decode to gigabytes.
    let empty = |number: u8| [(number << 3) | 2, 0].repeat(5 << 20);
    let of_graph = |content: &[u8]| field(7, content);
    let files = [
        of_graph(&empty(1)),
        of_graph(&empty(5)),
        of_graph(&field(1, &empty(5))),
        of_graph(&field(1, &field(5, &empty(5)))),
        field(25, &empty(7)),
        of_graph(&[0xf8, 0x7f, 0].repeat(10 << 20)),
    ];
    for file in files {
        let size = file.len();
        assert!(
            matches!(Model::from_bytes(file, None), Err(Error::TooMany { .. })),
            "{size}"
        );
    }
}

#[test]
fn weights_count_nothing() {
    let mut proto = model(vec![node("Relu", &["x"], &["y"])]);
    let mut weights = tensor("w", &[1 << 20]);
    weights.set_raw_data(vec![0; 4 << 20].into());
    proto.graph.as_mut().unwrap().initializer.push(weights);
    let scale = Scale::weigh(&proto.write_to_bytes().unwrap());
    assert!(scale.memory < 10_000, "{scale:?}");
}

#[test]
fn the_table_knows_every_field() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/every_field.onnx");
    let file = std::fs::read(path).unwrap();
    let mut proto = ModelProto::parse_from_bytes(&file).unwrap();
    let scale = Scale::weigh(&file);
    assert_eq!(scale.unknown, 0);
    assert_eq!(
        scale.messages,
        format!("{proto:?}").matches("special_fields:").count()
    );

    proto
        .special_fields
        .mut_unknown_fields()
        .add_varint(1000, 1);
    assert_eq!(Scale::weigh(&proto.write_to_bytes().unwrap()).unknown, 1);
}

/// Bytes with every message that can be there only once, wherever it is, given again.
#[test]
fn a_message_that_can_be_there_once_is_not_there_twice() {
    let graph = model(vec![node("Relu", &["x"], &["y"])])
        .write_to_bytes()
        .unwrap();
    let other = field(7, &field(2, b"other"));
    for file in [[&graph[..], &other].concat(), [&other[..], &graph].concat()] {
        assert!(matches!(Model::from_bytes(file, None), Err(Error::Twice)));
    }
    let twice = |number: u32| field(number, &[]).repeat(2);
    let in_attribute = |content: &[u8]| field(7, &field(1, &field(5, content)));
    let in_value = |content: &[u8]| field(7, &field(11, content));
    for (file, what) in [
        (in_attribute(&twice(5)), "the tensor of an attribute"),
        (in_attribute(&twice(6)), "its graph"),
        (
            in_attribute(&field(22, &twice(1))),
            "the values of a sparse tensor",
        ),
        (in_value(&twice(2)), "the type of a value"),
        (in_value(&field(2, &field(1, &twice(2)))), "its shape"),
        (field(20, &twice(1)), "the graph of a training"),
    ] {
        assert!(
            matches!(Model::from_bytes(file, None), Err(Error::Twice)),
            "{what}"
        );
    }
    // Lists may have many, and a number that is there twice is the last of them for everybody.
    let lists = in_attribute(&[twice(10), twice(11), vec![0x18, 1, 0x18, 2]].concat());
    assert!(Model::from_bytes(lists, None).is_ok());
}

/// The decoder would read the graph to the end of the file and take it for whole.
#[test]
fn a_part_that_is_longer_than_the_file_is_refused() {
    let graph = model(vec![node("Relu", &["x"], &["y"])]).graph.unwrap();
    let content = graph.write_to_bytes().unwrap();
    let mut file = vec![7 << 3 | 2, 0xff, 0x7f];
    file.extend(&content);
    assert!(matches!(Model::from_bytes(file, None), Err(Error::Cut)));
    let whole = field(7, &content);
    assert!(Model::from_bytes(whole, None).is_ok());
}
