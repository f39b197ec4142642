//! Attributes: the constants that configure a node.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Error, Graph, Tensor,
    external::ExternalFiles,
    proto::{AttributeProto, GraphProto, attribute_proto::AttributeType},
    tensor,
};

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f32),
    /// A string.
    String(String),
    /// A list of integers.
    Ints(Vec<i64>),
    /// A list of floats.
    Floats(Vec<f32>),
    /// A list of strings.
    Strings(Vec<String>),
    /// A tensor.
    Tensor(Tensor),
    /// A graph: a branch of `If`, the body of `Loop` or `Scan`.
    Graph(Arc<Graph>),
    /// A value of a kind that is not read, described by its name.
    Other(&'static str),
}

impl Attribute {
    /// What it is, in words that fit after "is": `an integer`, `a tensor` ...
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::String(_) => "a string",
            Self::Ints(_) => "a list of integers",
            Self::Floats(_) => "a list of floats",
            Self::Strings(_) => "a list of strings",
            Self::Tensor(_) => "a tensor",
            Self::Graph(_) => "a graph",
            Self::Other(kind) => kind,
        }
    }

    /// Reads an attribute; `place` names its node in errors, `subgraph` reads a graph.
    pub(crate) fn decode(
        proto: &AttributeProto,
        place: &str,
        external: &ExternalFiles,
        subgraph: impl FnOnce(&GraphProto) -> Result<Graph, Error>,
    ) -> Result<Self, Error> {
        Ok(match kind_of(proto) {
            AttributeType::INT => Self::Int(proto.i()),
            AttributeType::FLOAT => Self::Float(proto.f()),
            AttributeType::STRING => match text(proto.s()) {
                Some(s) => Self::String(s),
                None => Self::Other("a string that is not UTF-8"),
            },
            AttributeType::INTS => Self::Ints(proto.ints.clone()),
            AttributeType::FLOATS => Self::Floats(proto.floats.clone()),
            AttributeType::STRINGS => {
                match proto.strings.iter().map(|s: &Bytes| text(s)).collect() {
                    Some(strings) => Self::Strings(strings),
                    None => Self::Other("a list of strings that are not UTF-8"),
                }
            }
            AttributeType::TENSOR => match proto.t.as_ref() {
                Some(t) => {
                    let place = format!("attribute {} of {place}", proto.name());
                    Self::Tensor(tensor::decode(t, &place, external)?)
                }
                None => Self::Other("an absent tensor"),
            },
            AttributeType::GRAPH => match proto.g.as_ref() {
                Some(g) => Self::Graph(Arc::new(subgraph(g)?)),
                None => Self::Other("an absent graph"),
            },
            AttributeType::TENSORS => Self::Other("a list of tensors"),
            AttributeType::GRAPHS => Self::Other("a list of graphs"),
            AttributeType::SPARSE_TENSOR => Self::Other("a sparse tensor"),
            AttributeType::SPARSE_TENSORS => Self::Other("a list of sparse tensors"),
            AttributeType::TYPE_PROTO => Self::Other("a type"),
            AttributeType::TYPE_PROTOS => Self::Other("a list of types"),
            AttributeType::UNDEFINED => Self::Other("without a value"),
        })
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

/// The type that the attribute states, or, in files from before types were
/// stated (IR version 1), the one of the field that is filled.
fn kind_of(proto: &AttributeProto) -> AttributeType {
    match proto.type_() {
        AttributeType::UNDEFINED => {}
        stated => return stated,
    }
    let filled = [
        (proto.has_i(), AttributeType::INT),
        (proto.has_f(), AttributeType::FLOAT),
        (proto.has_s(), AttributeType::STRING),
        (proto.t.is_some(), AttributeType::TENSOR),
        (proto.g.is_some(), AttributeType::GRAPH),
        (!proto.ints.is_empty(), AttributeType::INTS),
        (!proto.floats.is_empty(), AttributeType::FLOATS),
        (!proto.strings.is_empty(), AttributeType::STRINGS),
    ];
    filled
        .into_iter()
        .find(|(is_filled, _)| *is_filled)
        .map_or(AttributeType::UNDEFINED, |(_, kind)| kind)
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Attribute {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    i64 => Int,
    f32 => Float,
    &str => String,
    String => String,
    Vec<i64> => Ints,
    &[i64] => Ints,
    Vec<f32> => Floats,
    &[f32] => Floats,
    Vec<String> => Strings,
    Tensor => Tensor,
}

impl<const N: usize> From<[i64; N]> for Attribute {
    fn from(value: [i64; N]) -> Self {
        Self::Ints(value.into())
    }
}
