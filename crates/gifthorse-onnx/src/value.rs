//! Inputs and outputs of a graph, and what the file says of their types.

use crate::{
    ElementType, Error,
    proto::{TypeProto, ValueInfoProto, tensor_shape_proto::dimension, type_proto},
    tensor::MAX_RANK,
};

/// The largest dimension that is believed: beyond this no tensor fits in memory.
const MAX_DIM: i64 = 1 << 40;

/// An input or output of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueInfo {
    /// Name of the value.
    pub name: String,
    /// Its element type; `None` where the file does not say, where it is one
    /// that is not read, and for values that are no tensors.
    pub element_type: Option<ElementType>,
    /// Its dimensions; `None` where not even their number is known.
    pub shape: Option<Vec<Dim>>,
}

/// One dimension of an input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// Fixed in the file.
    Fixed(usize),
    /// Free, under a name: equal names are equal numbers.
    Named(String),
    /// Free.
    Unknown,
}

impl Dim {
    /// The number, where it is fixed.
    pub fn fixed(&self) -> Option<usize> {
        match self {
            Self::Fixed(n) => Some(*n),
            Self::Named(_) | Self::Unknown => None,
        }
    }
}

impl ValueInfo {
    pub(crate) fn decode(proto: &ValueInfoProto) -> Result<Self, Error> {
        let wrong = |reason| Error::ValueInfo {
            value: proto.name().to_owned(),
            reason,
        };
        let tensor = proto.type_.as_ref().and_then(tensor_type);
        Ok(Self {
            name: proto.name().to_owned(),
            element_type: tensor.and_then(|t| ElementType::from_onnx(t.elem_type().into())),
            shape: match tensor.and_then(|t| t.shape.as_ref()) {
                Some(shape) if shape.dim.len() > MAX_RANK => {
                    return Err(wrong(format!(
                        "it has {} dimensions, and {MAX_RANK} is the limit",
                        shape.dim.len()
                    )));
                }
                Some(shape) => Some(
                    shape
                        .dim
                        .iter()
                        .map(|dim| decode_dim(dim.value.as_ref()).map_err(wrong))
                        .collect::<Result<_, _>>()?,
                ),
                None => None,
            },
        })
    }
}

fn tensor_type(proto: &TypeProto) -> Option<&type_proto::Tensor> {
    match &proto.value {
        Some(type_proto::Value::TensorType(tensor)) => Some(tensor),
        _ => None,
    }
}

fn decode_dim(value: Option<&dimension::Value>) -> Result<Dim, String> {
    match value {
        // Some exporters write -1 for a free dimension, though ONNX has no such rule.
        None | Some(dimension::Value::DimValue(-1)) => Ok(Dim::Unknown),
        Some(dimension::Value::DimParam(name)) if name.is_empty() => Ok(Dim::Unknown),
        Some(dimension::Value::DimParam(name)) => Ok(Dim::Named(name.clone())),
        Some(&dimension::Value::DimValue(n)) if n < 0 => Err(format!("dimension {n} is negative")),
        Some(&dimension::Value::DimValue(n)) if n > MAX_DIM => {
            Err(format!("dimension {n} is beyond any memory"))
        }
        Some(&dimension::Value::DimValue(n)) => usize::try_from(n)
            .map(Dim::Fixed)
            .map_err(|e| e.to_string()),
    }
}
