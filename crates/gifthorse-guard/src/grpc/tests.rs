use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use protobuf::Message;

use super::*;
use crate::parameters::{Parameters, Value};
use crate::proto::infer_parameter::Parameter_choice;
use crate::proto::model_infer_request::InferInputTensor;
use crate::proto::model_infer_response::InferOutputTensor;
use crate::proto::{InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse};
use crate::replace::Correction;
use crate::tensor::Values;

fn input(datatype: &str) -> InferInputTensor {
    let mut input = InferInputTensor::new();
    input.name = "x".to_owned();
    input.datatype = datatype.to_owned();
    input.shape = vec![1, 2];
    input
}

fn request(inputs: Vec<InferInputTensor>) -> ModelInferRequest {
    let mut request = ModelInferRequest::new();
    request.model_name = "signs".to_owned();
    request.id = "7".to_owned();
    request.inputs = inputs;
    request
}

fn bytes(message: &impl Message) -> Bytes {
    message.write_to_bytes().unwrap().into()
}

#[test]
fn raw_and_typed_contents_are_read() {
    let mut raw = request(vec![input("UINT8"), input("UINT8")]);
    raw.raw_input_contents = vec![Bytes::from_static(&[1, 2]), Bytes::from_static(&[3, 4])];
    let asked = read(&bytes(&raw)).unwrap();
    assert_eq!(asked.id, "7");
    assert_eq!(
        asked.tensors[1].values,
        Values::Raw(Bytes::from_static(&[3, 4]))
    );
    assert_eq!(model_name(&bytes(&raw)).unwrap(), "signs");

    let list = |datatype: &str, contents: InferTensorContents| {
        let mut tensor = input(datatype);
        tensor.contents = Some(contents).into();
        read(&bytes(&request(vec![tensor])))
            .unwrap()
            .tensors
            .remove(0)
            .values
    };
    let mut floats = InferTensorContents::new();
    floats.fp32_contents = vec![0.5, 1.0];
    let mut whole = InferTensorContents::new();
    whole.uint_contents = vec![5, 6];
    let mut long = InferTensorContents::new();
    long.int64_contents = vec![-7, 8];
    assert_eq!(
        list("FP32", floats.clone()),
        Values::Numbers(vec![0.5, 1.0])
    );
    assert_eq!(list("UINT8", whole), Values::Numbers(vec![5.0, 6.0]));
    assert_eq!(list("INT64", long), Values::Numbers(vec![-7.0, 8.0]));
    assert!(matches!(list("BYTES", floats.clone()), Values::Absent(_)));
    // MLServer takes the first list that has elements, whatever the datatype.
    floats.fp64_contents = vec![0.0, 0.0];
    let mut tensor = input("FP64");
    tensor.contents = Some(floats).into();
    let error = read(&bytes(&request(vec![tensor]))).unwrap_err();
    assert!(error.contains("several types"), "{error}");
}

#[test]
fn what_servers_read_differently_is_refused() {
    let mut both = request(vec![input("UINT8")]);
    both.raw_input_contents = vec![Bytes::from_static(&[1, 2])];
    both.inputs[0].contents = Some(InferTensorContents::new()).into();
    assert!(read(&bytes(&both)).is_ok());
    both.inputs[0]
        .contents
        .mut_or_insert_default()
        .uint_contents = vec![1, 2];
    assert!(read(&bytes(&both)).is_err());

    let mut more = request(vec![input("UINT8")]);
    more.raw_input_contents = vec![Bytes::from_static(&[1, 2]); 2];
    assert!(read(&bytes(&more)).is_err());

    let mut negative = request(vec![input("UINT8")]);
    negative.inputs[0].shape = vec![-1];
    assert!(read(&bytes(&negative)).is_err());

    let mut shared = request(vec![input("UINT8"), input("UINT8")]);
    let region = InferParameter::new();
    shared.inputs[0]
        .parameters
        .insert("shared_memory_region".to_owned(), region);
    shared.raw_input_contents = vec![Bytes::from_static(&[1, 2])];
    for tensor in read(&bytes(&shared)).unwrap().tensors {
        assert!(matches!(tensor.values, Values::Absent(_)));
    }
}

#[test]
fn a_small_message_does_not_decode_to_a_large_one() {
    // Empty inputs, empty parameters, dimensions, unknown fields, empty strings.
    let crowds: [&[u8]; 5] = [
        &[0x2a, 0x00],
        &[0x22, 0x00],
        &[0x2a, 0x02, 0x18, 0x01],
        &[0x98, 0x3f, 0x01],
        &[0x2a, 0x04, 0x2a, 0x02, 0x42, 0x00],
    ];
    for part in crowds {
        let error = read(&part.repeat(20_000).into()).unwrap_err();
        assert!(error.contains("parts"), "{error}");
    }
    let mut shape = request(vec![input("UINT8")]);
    shape.inputs[0].shape = vec![1; 20_000];
    assert!(read(&bytes(&shape)).unwrap_err().contains("parts"));
    // Numbers are no parts.
    let mut large = request(vec![input("FP32")]);
    let mut contents = InferTensorContents::new();
    contents.fp32_contents = vec![0.0; 200_000];
    large.inputs[0].contents = Some(contents).into();
    assert!(read(&bytes(&large)).is_ok());
}

#[test]
fn frames() {
    let headers = HeaderMap::new();
    let body = framed(b"message");
    assert_eq!(unframed(&headers, &body, 100).unwrap(), "message");
    for broken in [
        &body[..3],
        &body[..10],
        &[&body[..], b"x"].concat(),
        b"\x02\x00\x00\x00\x00",
    ] {
        assert!(unframed(&headers, &Bytes::copy_from_slice(broken), 100).is_err());
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&[0; 1000]).unwrap();
    let mut packed = framed(&gzip.finish().unwrap()).to_vec();
    packed[0] = 1;
    let packed: Bytes = packed.into();
    assert!(unframed(&headers, &packed, 1000).is_err());
    let mut headers = HeaderMap::new();
    headers.insert("grpc-encoding", "gzip".parse().unwrap());
    assert_eq!(unframed(&headers, &packed, 1000).unwrap(), vec![0; 1000]);
    assert!(unframed(&headers, &packed, 999).is_err());
}

#[test]
fn parameters_are_added_behind_all_that_was_there() {
    let mut answer = ModelInferResponse::new();
    answer.model_name = "signs".to_owned();
    let mut old = InferParameter::new();
    old.parameter_choice = Some(Parameter_choice::Int64Param(5));
    answer.parameters.insert("theirs".to_owned(), old.clone());
    answer
        .parameters
        .insert("gifthorse_flagged".to_owned(), old);
    // A field of a later version of the protocol.
    let before = [&bytes(&answer)[..], &[0x98, 0x3f, 0x05]].concat();
    let parameters = Parameters(vec![("gifthorse_flagged", Value::Flag(true))]);
    let after = mark(&before, &parameters).unwrap();
    assert!(after.starts_with(&before));
    let read = ModelInferResponse::parse_from_bytes(&after).unwrap();
    let choice = |name: &str| read.parameters[name].parameter_choice.clone();
    assert_eq!(choice("theirs"), Some(Parameter_choice::Int64Param(5)));
    assert_eq!(
        choice("gifthorse_flagged"),
        Some(Parameter_choice::BoolParam(true))
    );
}

#[test]
fn an_output_is_corrected_raw_and_typed_and_unknown_fields_stay() {
    let corrections = [Correction { image: 0, label: 1 }];
    let mut output = InferOutputTensor::new();
    output.name = "scores".to_owned();
    output.datatype = "FP32".to_owned();
    output.shape = vec![1, 2];
    let mut answer = ModelInferResponse::new();
    answer.outputs = vec![output];
    let scores = |scores: [f32; 2]| Bytes::from(scores.map(f32::to_le_bytes).concat());
    answer.raw_output_contents = vec![scores([0.75, 0.25])];
    answer.outputs[0].contents = Some(InferTensorContents::new()).into();
    let before = Bytes::from([&bytes(&answer)[..], &[0x98, 0x3f, 0x05]].concat());
    let after = correct(&before, None, 1, &corrections).unwrap();
    let read = ModelInferResponse::parse_from_bytes(&after).unwrap();
    assert_eq!(read.raw_output_contents, [scores([0.25, 0.75])]);
    assert!(after.ends_with(&[0x98, 0x3f, 0x05]));

    answer.raw_output_contents.clear();
    answer.outputs[0].contents = None.into();
    assert!(correct(&bytes(&answer), None, 1, &corrections).is_err());
    let mut contents = InferTensorContents::new();
    contents.fp32_contents = vec![0.75, 0.25];
    answer.outputs[0].contents = Some(contents).into();
    let after = correct(&bytes(&answer), Some("scores"), 1, &corrections).unwrap();
    let read = ModelInferResponse::parse_from_bytes(&after).unwrap();
    assert_eq!(read.outputs[0].contents.fp32_contents, [0.25, 0.75]);
    assert!(correct(&bytes(&answer), Some("none"), 1, &corrections).is_err());

    let mut labels = answer.outputs.remove(0);
    labels.datatype = "INT64".to_owned();
    labels.shape = vec![1];
    labels.contents.mut_or_insert_default().int64_contents = vec![0];
    answer.outputs = vec![labels];
    let after = correct(&bytes(&answer), None, 1, &corrections).unwrap();
    let read = ModelInferResponse::parse_from_bytes(&after).unwrap();
    assert_eq!(read.outputs[0].contents.int64_contents, [1]);
}
