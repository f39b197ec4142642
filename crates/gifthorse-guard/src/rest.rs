//! The protocol over HTTP: JSON, and binary tensors behind it.

mod answer;
mod data;
mod json;
mod keys;
mod request;

pub(crate) use answer::{correct, mark};
pub(crate) use request::read;

use hyper::HeaderMap;
use hyper::header::HeaderName;

/// How long the JSON is, where binary tensors follow.
const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Divides a body into JSON and what follows.
fn divide<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), String> {
    let mut lengths = headers.get_all(JSON_LENGTH).iter();
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => return Ok((body, &[])),
        (Some(length), None) => length,
        (Some(_), Some(_)) => {
            return Err("there is more than one Inference-Header-Content-Length".to_owned());
        }
    };
    let digits = length.to_str().unwrap_or_default();
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    let length = digits.parse().ok().filter(|_| is_number);
    let parts = length.and_then(|length: usize| body.split_at_checked(length));
    parts.ok_or_else(|| {
        "Inference-Header-Content-Length is no length of JSON within the body".to_owned()
    })
}

#[cfg(test)]
mod tests;
