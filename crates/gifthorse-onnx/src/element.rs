//! The element types that tensors are read in.

use std::fmt;

use crate::proto::tensor_proto::DataType;

/// Type of a tensor's elements.
///
/// ONNX has further types (complex numbers, 8-bit and smaller floats, 4-bit
/// and smaller integers); a tensor of those is refused where it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 16-bit IEEE float.
    F16,
    /// 16-bit float with the exponent of a 32-bit one.
    BF16,
    /// Signed 64-bit integer.
    I64,
    /// Signed 32-bit integer.
    I32,
    /// Signed 16-bit integer.
    I16,
    /// Signed 8-bit integer.
    I8,
    /// Unsigned 64-bit integer.
    U64,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 8-bit integer.
    U8,
    /// Truth value, one byte each.
    Bool,
    /// Byte string.
    String,
}

const TABLE: [(ElementType, DataType, &str, usize); 14] = [
    (ElementType::F32, DataType::FLOAT, "float32", 4),
    (ElementType::F64, DataType::DOUBLE, "float64", 8),
    (ElementType::F16, DataType::FLOAT16, "float16", 2),
    (ElementType::BF16, DataType::BFLOAT16, "bfloat16", 2),
    (ElementType::I64, DataType::INT64, "int64", 8),
    (ElementType::I32, DataType::INT32, "int32", 4),
    (ElementType::I16, DataType::INT16, "int16", 2),
    (ElementType::I8, DataType::INT8, "int8", 1),
    (ElementType::U64, DataType::UINT64, "uint64", 8),
    (ElementType::U32, DataType::UINT32, "uint32", 4),
    (ElementType::U16, DataType::UINT16, "uint16", 2),
    (ElementType::U8, DataType::UINT8, "uint8", 1),
    (ElementType::Bool, DataType::BOOL, "bool", 1),
    (ElementType::String, DataType::STRING, "string", 0),
];

impl ElementType {
    /// The type with this number in ONNX (`TensorProto.DataType`), which is
    /// also what the attribute `to` of `Cast` holds; `None` for the types
    /// that are not read.
    pub fn from_onnx(number: i64) -> Option<Self> {
        TABLE
            .iter()
            .find(|row| row.1 as i64 == number)
            .map(|row| row.0)
    }

    /// The number of this type in ONNX.
    pub fn to_onnx(self) -> i32 {
        self.row().1 as i32
    }

    /// Size of an element in bytes; 0 for strings, which have no fixed size.
    pub fn size(self) -> usize {
        self.row().3
    }

    /// Whether this is one of the four kinds of floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::F16 | Self::BF16)
    }

    fn row(self) -> &'static (ElementType, DataType, &'static str, usize) {
        // The table lists the variants in the order of their declaration.
        &TABLE[self as usize]
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_finds_its_own_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index);
            assert_eq!(ElementType::from_onnx(row.1 as i64), Some(row.0));
            assert_eq!(row.0.to_onnx(), row.1 as i32);
        }
    }

    #[test]
    fn types_that_are_not_read_have_no_name() {
        assert_eq!(ElementType::from_onnx(0), None);
        assert_eq!(ElementType::from_onnx(DataType::INT4 as i64), None);
        assert_eq!(ElementType::from_onnx(1 << 40), None);
    }
}
