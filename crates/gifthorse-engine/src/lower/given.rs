//! Inputs beside the image, which are given one number: `keep_prob`, `is_training` and their like.

use std::sync::Arc;

use gifthorse_onnx::ValueInfo;

use super::constant::Constant;
use super::context::Lowered;
use super::kind;
use super::scope::Named;
use crate::error::Error;

/// Most numbers that such an input may have.
const LARGEST: usize = 1 << 20;

/// An input all of whose entries are this number. Where its first axis is free, that is the batch.
///
/// # Errors
/// [`Error::Input`] for an input whose size is not known.
pub fn constant(info: &ValueInfo, value: f32, batch: usize) -> Result<Named, Error> {
    let name = &info.name;
    let dims = info.shape.as_deref().unwrap_or_default();
    let lengths = dims.iter().enumerate().map(|(axis, dim)| match dim.fixed() {
        Some(length) => Ok(length),
        None if axis == 0 => Ok(batch),
        None => Err(Error::Input(format!(
            "the file does not say how large its input `{name}` is, so that no number can be given to it (--input)"
        ))),
    });
    let shape = lengths.collect::<Result<Vec<usize>, Error>>()?;
    let count = shape
        .iter()
        .try_fold(1usize, |count, &length| count.checked_mul(length))
        .filter(|&count| count <= LARGEST)
        .ok_or_else(|| {
            Error::Input(format!(
                "the input `{name}` of shape {shape:?} has more numbers than one can stand for (--input)"
            ))
        })?;
    let whole = info.element_type.is_some_and(kind::is_integer) || is_truth(info);
    let constant = if whole {
        Constant::int(name.clone(), shape, vec![value as i64; count])
    } else {
        Constant::float(name.clone(), shape, vec![value; count])
    };
    Ok(Named {
        lowered: Lowered::Constant(Arc::new(constant)),
        kind: info.element_type,
    })
}

fn is_truth(info: &ValueInfo) -> bool {
    info.element_type == Some(gifthorse_onnx::ElementType::Bool)
}
