//! From the many ways in which ONNX stores a tensor to the one of [`Tensor`].

use std::fmt::Display;

use bytes::Bytes;

use super::{Data, MAX_RANK, Tensor};
use crate::{
    ElementType, Error, TensorProblem,
    external::ExternalFiles,
    proto::{TensorProto, tensor_proto::DataLocation},
};

/// External data of more bytes than this stay in their file until they are asked for.
const STAYS_IN_FILE: usize = 1 << 16;

/// Reads a tensor; `place` names it in errors where it has no name itself.
pub(crate) fn decode(
    proto: &TensorProto,
    place: &str,
    external: &ExternalFiles,
) -> Result<Tensor, Error> {
    let label = match proto.name() {
        "" => place,
        name => name,
    };
    let wrong = |problem| Error::Tensor {
        tensor: label.to_owned(),
        problem,
    };

    let element = element_type(proto).map_err(wrong)?;
    let shape = shape(proto, element).map_err(wrong)?;
    let count = shape.iter().product::<usize>();
    if proto.segment.is_some() {
        return Err(wrong(TensorProblem::Segmented));
    }

    let data = if element == ElementType::String {
        expect_length("elements", count, proto.string_data.len()).map_err(wrong)?;
        Data::Strings(proto.string_data.as_slice().into())
    } else if proto.data_location() == DataLocation::EXTERNAL {
        let part = external.part(label, &proto.external_data, count * element.size())?;
        if count * element.size() > STAYS_IN_FILE {
            Data::File(part)
        } else {
            Data::Bytes(part.read(label)?)
        }
    } else if !proto.raw_data().is_empty() {
        let raw = proto.raw_data.clone().unwrap_or_default();
        expect_length("bytes", count * element.size(), raw.len()).map_err(wrong)?;
        Data::Bytes(raw)
    } else {
        Data::Bytes(typed_data(proto, element, count).map_err(wrong)?)
    };
    Ok(Tensor {
        name: proto.name().to_owned(),
        shape,
        element,
        data,
    })
}

/// The element type, if it is one that is read.
pub(crate) fn element_type(proto: &TensorProto) -> Result<ElementType, TensorProblem> {
    let number = proto.data_type();
    ElementType::from_onnx(number.into()).ok_or(TensorProblem::ElementType(number))
}

/// The shape, once it is known that its elements can be counted in bytes.
pub(crate) fn shape(
    proto: &TensorProto,
    element: ElementType,
) -> Result<Vec<usize>, TensorProblem> {
    let rank = proto.dims.len();
    if rank > MAX_RANK {
        return Err(TensorProblem::Rank {
            rank,
            limit: MAX_RANK,
        });
    }
    if let Some(&dim) = proto.dims.iter().find(|&&dim| dim < 0) {
        return Err(TensorProblem::NegativeDim { dim });
    }
    // Zeros are left out, so that no order of multiplying can overflow later on.
    let bytes = proto
        .dims
        .iter()
        .filter(|&&dim| dim != 0)
        .try_fold(element.size().max(1) as i64, |n, &dim| n.checked_mul(dim))
        .filter(|&n| isize::try_from(n).is_ok());
    if bytes.is_none() {
        return Err(TensorProblem::TooLarge {
            dims: proto.dims.clone(),
        });
    }
    Ok(proto.dims.iter().map(|&dim| dim as usize).collect())
}

fn expect_length(unit: &'static str, expected: usize, found: usize) -> Result<(), TensorProblem> {
    if expected == found {
        return Ok(());
    }
    Err(TensorProblem::Length {
        unit,
        expected,
        found,
    })
}

/// The elements from the field that ONNX has for this type, where the small
/// types share `int32_data` and 16-bit floats are stored there as their bits.
fn typed_data(
    proto: &TensorProto,
    element: ElementType,
    count: usize,
) -> Result<Bytes, TensorProblem> {
    let length = |found| expect_length("elements", count, found);
    let small = &proto.int32_data;
    let big = &proto.uint64_data;
    match element {
        ElementType::F32 => {
            length(proto.float_data.len())?;
            Ok(pack(&proto.float_data, |v| v.to_le_bytes()))
        }
        ElementType::F64 => {
            length(proto.double_data.len())?;
            Ok(pack(&proto.double_data, |v| v.to_le_bytes()))
        }
        ElementType::I64 => {
            length(proto.int64_data.len())?;
            Ok(pack(&proto.int64_data, |v| v.to_le_bytes()))
        }
        ElementType::U64 => {
            length(big.len())?;
            Ok(pack(big, |v| v.to_le_bytes()))
        }
        ElementType::U32 => {
            length(big.len())?;
            narrow(big, element, u32::to_le_bytes)
        }
        ElementType::I32 => {
            length(small.len())?;
            Ok(pack(small, |v| v.to_le_bytes()))
        }
        ElementType::I16 => {
            length(small.len())?;
            narrow(small, element, i16::to_le_bytes)
        }
        ElementType::I8 => {
            length(small.len())?;
            narrow(small, element, i8::to_le_bytes)
        }
        ElementType::U16 | ElementType::F16 | ElementType::BF16 => {
            length(small.len())?;
            narrow(small, element, u16::to_le_bytes)
        }
        ElementType::U8 | ElementType::Bool => {
            length(small.len())?;
            narrow(small, element, u8::to_le_bytes)
        }
        ElementType::String => Err(TensorProblem::ElementType(element.to_onnx())),
    }
}

fn pack<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Bytes {
    values.iter().flat_map(|&value| bytes(value)).collect()
}

fn narrow<T, S, const N: usize>(
    values: &[T],
    element: ElementType,
    bytes: impl Fn(S) -> [u8; N],
) -> Result<Bytes, TensorProblem>
where
    T: Copy + Display,
    S: TryFrom<T>,
{
    let mut packed = Vec::with_capacity(values.len() * N);
    for &value in values {
        let small = S::try_from(value).map_err(|_| TensorProblem::Range {
            value: value.to_string(),
            element,
        })?;
        packed.extend_from_slice(&bytes(small));
    }
    Ok(packed.into())
}
