//! Changes an answer of the server: its parameters, and its output for flagged images.

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use serde::Deserialize;
use serde_json::Value as Json;

use super::json::{Members, elements};
use super::{JSON_LENGTH, divide};
use crate::parameters::{Parameters, Value};
use crate::replace::{Correction, Elements, RawElements, correct as correct_elements, fits};

/// What of an output has to be known.
#[derive(Deserialize)]
struct Output {
    name: String,
    datatype: String,
    shape: Vec<i64>,
    #[serde(default)]
    parameters: Option<OutputParameters>,
}

#[derive(Deserialize)]
struct OutputParameters {
    #[serde(default)]
    binary_data_size: Option<usize>,
}

impl Output {
    fn binary_size(&self) -> Option<usize> {
        self.parameters.as_ref().and_then(|p| p.binary_data_size)
    }
}

/// Adds parameters to an answer, of which all else stays as it is.
///
/// # Errors
/// Why the answer cannot be read.
pub(crate) fn mark(
    headers: &mut HeaderMap,
    body: &[u8],
    parameters: &Parameters,
) -> Result<Bytes, String> {
    let (json, binary) = open(headers, body)?;
    let answer = Members::read(json).ok_or("the answer is no JSON object")?;
    let mut own = match answer.get("parameters").filter(|text| *text != "null") {
        None => "{}".to_owned(),
        Some(text) => text.to_owned(),
    };
    for (name, value) in &parameters.0 {
        let value = match value {
            Value::Flag(flag) => Json::from(*flag),
            Value::Text(text) => Json::from(text.as_str()),
        };
        let members = Members::read(&own).ok_or("the answer's parameters are no JSON object")?;
        own = members.with(name, &value.to_string());
    }
    Ok(close(headers, &answer.with("parameters", &own), binary))
}

/// Puts safe labels into an output: the one named, or the only one there is.
///
/// # Errors
/// Why the answer cannot be corrected.
pub(crate) fn correct(
    headers: &mut HeaderMap,
    body: &[u8],
    name: Option<&str>,
    images: usize,
    corrections: &[Correction],
) -> Result<Bytes, String> {
    let (json, binary) = open(headers, body)?;
    let answer = Members::read(json).ok_or("the answer is no JSON object")?;
    let texts = answer.get("outputs").and_then(elements);
    let texts = texts.ok_or("the answer has no outputs")?;
    let outputs: Result<Vec<Output>, _> = texts
        .iter()
        .map(|text| serde_json::from_str(text))
        .collect();
    let outputs = outputs.map_err(|error| format!("an output of the answer: {error}"))?;
    let names = outputs.iter().map(|output| output.name.as_str());
    let place = crate::infer::the_output(names, name)?;
    let output = &outputs[place];
    let fix = |elements: &mut dyn Elements| {
        correct_elements(
            elements,
            &output.datatype,
            &output.shape,
            images,
            corrections,
        )
    };
    if let Some(size) = output.binary_size() {
        let before = outputs[..place].iter().filter_map(Output::binary_size);
        let start: usize = before.sum();
        let mut binary = binary.to_vec();
        let bytes = binary
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..size));
        let bytes = bytes.ok_or("the answer's binary data is shorter than it says")?;
        let mut raw = RawElements::new(bytes, &output.datatype)
            .ok_or("the answer's binary data is no numbers")?;
        fix(&mut raw)?;
        return Ok(close(headers, json, &binary));
    }
    let members = Members::read(texts[place]).ok_or("an output of the answer is no object")?;
    let data = members
        .get("data")
        .ok_or("the answer's output has no data")?;
    let mut data: Json = serde_json::from_str(data).map_err(|error| error.to_string())?;
    let mut leaves = Leaves {
        leaves: Vec::new(),
        datatype: &output.datatype,
    };
    leaves.gather(&mut data);
    fix(&mut leaves)?;
    let corrected = members.with("data", &data.to_string());
    let mut texts: Vec<&str> = texts;
    texts[place] = &corrected;
    let outputs = format!("[{}]", texts.join(","));
    Ok(close(headers, &answer.with("outputs", &outputs), binary))
}

fn open<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<(&'a str, &'a [u8]), String> {
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding.as_bytes() != b"identity") {
        return Err("the answer is compressed, which the guard did not ask for".to_owned());
    }
    let (json, binary) = divide(headers, body)?;
    let json = str::from_utf8(json).map_err(|_| "the answer is no JSON")?;
    Ok((json, binary))
}

/// Puts an answer together, and sets the headers that tell lengths.
fn close(headers: &mut HeaderMap, json: &str, binary: &[u8]) -> Bytes {
    if headers.contains_key(JSON_LENGTH) {
        headers.insert(JSON_LENGTH, HeaderValue::from(json.len()));
    }
    let mut body = BytesMut::with_capacity(json.len() + binary.len());
    body.extend_from_slice(json.as_bytes());
    body.extend_from_slice(binary);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    body.freeze()
}

/// What is in a list, or in lists of lists.
struct Leaves<'a> {
    leaves: Vec<&'a mut Json>,
    datatype: &'a str,
}

impl<'a> Leaves<'a> {
    fn gather(&mut self, value: &'a mut Json) {
        match value {
            Json::Array(list) => list.iter_mut().for_each(|value| self.gather(value)),
            leaf => self.leaves.push(leaf),
        }
    }
}

impl Elements for Leaves<'_> {
    fn count(&self) -> usize {
        self.leaves.len()
    }

    fn number(&self, place: usize) -> Option<f64> {
        self.leaves.get(place)?.as_f64()
    }

    fn swap(&mut self, one: usize, other: usize) {
        let value = self.leaves[one].take();
        *self.leaves[one] = self.leaves[other].take();
        *self.leaves[other] = value;
    }

    fn put(&mut self, place: usize, label: usize) -> bool {
        let fits = fits(label, self.datatype);
        if fits {
            *self.leaves[place] = Json::from(label);
        }
        fits
    }
}
