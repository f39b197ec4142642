//! Everything that can be wrong with a model file, and where.

use std::{io, path::PathBuf};

use crate::ElementType;

/// Why a model could not be read, understood, edited or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read the model {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file, or the external data beside it, could not be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Protobuf messages end at 2 GiB.
    #[error(
        "the model has {bytes} bytes, and an ONNX file ends at {limit}: keep its weights as external data"
    )]
    TooLarge {
        /// Size of the file or message, in bytes.
        bytes: u64,
        /// The largest size that is taken, in bytes.
        limit: u64,
    },
    /// The bytes are not an ONNX model, or not a whole one.
    #[error("not an ONNX model, or a damaged one: {0}")]
    Parse(#[from] protobuf::Error),
    /// The file has no graph.
    #[error("the file holds no graph: it is not an ONNX model, or an empty one")]
    NoGraph,
    /// The file ends inside one of its parts.
    #[error("not an ONNX model, or a damaged one: a part of it is longer than what is there")]
    Cut,
    /// A part that a model has once is in the file twice.
    #[error(
        "a part that a model has once, such as its graph, is in the file twice: some programs would run the one and some \
         the other, or both together"
    )]
    Twice,
    /// A part of the model is larger than a model can reasonably need.
    #[error("{what}: {count} found, and {limit} is the limit")]
    TooMany {
        /// What there is too much of.
        what: String,
        /// How many there are.
        count: usize,
        /// How many are taken.
        limit: usize,
    },
    /// A node uses an operator set that the model does not import.
    #[error(
        "node `{node}` ({op_type}) belongs to the operator set `{domain}`, which the model does not import"
    )]
    NoOpset {
        /// Name of the node.
        node: String,
        /// Its operator.
        op_type: String,
        /// Its domain; empty for the standard operators.
        domain: String,
    },
    /// The import of an operator set makes no sense.
    #[error("the model's import of the operator set `{domain}`: {reason}")]
    Opset {
        /// Its domain; empty for the standard operators.
        domain: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A node or graph output needs a value that nothing produces.
    #[error("{user} needs the value `{value}`, which no node, input or initialiser produces")]
    MissingValue {
        /// The node or graph that needs it.
        user: String,
        /// Name of the value.
        value: String,
    },
    /// Two nodes, inputs or initialisers produce the same value.
    #[error("the value `{value}` is produced twice: by {first} and by {second}")]
    DuplicateValue {
        /// Name of the value.
        value: String,
        /// Who produces it.
        first: String,
        /// Who produces it as well.
        second: String,
    },
    /// Nodes depend on each other in a circle.
    #[error("node `{node}` ({op_type}) depends on its own output")]
    Cycle {
        /// Name of one node of the circle.
        node: String,
        /// Its operator.
        op_type: String,
    },
    /// A local function cannot be expanded.
    #[error("local function `{function}`: {reason}")]
    Function {
        /// Its domain and name.
        function: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A part of ONNX that this program does not read.
    #[error("{what} is not supported")]
    Unsupported {
        /// The part, and where it occurs.
        what: String,
    },
    /// An input or output has a shape or type that cannot be.
    #[error("the type of `{value}` is wrong: {reason}")]
    ValueInfo {
        /// Name of the input or output.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor is malformed.
    #[error("tensor `{tensor}`: {problem}")]
    Tensor {
        /// Name of the tensor, or of the place where it occurs.
        tensor: String,
        /// What is wrong with it.
        problem: TensorProblem,
    },
    /// A tensor's external data cannot be read.
    #[error("tensor `{tensor}`: external data `{location}`: {problem}")]
    External {
        /// Name of the tensor.
        tensor: String,
        /// The location that the tensor names.
        location: String,
        /// What is wrong with it.
        problem: ExternalProblem,
    },
    /// A node's attribute is missing, of the wrong type or unknown.
    #[error(transparent)]
    Attribute(#[from] Box<AttributeError>),
    /// A model cannot be put into another; in words that say why.
    #[error("the model cannot be put into the other: {0}")]
    Graft(String),
    /// A node cannot be put behind a value.
    #[error("no node can be put behind the value `{value}`: {problem}")]
    Insert {
        /// Name of the value.
        value: String,
        /// What stands against it.
        problem: InsertProblem,
    },
    /// A model under construction is not a valid one.
    #[error("cannot build the model: {0}")]
    Build(String),
}

/// What is wrong with an attribute, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "node `{node}` ({op_type}, operator set `{domain}` version {opset}): attribute `{attribute}` {problem}"
)]
pub struct AttributeError {
    /// Name of the node.
    pub node: String,
    /// Its operator.
    pub op_type: String,
    /// Its domain; `ai.onnx` for the standard operators.
    pub domain: String,
    /// Version of the domain's operator set.
    pub opset: i64,
    /// Name of the attribute.
    pub attribute: String,
    /// What is wrong with it.
    pub problem: AttributeProblem,
}

/// What can be wrong with a tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorProblem {
    /// No tensor has this name.
    #[error("the model has no initialiser of this name")]
    Absent,
    /// A dimension is negative.
    #[error("dimension {dim} is negative")]
    NegativeDim {
        /// The dimension as the file has it.
        dim: i64,
    },
    /// The shape has more dimensions than any operator takes.
    #[error("it has {rank} dimensions, and {limit} is the limit")]
    Rank {
        /// Number of dimensions.
        rank: usize,
        /// Largest number that is taken.
        limit: usize,
    },
    /// The shape's element count does not fit in memory.
    #[error("its shape {dims:?} has more elements than memory can hold")]
    TooLarge {
        /// The shape as the file has it.
        dims: Vec<i64>,
    },
    /// The data hold another number of elements or bytes than the shape says.
    #[error("its shape needs {expected} {unit} and its data hold {found}")]
    Length {
        /// What is counted: `bytes` or `elements`.
        unit: &'static str,
        /// What the shape needs.
        expected: usize,
        /// What the data hold.
        found: usize,
    },
    /// A stored value is outside the range of the element type.
    #[error("the stored value {value} is not a {element}")]
    Range {
        /// The value.
        value: String,
        /// The tensor's element type.
        element: ElementType,
    },
    /// A value is finite, and infinite as what the file holds it in.
    #[error(
        "the new value {value} of element {at} is too large for {element}: keep this weight as it \
         is (freeze it), or train with a lower learning rate"
    )]
    Overflow {
        /// The value.
        value: String,
        /// Its place among the elements, counted from 0, last dimension fastest.
        at: usize,
        /// The element type that cannot hold it.
        element: ElementType,
    },
    /// The element type is not one that this program reads.
    #[error("its element type (number {0} in ONNX) is not supported")]
    ElementType(i32),
    /// The tensor is stored in segments, which ONNX never put to use.
    #[error("it is stored in segments, which is not supported")]
    Segmented,
    /// The elements do not convert into the type asked for.
    #[error("its elements are {found}, and {wanted} are needed here")]
    Conversion {
        /// The tensor's element type.
        found: ElementType,
        /// What was asked for.
        wanted: &'static str,
    },
    /// A replacement has another shape or element type than the original.
    #[error(
        "the replacement is {new_element} {new_shape:?}, and the model has {old_element} {old_shape:?}"
    )]
    Mismatch {
        /// Element type in the model.
        old_element: ElementType,
        /// Shape in the model.
        old_shape: Vec<usize>,
        /// Element type of the replacement.
        new_element: ElementType,
        /// Shape of the replacement.
        new_shape: Vec<usize>,
    },
}

/// What stands against putting a node behind a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertProblem {
    /// The graph of the file has no such value.
    #[error(
        "the model's own graph has no value of this name (values inside local functions and \
         branches cannot be chosen)"
    )]
    Absent,
    /// Nothing reads the value.
    #[error("nothing reads it")]
    NoReader,
    /// A node that is to read the new value does not read the old one.
    #[error("no node `{0}` reads it")]
    NotAReader(String),
    /// Two nodes of this name read the value.
    #[error("several nodes of the name `{0}` read it")]
    AmbiguousReader(String),
    /// The value is both an input and an output of the model, whose names have to stay.
    #[error("it is an input and an output of the model at once, and neither can be renamed")]
    PassesThrough,
    /// The new node does not read the value.
    #[error("the new node `{0}` does not read it")]
    NotRead(String),
    /// The model has a function of its own by the name of the new node's operator.
    #[error("the model has a function of its own that is called `{0}`, as the new node's operator")]
    Redefined(String),
    /// A constant of the new node is of another type than the value.
    #[error("the constant `{constant}` is {found}, and the value is {expected}")]
    ElementType {
        /// Name of the constant.
        constant: String,
        /// Its element type.
        found: ElementType,
        /// That of the value.
        expected: ElementType,
    },
}

/// What can be wrong with a reference to external data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalProblem {
    /// The model was read from memory, so that there is no folder to look in.
    #[error("the model was read without its folder; read it from its file")]
    NoFolder,
    /// The tensor does not say where its data are.
    #[error("no location is given")]
    NoLocation,
    /// The location is absolute, climbs with `..` or is reached by a link that leaves the folder.
    #[error("it leaves the model's folder, which is refused")]
    Outside,
    /// The location is a folder, a device or a pipe.
    #[error("it is not a regular file")]
    NotAFile,
    /// Offset or length is not a number.
    #[error("the {key} `{value}` is not a number of bytes")]
    Number {
        /// `offset` or `length`.
        key: &'static str,
        /// What the file has instead.
        value: String,
    },
    /// The entry that says where the data are, or another, is there twice.
    #[error("its `{0}` is given twice")]
    Twice(String),
    /// The file was replaced or written to after the model was read.
    #[error("the file has changed since the model was read")]
    Changed,
    /// Offset and length reach beyond the end of the file.
    #[error("bytes {offset} to {offset} + {length} are asked for, and the file has {size}")]
    Range {
        /// Where the data begin, in bytes.
        offset: u64,
        /// How long they are, in bytes.
        length: u64,
        /// Size of the file, in bytes.
        size: u64,
    },
    /// The length differs from what the tensor's shape needs.
    #[error("{found} bytes are named, and the tensor's shape needs {expected}")]
    Length {
        /// Length that the file gives, in bytes.
        found: u64,
        /// What the shape and element type need, in bytes.
        expected: u64,
    },
    /// The model would be written over its own data.
    #[error("the model's weights lie in this file, and would be overwritten: choose another name")]
    IsInput,
    /// A copy would overwrite another file.
    #[error("a different file of this name is already at {}, and is not overwritten", .0.display())]
    Occupied(PathBuf),
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
}

/// What can be wrong with an attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeProblem {
    /// The operator needs it and it is not there.
    #[error("is missing")]
    Missing,
    /// It has another type than the operator takes.
    #[error("is {found}, and should be {expected}")]
    Type {
        /// The type that is needed.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// It has a value that the operator does not take.
    #[error("has the value {value}: {reason}")]
    Value {
        /// The value, printed.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It occurs more than once.
    #[error("is given twice")]
    Duplicate,
    /// It stands for an attribute of a function call, and is not inside a function.
    #[error("refers to the attribute `{0}` of a function call, and there is none")]
    DanglingReference(String),
    /// The reader of this operator does not know it.
    #[error("is not supported")]
    Unknown,
}
