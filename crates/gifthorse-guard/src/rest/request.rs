//! Reads a request for inference.
//!
//! What servers read differently is refused: members that are there twice, of which some take the
//! first and some the last, and data that is there in two ways.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::data::Data;
use super::divide;
use super::keys::check;
use crate::infer::Asked;
use crate::tensor::{Tensor, Values};

#[derive(Deserialize)]
struct InferRequest {
    #[serde(default)]
    id: Option<String>,
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    datatype: String,
    shape: Vec<usize>,
    #[serde(default)]
    parameters: Option<InputParameters>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize, Default)]
struct InputParameters {
    #[serde(default)]
    binary_data_size: Option<usize>,
    #[serde(default)]
    shared_memory_region: Option<IgnoredAny>,
}

/// What a request asks; `limit` bounds its body once it is unpacked.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(headers: &HeaderMap, body: &Bytes, limit: usize) -> Result<Asked, String> {
    let body = unpack(headers, body, limit)?;
    let (json, binary) = divide(headers, &body)?;
    let request: InferRequest = serde_json::from_slice(json)
        .map_err(|error| format!("the request is no inference request in JSON: {error}"))?;
    check(json).map_err(|error| error.to_string())?;
    let mut rest = body.slice(body.len() - binary.len()..);
    let mut tensors = Vec::with_capacity(request.inputs.len());
    for input in request.inputs {
        tensors.push(tensor(input, &mut rest)?);
    }
    if !rest.is_empty() {
        return Err(format!(
            "{} bytes follow the tensors that the request describes",
            rest.len()
        ));
    }
    Ok(Asked {
        id: request.id.unwrap_or_default(),
        tensors,
    })
}

/// A tensor, of which binary data is taken from the front of `rest`.
fn tensor(input: Input, rest: &mut Bytes) -> Result<Tensor, String> {
    let parameters = input.parameters.unwrap_or_default();
    let values = match (parameters.binary_data_size, input.data) {
        (Some(_), Some(_)) => {
            return Err(format!("the input {:?} has data in two ways", input.name));
        }
        (Some(size), None) => {
            if size > rest.len() {
                return Err(format!(
                    "the input {:?} has {size} bytes, and {} are left in the body",
                    input.name,
                    rest.len()
                ));
            }
            Values::Raw(rest.split_to(size))
        }
        (None, Some(data)) if data.has_other => Values::Absent("holds what is no number"),
        (None, Some(data)) => Values::Numbers(data.numbers),
        (None, None) => Values::Absent("has no data"),
    };
    let is_shared = parameters.shared_memory_region.is_some();
    Ok(Tensor {
        name: input.name,
        datatype: input.datatype,
        shape: input.shape,
        values: if is_shared {
            Values::Absent("lies in memory shared with the server")
        } else {
            values
        },
    })
}

fn unpack(headers: &HeaderMap, body: &Bytes, limit: usize) -> Result<Bytes, String> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else {
        return Ok(body.clone());
    };
    let mut unpacked = Vec::new();
    let most = limit as u64 + 1;
    let done = match encoding.as_bytes() {
        b"identity" => return Ok(body.clone()),
        b"gzip" => GzDecoder::new(&body[..])
            .take(most)
            .read_to_end(&mut unpacked),
        b"deflate" => ZlibDecoder::new(&body[..])
            .take(most)
            .read_to_end(&mut unpacked),
        _ => return Err("the body has a Content-Encoding that is not gzip or deflate".to_owned()),
    };
    match done {
        Err(error) => Err(format!("the body cannot be unpacked: {error}")),
        Ok(bytes) if bytes > limit => Err(format!("the body has more than {limit} bytes unpacked")),
        Ok(_) => Ok(unpacked.into()),
    }
}
