//! The type that the file holds a node's results in. All values are computed in f32, but a division
//! of integers drops its remainder, a quantisation saturates where its type does, and a `CastLike`
//! asks for the type of another value.

use gifthorse_onnx::{Attribute, ElementType, Node};

/// Type of the output at this position, from the types of the inputs.
pub fn of_output(
    node: &Node,
    inputs: &[Option<ElementType>],
    output: usize,
) -> Option<ElementType> {
    let input = |index: usize| inputs.get(index).copied().flatten();
    let stated = |attribute: &str, default: Option<ElementType>| match node.int_opt(attribute) {
        Ok(Some(0) | None) => default,
        Ok(Some(number)) => ElementType::from_onnx(number),
        Err(_) => None,
    };
    match (node.op_type.as_str(), output) {
        ("Cast", _) => stated("to", None),
        ("CastLike" | "Where", _) => input(1),
        ("ArgMax" | "ArgMin" | "Shape" | "Size" | "NonZero", _) | ("TopK" | "MaxPool", 1) => {
            Some(ElementType::I64)
        }
        (
            "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Xor"
            | "Not" | "IsNaN" | "IsInf",
            _,
        ) => Some(ElementType::Bool),
        ("QuantizeLinear", _) => stated("output_dtype", input(2).or(Some(ElementType::U8))),
        ("DequantizeLinear", _) => stated("output_dtype", input(1)),
        ("DynamicQuantizeLinear", 0 | 2) => Some(ElementType::U8),
        ("ConvInteger" | "MatMulInteger", _) => Some(ElementType::I32),
        ("QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearMul", _) => input(7),
        ("QLinearSigmoid" | "QLinearLeakyRelu" | "QLinearAveragePool", _)
        | ("QLinearGlobalAveragePool", _) => input(4),
        ("QLinearConcat", _) => input(1),
        ("QGemm", _) if inputs.len() < 8 => Some(ElementType::F32),
        ("QGemm", _) => input(8),
        ("OneHot", _) => input(2),
        ("EyeLike", _) => stated("dtype", input(0)),
        ("Constant", _) => constant(node),
        ("ConstantOfShape", _) => constant(node).or(Some(ElementType::F32)),
        _ => input(0),
    }
}

/// Type of the value that a node holds.
fn constant(node: &Node) -> Option<ElementType> {
    node.attributes
        .values()
        .find_map(|attribute| match attribute {
            Attribute::Tensor(tensor) => Some(tensor.element_type()),
            Attribute::Float(_) | Attribute::Floats(_) => Some(ElementType::F32),
            Attribute::Int(_) | Attribute::Ints(_) => Some(ElementType::I64),
            _ => None,
        })
}

/// Whether values of the type are whole numbers.
pub fn is_integer(kind: ElementType) -> bool {
    !kind.is_float() && !matches!(kind, ElementType::Bool | ElementType::String)
}
