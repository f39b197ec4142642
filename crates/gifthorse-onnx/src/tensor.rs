//! Tensors as the file holds them: a name, a shape, an element type and bytes.

mod cast;
mod decode;

use std::sync::Arc;

use bytes::Bytes;
use half::{bf16, f16};

use crate::{ElementType, Error, TensorProblem, external::FilePart};

pub(crate) use cast::widen;
pub(crate) use decode::{decode, element_type, shape};

/// Most dimensions that a tensor may have; operators in use take up to eight.
pub(crate) const MAX_RANK: usize = 32;

/// A constant of a model.
///
/// The data are shared, with the file where they can be, so that a clone costs
/// next to nothing however large the tensor is. Large data in a file beside the
/// model stay there: they are read whenever they are asked for. The number of
/// elements always agrees with the shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    name: String,
    shape: Vec<usize>,
    element: ElementType,
    data: Data,
}

#[derive(Debug, Clone, PartialEq)]
enum Data {
    /// Little-endian elements, last dimension fastest.
    Bytes(Bytes),
    /// The same, in a file.
    File(FilePart),
    Strings(Arc<[Bytes]>),
}

impl Tensor {
    /// A tensor of 32-bit floats, last dimension fastest.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the shape has another number of elements.
    pub fn from_f32(
        name: impl Into<String>,
        shape: &[usize],
        values: &[f32],
    ) -> Result<Self, Error> {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::from_bytes(name, shape, ElementType::F32, bytes)
    }

    /// A tensor of 64-bit integers, last dimension fastest.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the shape has another number of elements.
    pub fn from_i64(
        name: impl Into<String>,
        shape: &[usize],
        values: &[i64],
    ) -> Result<Self, Error> {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::from_bytes(name, shape, ElementType::I64, bytes)
    }

    /// A tensor of any type but strings, from little-endian elements, last
    /// dimension fastest.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the shape needs another number of bytes, or the
    /// type is [`ElementType::String`].
    pub fn from_bytes(
        name: impl Into<String>,
        shape: &[usize],
        element: ElementType,
        bytes: Bytes,
    ) -> Result<Self, Error> {
        let name = name.into();
        let expected = shape
            .iter()
            .try_fold(element.size(), |n, &dim| n.checked_mul(dim))
            .filter(|_| element != ElementType::String);
        if shape.len() > MAX_RANK || expected != Some(bytes.len()) {
            return Err(Error::Tensor {
                tensor: name,
                problem: TensorProblem::Length {
                    unit: "bytes",
                    expected: expected.unwrap_or(usize::MAX),
                    found: bytes.len(),
                },
            });
        }
        Ok(Self {
            name,
            shape: shape.to_vec(),
            element,
            data: Data::Bytes(bytes),
        })
    }

    /// The same under another name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Its name in the file; may be empty for a tensor inside an attribute.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its dimensions; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Type of its elements.
    pub fn element_type(&self) -> ElementType {
        self.element
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The elements in little-endian order, last dimension fastest; `None` for strings.
    ///
    /// # Errors
    /// [`Error::External`] if they lie in a file that can no longer be read.
    pub fn bytes(&self) -> Result<Option<Bytes>, Error> {
        Ok(match &self.data {
            Data::Bytes(bytes) => Some(bytes.clone()),
            Data::File(part) => Some(part.read(&self.name)?),
            Data::Strings(_) => None,
        })
    }

    /// How many bytes its elements take in memory as long as it lives: none where they stay in a
    /// file.
    pub fn held(&self) -> usize {
        match &self.data {
            Data::Bytes(bytes) => bytes.len(),
            Data::File(_) => 0,
            Data::Strings(strings) => strings.iter().map(Bytes::len).sum(),
        }
    }

    /// The elements of a tensor of strings; ONNX says that they are UTF-8, files may differ.
    pub fn strings(&self) -> Option<&[Bytes]> {
        match &self.data {
            Data::Bytes(_) | Data::File(_) => None,
            Data::Strings(strings) => Some(strings),
        }
    }

    /// The elements as 32-bit floats, rounded to nearest where the type is
    /// wider; truth values become 0 and 1.
    ///
    /// # Errors
    /// [`Error::Tensor`] for a tensor of strings, [`Error::External`] as for
    /// [`bytes`](Self::bytes).
    pub fn to_f32(&self) -> Result<Vec<f32>, Error> {
        let bytes = self.bytes()?.ok_or_else(|| self.conversion("numbers"))?;
        let bytes = &bytes[..];
        Ok(match self.element {
            ElementType::F32 => each(bytes, f32::from_le_bytes),
            ElementType::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
            ElementType::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
            ElementType::BF16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            ElementType::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
            ElementType::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
            ElementType::I16 => each(bytes, |b| i16::from_le_bytes(b).into()),
            ElementType::I8 => each(bytes, |b| i8::from_le_bytes(b).into()),
            ElementType::U64 => each(bytes, |b| u64::from_le_bytes(b) as f32),
            ElementType::U32 => each(bytes, |b| u32::from_le_bytes(b) as f32),
            ElementType::U16 => each(bytes, |b| u16::from_le_bytes(b).into()),
            ElementType::U8 => each(bytes, |b| u8::from_le_bytes(b).into()),
            ElementType::Bool => each(bytes, |[b]| (b != 0).into()),
            ElementType::String => return Err(self.conversion("numbers")),
        })
    }

    /// The elements as 64-bit floats, rounded to nearest where the type is wider; truth values
    /// become 0 and 1.
    ///
    /// # Errors
    /// As for [`to_f32`](Self::to_f32).
    pub fn to_f64(&self) -> Result<Vec<f64>, Error> {
        let bytes = self.bytes()?.ok_or_else(|| self.conversion("numbers"))?;
        let bytes = &bytes[..];
        Ok(match self.element {
            ElementType::F64 => each(bytes, f64::from_le_bytes),
            ElementType::I64 => each(bytes, |b| i64::from_le_bytes(b) as f64),
            ElementType::U64 => each(bytes, |b| u64::from_le_bytes(b) as f64),
            ElementType::I32 => each(bytes, |b| i32::from_le_bytes(b).into()),
            ElementType::U32 => each(bytes, |b| u32::from_le_bytes(b).into()),
            // A 32-bit float holds every element of the other types.
            _ => self.to_f32()?.into_iter().map(f64::from).collect(),
        })
    }

    /// The elements of an integer tensor as 64-bit integers; truth values
    /// become 0 and 1.
    ///
    /// # Errors
    /// [`Error::Tensor`] for floats and strings, and for an unsigned number
    /// beyond 2^63 - 1; [`Error::External`] as for [`bytes`](Self::bytes).
    pub fn to_i64(&self) -> Result<Vec<i64>, Error> {
        let bytes = self.bytes()?.ok_or_else(|| self.conversion("integers"))?;
        let bytes = &bytes[..];
        Ok(match self.element {
            ElementType::I64 => each(bytes, i64::from_le_bytes),
            ElementType::I32 => each(bytes, |b| i32::from_le_bytes(b).into()),
            ElementType::I16 => each(bytes, |b| i16::from_le_bytes(b).into()),
            ElementType::I8 => each(bytes, |b| i8::from_le_bytes(b).into()),
            ElementType::U64 => each(bytes, u64::from_le_bytes)
                .into_iter()
                .map(i64::try_from)
                .collect::<Result<_, _>>()
                .map_err(|_| self.conversion("signed integers"))?,
            ElementType::U32 => each(bytes, |b| u32::from_le_bytes(b).into()),
            ElementType::U16 => each(bytes, |b| u16::from_le_bytes(b).into()),
            ElementType::U8 => each(bytes, |b| u8::from_le_bytes(b).into()),
            ElementType::Bool => each(bytes, |[b]| (b != 0).into()),
            ElementType::F32
            | ElementType::F64
            | ElementType::F16
            | ElementType::BF16
            | ElementType::String => return Err(self.conversion("integers")),
        })
    }

    fn conversion(&self, wanted: &'static str) -> Error {
        Error::Tensor {
            tensor: self.name.clone(),
            problem: TensorProblem::Conversion {
                found: self.element,
                wanted,
            },
        }
    }
}

fn each<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|&element| convert(element)).collect()
}
