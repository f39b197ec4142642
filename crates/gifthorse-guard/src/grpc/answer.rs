//! Changes an answer of the server: its parameters, and its output for flagged images.

use bytes::{Bytes, BytesMut};
use protobuf::Message;

use super::weigh::{Kind, check};
use crate::parameters::{Parameters, Value};
use crate::proto::infer_parameter::Parameter_choice;
use crate::proto::{InferParameter, InferTensorContents, ModelInferResponse};
use crate::replace::{Correction, Elements, RawElements, correct as correct_elements, fits};

/// Adds parameters to an answer, of which no byte changes: two messages one after the other are one
/// message of all their fields, and of a map the later entry counts.
///
/// # Errors
/// Why they cannot be written.
pub(crate) fn mark(message: &[u8], parameters: &Parameters) -> Result<Bytes, String> {
    let mut added = ModelInferResponse::new();
    for (name, value) in &parameters.0 {
        let choice = match value {
            Value::Flag(flag) => Parameter_choice::BoolParam(*flag),
            Value::Text(text) => Parameter_choice::StringParam(text.clone()),
        };
        let mut parameter = InferParameter::new();
        parameter.parameter_choice = Some(choice);
        added.parameters.insert((*name).to_owned(), parameter);
    }
    let added = added.write_to_bytes().map_err(|error| error.to_string())?;
    let mut marked = BytesMut::from(message);
    marked.extend_from_slice(&added);
    Ok(marked.freeze())
}

/// Puts safe labels into an output: the one named, or the only one there is.
///
/// # Errors
/// Why the answer cannot be corrected.
pub(crate) fn correct(
    message: &Bytes,
    name: Option<&str>,
    images: usize,
    corrections: &[Correction],
) -> Result<Bytes, String> {
    check(message, Kind::Response)?;
    let mut answer = ModelInferResponse::parse_from_tokio_bytes(message)
        .map_err(|error| format!("the answer is no inference response: {error}"))?;
    let names = answer.outputs.iter().map(|output| output.name.as_str());
    let place = crate::infer::the_output(names, name)?;
    let output = &mut answer.outputs[place];
    let (datatype, shape) = (output.datatype.clone(), output.shape.clone());
    let fix = |elements: &mut dyn Elements| {
        correct_elements(elements, &datatype, &shape, images, corrections)
    };
    // MLServer also sends empty contents with raw ones.
    if let Some(raw) = answer.raw_output_contents.get_mut(place) {
        let mut bytes = raw.to_vec();
        let mut elements = RawElements::new(&mut bytes, &datatype)
            .ok_or("the answer's raw contents are no numbers")?;
        fix(&mut elements)?;
        *raw = bytes.into();
    } else {
        let contents = output.contents.as_mut();
        fix(&mut Typed {
            contents: contents.ok_or("the answer's output has no contents")?,
            datatype: &datatype,
        })?;
    }
    let corrected = answer.write_to_bytes().map_err(|error| error.to_string())?;
    Ok(corrected.into())
}

/// The list of contents that a datatype says.
struct Typed<'a> {
    contents: &'a mut InferTensorContents,
    datatype: &'a str,
}

impl Elements for Typed<'_> {
    fn count(&self) -> usize {
        match self.datatype {
            "INT8" | "INT16" | "INT32" => self.contents.int_contents.len(),
            "INT64" => self.contents.int64_contents.len(),
            "UINT8" | "UINT16" | "UINT32" => self.contents.uint_contents.len(),
            "UINT64" => self.contents.uint64_contents.len(),
            "FP32" => self.contents.fp32_contents.len(),
            "FP64" => self.contents.fp64_contents.len(),
            _ => 0,
        }
    }

    fn number(&self, place: usize) -> Option<f64> {
        match self.datatype {
            "FP32" => self
                .contents
                .fp32_contents
                .get(place)
                .copied()
                .map(f64::from),
            "FP64" => self.contents.fp64_contents.get(place).copied(),
            _ => None,
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        match self.datatype {
            "FP32" => self.contents.fp32_contents.swap(one, other),
            "FP64" => self.contents.fp64_contents.swap(one, other),
            // Labels are put, not swapped.
            _ => {}
        }
    }

    fn put(&mut self, place: usize, label: usize) -> bool {
        let fits = fits(label, self.datatype);
        if fits {
            match self.datatype {
                "INT8" | "INT16" | "INT32" => self.contents.int_contents[place] = label as i32,
                "INT64" => self.contents.int64_contents[place] = label as i64,
                "UINT8" | "UINT16" | "UINT32" => self.contents.uint_contents[place] = label as u32,
                _ => self.contents.uint64_contents[place] = label as u64,
            }
        }
        fits
    }
}
