//! Reads a request for inference.

use bytes::Bytes;
use protobuf::rt::WireType;
use protobuf::{CodedInputStream, Message};

use super::weigh::{Kind, check};
use crate::infer::Asked;
use crate::proto::InferTensorContents;
use crate::proto::ModelInferRequest;
use crate::proto::model_infer_request::InferInputTensor;
use crate::tensor::{Tensor, Values};

/// The model that a request names, without decoding the rest of it.
///
/// # Errors
/// What is wrong with the message.
pub(crate) fn model_name(message: &[u8]) -> Result<String, String> {
    let find = || -> protobuf::Result<String> {
        let mut input = CodedInputStream::from_bytes(message);
        let mut name = String::new();
        while let Some(tag) = input.read_raw_tag_or_eof()? {
            let wire = WireType::new(tag & 7);
            match (tag >> 3, wire) {
                // Of several the last counts, for every decoder.
                (1, Some(WireType::LengthDelimited)) => name = input.read_string()?,
                (_, Some(wire)) => input.skip_field(wire)?,
                (_, None) => return Err(std::io::Error::other("an unknown kind of field").into()),
            }
        }
        Ok(name)
    };
    find().map_err(|error| format!("the message is broken: {error}"))
}

/// What a request asks.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(message: &Bytes) -> Result<Asked, String> {
    check(message, Kind::Request)?;
    let request = ModelInferRequest::parse_from_tokio_bytes(message)
        .map_err(|error| format!("the message is no inference request: {error}"))?;
    let has_shared = request
        .inputs
        .iter()
        .any(|input| input.parameters.contains_key("shared_memory_region"));
    let raw = request.raw_input_contents;
    if !has_shared && !raw.is_empty() && raw.len() != request.inputs.len() {
        return Err(format!(
            "there are {} raw contents for {} inputs",
            raw.len(),
            request.inputs.len()
        ));
    }
    let mut tensors = Vec::with_capacity(request.inputs.len());
    for (place, input) in request.inputs.into_iter().enumerate() {
        // Which raw contents are whose, servers see differently where some are shared.
        let raw = raw.get(place).filter(|_| !has_shared).cloned();
        let mut tensor = tensor(input, raw)?;
        if has_shared {
            tensor.values = Values::Absent("or another one lies in memory shared with the server");
        }
        tensors.push(tensor);
    }
    Ok(Asked {
        id: request.id,
        tensors,
    })
}

fn tensor(input: InferInputTensor, raw: Option<Bytes>) -> Result<Tensor, String> {
    // Empty ones beside raw ones are none.
    let typed_contents = input.contents.into_option();
    let typed_contents = typed_contents.filter(|c| raw.is_none() || *c != Default::default());
    let values = match (typed_contents, raw) {
        (Some(_), Some(_)) => {
            return Err(format!(
                "the input {:?} has typed contents beside raw ones",
                input.name
            ));
        }
        (Some(contents), None) => typed(&input.datatype, contents)?,
        (None, Some(raw)) => Values::Raw(raw),
        (None, None) => Values::Absent("has no contents"),
    };
    let shape: Result<_, _> = input.shape.iter().copied().map(usize::try_from).collect();
    Ok(Tensor {
        shape: shape.map_err(|_| format!("the input {:?} has a negative shape", input.name))?,
        name: input.name,
        datatype: input.datatype,
        values,
    })
}

/// The list that the datatype says.
///
/// # Errors
/// Elements in a second list: some servers take the first that has any, whatever the datatype.
fn typed(datatype: &str, contents: InferTensorContents) -> Result<Values, String> {
    fn numbers<T: Copy>(list: &[T], number: impl Fn(T) -> f32) -> Values {
        Values::Numbers(list.iter().map(|&element| number(element)).collect())
    }
    let filled = [
        !contents.bool_contents.is_empty(),
        !contents.int_contents.is_empty(),
        !contents.int64_contents.is_empty(),
        !contents.uint_contents.is_empty(),
        !contents.uint64_contents.is_empty(),
        !contents.fp32_contents.is_empty(),
        !contents.fp64_contents.is_empty(),
        !contents.bytes_contents.is_empty(),
    ];
    if filled.iter().filter(|has| **has).count() > 1 {
        return Err("an input has contents of several types".to_owned());
    }
    Ok(match datatype {
        "INT8" | "INT16" | "INT32" => numbers(&contents.int_contents, |n| n as f32),
        "INT64" => numbers(&contents.int64_contents, |n| n as f32),
        "UINT8" | "UINT16" | "UINT32" => numbers(&contents.uint_contents, |n| n as f32),
        "UINT64" => numbers(&contents.uint64_contents, |n| n as f32),
        "FP32" => Values::Numbers(contents.fp32_contents),
        "FP64" => numbers(&contents.fp64_contents, |n| n as f32),
        _ => Values::Absent("has contents that are no numbers"),
    })
}
