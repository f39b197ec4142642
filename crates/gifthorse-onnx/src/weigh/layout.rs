//! Which fields of which messages hold messages, and how large those are in
//! memory: `proto/onnx.proto` once more, as a table.

use std::mem::size_of;

use crate::proto::*;

/// One kind of message.
pub(super) struct Layout {
    /// Size of the decoded message in bytes, without what it points to.
    pub(super) size: usize,
    /// The numbers of its fields.
    fields: &'static [u32],
    /// The numbers of those that are messages, and which.
    messages: &'static [(u32, &'static Layout)],
}

impl Layout {
    pub(super) fn is_known(&self, number: u32) -> bool {
        self.fields.contains(&number)
    }

    pub(super) fn child(&self, number: u32) -> Option<&'static Layout> {
        let found = self.messages.iter().find(|(field, _)| *field == number);
        found.map(|(_, layout)| *layout)
    }

    /// Whether the field's bytes are shared with the file: `raw_data`.
    pub(super) fn is_shared(&self, number: u32) -> bool {
        std::ptr::eq(self, &TENSOR) && number == 9
    }

    /// Whether the field packs numbers that are larger in memory than in the file.
    pub(super) fn is_packed(&self, number: u32) -> bool {
        (std::ptr::eq(self, &TENSOR) && matches!(number, 1 | 5 | 7 | 11))
            || (std::ptr::eq(self, &ATTRIBUTE) && number == 8)
    }
}

impl Layout {
    /// Whether a message in this field is there once at most.
    pub(super) fn is_single(&self, number: u32) -> bool {
        let single: &[(&Layout, &[u32])] = &[
            (&MODEL, &[7]),
            (&ATTRIBUTE, &[5, 6, 14, 22]),
            (&TENSOR, &[3]),
            (&SPARSE, &[1, 2]),
            (&VALUE, &[2]),
            (&TYPE, &[1, 4, 5, 7, 8, 9]),
            (&TENSOR_TYPE, &[2]),
            (&SEQUENCE, &[1]),
            (&MAP, &[2]),
            (&OPTIONAL, &[1]),
            (&SPARSE_TYPE, &[2]),
            (&TRAINING, &[1, 2]),
            (&SHARDED_DIM, &[2]),
        ];
        let mut single = single.iter();
        single.any(|(layout, fields)| std::ptr::eq(self, *layout) && fields.contains(&number))
    }
}

macro_rules! layouts {
    ($($name:ident: $type:ty, [$($field:literal),*], [$($number:literal => $child:ident),* $(,)?];)*) => {$(
        pub(super) static $name: Layout = Layout {
            size: size_of::<$type>(),
            fields: &[$($field),*],
            messages: &[$(($number, &$child)),*],
        };
    )*};
}

layouts! {
    MODEL: ModelProto, [1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26],
        [7 => GRAPH, 8 => OPSET, 14 => ENTRY, 20 => TRAINING, 25 => FUNCTION, 26 => DEVICE];
    OPSET: OperatorSetIdProto, [1, 2], [];
    ENTRY: StringStringEntryProto, [1, 2], [];
    GRAPH: GraphProto, [1, 2, 5, 10, 11, 12, 13, 14, 15, 16],
        [1 => NODE, 5 => TENSOR, 11 => VALUE, 12 => VALUE, 13 => VALUE, 14 => ANNOTATION, 15 => SPARSE, 16 => ENTRY];
    ANNOTATION: TensorAnnotation, [1, 2], [2 => ENTRY];
    NODE: NodeProto, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [5 => ATTRIBUTE, 9 => ENTRY, 10 => NODE_DEVICE];
    ATTRIBUTE: AttributeProto, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 20, 21, 22, 23],
        [5 => TENSOR, 6 => GRAPH, 10 => TENSOR, 11 => GRAPH, 14 => TYPE, 15 => TYPE, 22 => SPARSE, 23 => SPARSE];
    TENSOR: TensorProto, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16],
        [3 => SEGMENT, 13 => ENTRY, 16 => ENTRY];
    SEGMENT: tensor_proto::Segment, [1, 2], [];
    SPARSE: SparseTensorProto, [1, 2, 3], [1 => TENSOR, 2 => TENSOR];
    VALUE: ValueInfoProto, [1, 2, 3, 4], [2 => TYPE, 4 => ENTRY];
    TYPE: TypeProto, [1, 4, 5, 6, 7, 8, 9],
        [1 => TENSOR_TYPE, 4 => SEQUENCE, 5 => MAP, 7 => OPAQUE, 8 => SPARSE_TYPE, 9 => OPTIONAL];
    TENSOR_TYPE: type_proto::Tensor, [1, 2], [2 => SHAPE];
    SEQUENCE: type_proto::Sequence, [1], [1 => TYPE];
    MAP: type_proto::Map, [1, 2], [2 => TYPE];
    OPTIONAL: type_proto::Optional, [1], [1 => TYPE];
    SPARSE_TYPE: type_proto::SparseTensor, [1, 2], [2 => SHAPE];
    OPAQUE: type_proto::Opaque, [1, 2], [];
    SHAPE: TensorShapeProto, [1], [1 => DIMENSION];
    DIMENSION: tensor_shape_proto::Dimension, [1, 2, 3], [];
    FUNCTION: FunctionProto, [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
        [7 => NODE, 9 => OPSET, 11 => ATTRIBUTE, 12 => VALUE, 14 => ENTRY];
    TRAINING: TrainingInfoProto, [1, 2, 3, 4], [1 => GRAPH, 2 => GRAPH, 3 => ENTRY, 4 => ENTRY];
    DEVICE: DeviceConfigurationProto, [1, 2, 3], [];
    NODE_DEVICE: NodeDeviceConfigurationProto, [1, 2, 3], [2 => SHARDING];
    SHARDING: ShardingSpecProto, [1, 2, 3, 4], [3 => INT_ENTRY, 4 => SHARDED_DIM];
    INT_ENTRY: IntIntListEntryProto, [1, 2], [];
    SHARDED_DIM: ShardedDimProto, [1, 2], [2 => SIMPLE_DIM];
    SIMPLE_DIM: SimpleShardedDimProto, [1, 2, 3], [];
}
