use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use serde_json::json;

use super::*;
use crate::parameters::{Parameters, Value};
use crate::replace::Correction;
use crate::tensor::Values;

const LIMIT: usize = 1 << 16;

fn headers(json: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(JSON_LENGTH, HeaderValue::from(json));
    headers
}

fn body(json: &str, binary: &[u8]) -> Bytes {
    [json.as_bytes(), binary].concat().into()
}

#[test]
fn json_is_read_flat_and_nested() {
    for data in [
        "[1, -2, 3.5, 4e0]",
        "[[1, -2], [3.5, 4e0]]",
        "[[[1],[-2]],[[3.5],[4e0]]]",
    ] {
        let json = format!(
            r#"{{"id": "a", "inputs": [{{"name": "x", "shape": [2, 2], "datatype": "FP32",
               "parameters": {{"content_type": "np"}}, "data": {data}}}], "outputs": [{{"name": "y"}}]}}"#
        );
        let asked = read(&HeaderMap::new(), &body(&json, b""), LIMIT).unwrap();
        assert_eq!(asked.id, "a");
        assert_eq!(asked.tensors[0].shape, [2, 2]);
        let numbers = Values::Numbers(vec![1.0, -2.0, 3.5, 4.0]);
        assert_eq!(asked.tensors[0].values, numbers);
    }
}

#[test]
fn binary_tensors_follow_in_the_order_of_the_inputs() {
    let json = r#"{"inputs": [
        {"name": "a", "shape": [2], "datatype": "UINT8", "parameters": {"binary_data_size": 2}},
        {"name": "b", "shape": [1], "datatype": "UINT8", "data": [7]},
        {"name": "c", "shape": [3], "datatype": "UINT8", "parameters": {"binary_data_size": 3}}]}"#;
    let plain = body(json, &[1, 2, 3, 4, 5]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&plain).unwrap();
    for (encoding, body) in [
        ("identity", plain),
        ("gzip", gzip.finish().unwrap().into()),
        ("deflate", zlib.finish().unwrap().into()),
    ] {
        let mut headers = headers(json.len());
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        let asked = read(&headers, &body, LIMIT).unwrap();
        let values: Vec<&Values> = asked.tensors.iter().map(|tensor| &tensor.values).collect();
        assert_eq!(*values[0], Values::Raw(Bytes::from_static(&[1, 2])));
        assert_eq!(*values[1], Values::Numbers(vec![7.0]));
        assert_eq!(*values[2], Values::Raw(Bytes::from_static(&[3, 4, 5])));
    }
}

#[test]
fn what_servers_read_differently_is_refused() {
    let input = r#"{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}"#;
    for json in [
        format!(r#"{{"inputs": [{input}], "inputs": [{input}]}}"#),
        r#"{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1], "data": [2]}]}"#
            .to_owned(),
        r#"{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters":
            {"binary_data_size": 0, "binary_data_size": 1}}]}"#
            .to_owned(),
        r#"{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1], "parameters":
            {"binary_data_size": 0}}]}"#
            .to_owned(),
    ] {
        let refused = read(&headers(json.len()), &body(&json, b""), LIMIT);
        assert!(refused.is_err(), "{json}");
    }
    let json = format!(r#"{{"inputs": [{input}]}}"#);
    assert!(read(&HeaderMap::new(), &body(&json, b""), LIMIT).is_ok());
    assert!(read(&headers(json.len()), &body(&json, b"more"), LIMIT).is_err());
    let mut twice = headers(json.len());
    twice.append(JSON_LENGTH, HeaderValue::from(3));
    assert!(read(&twice, &body(&json, b""), LIMIT).is_err());
    for length in ["+3", "-1", "x", "", "99999999999999999999", "100000"] {
        let mut headers = HeaderMap::new();
        headers.insert(JSON_LENGTH, length.parse().unwrap());
        assert!(
            read(&headers, &body(&json, b""), LIMIT).is_err(),
            "{length}"
        );
    }
}

#[test]
fn tensors_without_numbers_are_named() {
    for (input, says) in [
        (
            json!({"name": "x", "shape": [1], "datatype": "FP32"}),
            "has no data",
        ),
        (
            json!({"name": "x", "shape": [1], "datatype": "BYTES", "data": ["a"]}),
            "no number",
        ),
        (
            json!({"name": "x", "shape": [1], "datatype": "FP32", "data": [{"a": [1]}]}),
            "no number",
        ),
        (
            json!({"name": "x", "shape": [1], "datatype": "FP32",
                   "parameters": {"shared_memory_region": "r", "shared_memory_byte_size": 4}}),
            "shared",
        ),
    ] {
        let json = json!({"inputs": [input]}).to_string();
        let asked = read(&HeaderMap::new(), &body(&json, b""), LIMIT).unwrap();
        match asked.tensors[0].values {
            Values::Absent(reason) => assert!(reason.contains(says), "{reason}"),
            ref other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_small_body_does_not_unpack_to_a_large_one() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![b' '; LIMIT + 1]).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let error = read(&headers, &gzip.finish().unwrap().into(), LIMIT).unwrap_err();
    assert!(error.contains("more than"), "{error}");
}

fn parameters() -> Parameters {
    Parameters(vec![
        ("gifthorse_flagged", Value::Flag(true)),
        ("gifthorse_score", Value::Text("1.5".to_owned())),
    ])
}

#[test]
fn parameters_are_added_and_no_other_character_changes() {
    let ours = r#""gifthorse_flagged":true,"gifthorse_score":"1.5""#;
    for (before, after) in [
        (
            r#" { "a" : 1.000 , "b":[ 1 ] } "#.to_owned(),
            format!(r#"{{"a":1.000,"b":[ 1 ],"parameters":{{{ours}}}}}"#),
        ),
        (
            r#"{"parameters":{"x": 1.0, "gifthorse_score": "no"},"z":"}"}"#.to_owned(),
            r#"{"parameters":{"x":1.0,"gifthorse_score":"1.5","gifthorse_flagged":true},"z":"}"}"#
                .to_owned(),
        ),
        (
            r#"{"parameters":null}"#.to_owned(),
            format!(r#"{{"parameters":{{{ours}}}}}"#),
        ),
        ("{}".to_owned(), format!(r#"{{"parameters":{{{ours}}}}}"#)),
    ] {
        let mut headers = headers(before.len());
        let marked = mark(&mut headers, &body(&before, b"\x00\xff"), &parameters()).unwrap();
        assert_eq!(marked, body(&after, b"\x00\xff"));
        assert_eq!(headers[JSON_LENGTH], after.len().to_string().as_str());
        assert_eq!(
            headers[CONTENT_LENGTH],
            (after.len() + 2).to_string().as_str()
        );
    }
    for broken in ["", "[]", "{", "{\"a\":}", "nonsense", "{\"parameters\":[]}"] {
        assert!(mark(&mut HeaderMap::new(), broken.as_bytes(), &parameters()).is_err());
    }
    let mut packed = HeaderMap::new();
    packed.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert!(mark(&mut packed, b"{}", &parameters()).is_err());
}

#[test]
fn an_output_is_corrected_in_json_and_in_binary() {
    let corrections = [Correction { image: 1, label: 0 }];
    let fix = |json: &str, binary: &[u8], name| {
        let mut headers = headers(json.len());
        correct(&mut headers, &body(json, binary), name, 2, &corrections)
    };
    let two = r#"{"outputs":[{"name":"scores","datatype":"FP32","shape":[2,2],"data":[[0.9,0.1],[0.25,0.75]]},{"name":"other","datatype":"BYTES","shape":[1],"data":["x"]}],"id":"1"}"#;
    let after = fix(two, b"", Some("scores")).unwrap();
    assert_eq!(after, two.replace("[0.25,0.75]", "[0.75,0.25]"));
    assert!(fix(two, b"", None).unwrap_err().contains("several outputs"));
    assert!(
        fix(two, b"", Some("none"))
            .unwrap_err()
            .contains("no output")
    );
    assert!(fix(two, b"", Some("other")).is_err());

    let binary = r#"{"outputs":[{"name":"a","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}},{"name":"label","datatype":"INT32","shape":[2],"parameters":{"binary_data_size":8}}]}"#;
    let bytes = [9, 9, 5, 0, 0, 0, 6, 0, 0, 0];
    let after = fix(binary, &bytes, Some("label")).unwrap();
    assert_eq!(after, body(binary, &[9, 9, 5, 0, 0, 0, 0, 0, 0, 0]));
    assert!(fix(binary, &bytes[..9], Some("label")).is_err());
}
