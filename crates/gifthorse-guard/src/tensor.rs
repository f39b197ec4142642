//! The tensors of a request, whichever way they came.

use bytes::Bytes;
use half::{bf16, f16};

use crate::form::{Form, NoImage};

/// A tensor of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) datatype: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// What is in a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    /// Numbers, row-major.
    Numbers(Vec<f32>),
    /// Numbers in their datatype, row-major and little-endian.
    Raw(Bytes),
    /// What is not here, or no numbers, and why.
    Absent(&'static str),
}

/// The images of a request for the guarded model: pixels `[images, channels, height, width]` in
/// [0, 1].
///
/// # Errors
/// [`NoImage`], which tells clients what is wrong.
pub(crate) fn images(
    tensors: &[Tensor],
    input: Option<&str>,
    form: &Form,
    most: usize,
) -> Result<(usize, Vec<f32>), NoImage> {
    let tensor = the_input(tensors, input)?;
    let count = form.count(&tensor.shape)?;
    if count == 0 || count > most {
        return Err(NoImage(format!(
            "the request has {count} images, and 1 to {most} are judged at a time"
        )));
    }
    let pixels = match &tensor.values {
        Values::Numbers(numbers) => {
            fit(&tensor.datatype, numbers)?;
            form.images(&tensor.shape, numbers)?
        }
        Values::Raw(raw) => form.images(&tensor.shape, &decode(&tensor.datatype, raw)?)?,
        Values::Absent(reason) => {
            return Err(NoImage(format!("the input {:?} {reason}", tensor.name)));
        }
    };
    Ok((count, pixels))
}

/// The tensor that holds the images. Two of one name are refused, since servers may take either.
fn the_input<'a>(tensors: &'a [Tensor], input: Option<&str>) -> Result<&'a Tensor, NoImage> {
    let mut named = tensors
        .iter()
        .filter(|tensor| input.is_none_or(|name| tensor.name == name));
    match (named.next(), named.next(), input) {
        (Some(tensor), None, _) => Ok(tensor),
        (None, _, Some(name)) => Err(NoImage(format!("the request has no input {name:?}"))),
        (None, _, None) => Err(NoImage("the request has no input".to_owned())),
        (Some(_), Some(_), Some(name)) => Err(NoImage(format!(
            "the request has more than one input {name:?}"
        ))),
        (Some(_), Some(_), None) => Err(NoImage(
            "the request has several inputs, and the guard is not told which holds the images"
                .to_owned(),
        )),
    }
}

/// Whether numbers that came as such can be of their datatype. Servers wrap, clip or refuse those
/// that cannot, so that the model would see others.
fn fit(datatype: &str, numbers: &[f32]) -> Result<(), NoImage> {
    let range = match datatype {
        "UINT8" => 0.0..=255.0,
        "INT8" => -128.0..=127.0,
        "UINT16" => 0.0..=65535.0,
        "INT16" => -32768.0..=32767.0,
        "UINT32" | "UINT64" => 0.0..=f32::from(u16::MAX),
        "INT32" | "INT64" => f32::from(i16::MIN)..=f32::from(u16::MAX),
        "FP16" | "BF16" | "FP32" | "FP64" => return Ok(()),
        _ => return Err(unread(datatype)),
    };
    let stray = numbers
        .iter()
        .find(|number| number.fract() != 0.0 || !range.contains(*number));
    match stray {
        None => Ok(()),
        Some(number) => Err(NoImage(format!(
            "the input has the number {number}, which no image of datatype {datatype} has"
        ))),
    }
}

/// Numbers from their bytes.
fn decode(datatype: &str, raw: &[u8]) -> Result<Vec<f32>, NoImage> {
    match datatype {
        "UINT8" => Ok(raw.iter().map(|&byte| f32::from(byte)).collect()),
        "INT8" => each(raw, |[byte]| f32::from(i8::from_le_bytes([byte]))),
        "UINT16" => each(raw, |bytes| f32::from(u16::from_le_bytes(bytes))),
        "INT16" => each(raw, |bytes| f32::from(i16::from_le_bytes(bytes))),
        "UINT32" => each(raw, |bytes| u32::from_le_bytes(bytes) as f32),
        "INT32" => each(raw, |bytes| i32::from_le_bytes(bytes) as f32),
        "UINT64" => each(raw, |bytes| u64::from_le_bytes(bytes) as f32),
        "INT64" => each(raw, |bytes| i64::from_le_bytes(bytes) as f32),
        "FP16" => each(raw, |bytes| f16::from_le_bytes(bytes).to_f32()),
        "BF16" => each(raw, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        "FP32" => each(raw, f32::from_le_bytes),
        "FP64" => each(raw, |bytes| f64::from_le_bytes(bytes) as f32),
        _ => Err(unread(datatype)),
    }
}

fn each<const SIZE: usize>(
    raw: &[u8],
    number: impl Fn([u8; SIZE]) -> f32,
) -> Result<Vec<f32>, NoImage> {
    let (elements, rest) = raw.as_chunks::<SIZE>();
    if !rest.is_empty() {
        return Err(NoImage(format!(
            "the input has {} bytes, which are not whole numbers of {SIZE}",
            raw.len()
        )));
    }
    Ok(elements.iter().map(|bytes| number(*bytes)).collect())
}

fn unread(datatype: &str) -> NoImage {
    // It comes from a client, and no datatype is longer.
    let datatype: String = datatype.chars().take(16).collect();
    NoImage(format!(
        "the input has the datatype {datatype:?}, of which no images are read"
    ))
}

#[cfg(test)]
mod tests;
