//! The lowered form of a model: a short list of primitives over values of known shape.
//!
//! Lowering translates ONNX nodes of any opset into these; the reference
//! (`reference.rs`) computes each with a few Burn operations. Nothing below the
//! lowering knows what ONNX means.

pub mod branch;
pub mod cost;
pub mod flat;
pub mod primitive;
pub mod section;
pub mod stored;
pub mod structure;

use std::collections::{HashMap, HashSet};

pub use gifthorse_segment::Window;

pub use primitive::{Binary, Primitive, Reduction, Unary};

use branch::Choice;
use stored::Stored;

/// A value computed while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// A constant of the model: a weight, or something computed from weights alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub usize);

/// What a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A value of an earlier step, or the input.
    Value(ValueId),
    /// A constant.
    Param(ParamId),
}

impl Operand {
    /// The value, if it is none of the constants.
    pub fn value(&self) -> Option<ValueId> {
        match self {
            Self::Value(id) => Some(*id),
            Self::Param(_) => None,
        }
    }

    /// The constant, if it is one.
    pub fn param(&self) -> Option<ParamId> {
        match self {
            Self::Value(_) => None,
            Self::Param(id) => Some(*id),
        }
    }
}

/// A primitive with its operands and the shape of its result.
#[derive(Clone, Debug)]
pub struct Step {
    /// Name of the ONNX node that it came from.
    pub node: String,
    /// What to compute.
    pub primitive: Primitive,
    /// From what.
    pub inputs: Vec<Operand>,
    /// The value it makes.
    pub output: ValueId,
    /// Shape of that value.
    pub shape: Vec<usize>,
}

/// A constant and where it came from.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name of the initialiser, or of the node whose result was folded.
    pub name: String,
    /// Its value.
    pub value: Stored,
    /// Whether it is an initialiser as the file has it, so that all programs of a model that name
    /// it share it.
    pub in_file: bool,
    /// Whether each run is given a value of its own in place of this one.
    pub trained: bool,
}

impl Param {
    /// Bytes of its numbers.
    pub fn bytes(&self) -> usize {
        self.value.shape().iter().product::<usize>() * size_of::<f32>()
    }
}

/// The running statistics of a batch norm that normalises with the batch's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Name of the initialiser that holds the mean.
    pub mean: String,
    /// Name of the initialiser that holds the variance.
    pub variance: String,
    /// The share of a batch's statistics in an update.
    pub rate: f32,
}

/// A model lowered for one batch size.
#[derive(Clone, Debug)]
pub struct Program {
    /// The input, always value 0.
    pub input: ValueId,
    /// Shape of the input, batch first.
    pub input_shape: Vec<usize>,
    /// Steps in an order that can be run.
    pub steps: Vec<Step>,
    /// Constants.
    pub params: Vec<Param>,
    /// The logits (a final softmax is left off).
    pub output: ValueId,
    /// Shape of the logits value.
    pub output_shape: Vec<usize>,
    /// For each `BatchNormOfBatch`.
    pub running: Vec<Running>,
    /// Where one value or another goes on, by a condition.
    pub choices: Vec<Choice>,
    /// Whether something is computed from all images of a batch together, as a file for a single
    /// image may do.
    pub looks_across: bool,
    /// Whether this is a stretch of a program, and somewhere in all of that a result
    /// [jumps](Primitive::jumps).
    pub jumps_outside: bool,
    /// ONNX value names of steps' outputs that features can be taken from.
    pub names: HashMap<String, ValueId>,
}

impl Program {
    /// The constants that steps read.
    pub fn read(&self) -> HashSet<ParamId> {
        let inputs = self.steps.iter().flat_map(|step| &step.inputs);
        inputs.filter_map(Operand::param).collect()
    }

    /// Bytes of the constants that steps read.
    pub fn read_bytes(&self) -> usize {
        let read = self.read();
        read.iter().map(|id| self.params[id.0].bytes()).sum()
    }

    /// The values that do not depend on the input, but on constants alone.
    pub fn independent(&self) -> HashSet<ValueId> {
        let mut found = HashSet::new();
        for step in &self.steps {
            let independent = |input: &Operand| match input {
                Operand::Value(id) => found.contains(id),
                Operand::Param(_) => true,
            };
            if step.inputs.iter().all(independent) {
                found.insert(step.output);
            }
        }
        found
    }
}
