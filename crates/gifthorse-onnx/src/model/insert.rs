//! Puts nodes between a value and what reads it.

mod names;
mod readers;
mod spec;

use super::Model;
use crate::{
    Dim, ElementType, Error, InsertProblem,
    builder::value_info,
    opset::canonical,
    proto::{FunctionProto, GraphProto, type_proto},
};
pub(super) use names::Names;
pub(super) use readers::redirect_nodes as redirect;
pub use spec::NodeSpec;

/// Which readers of a value read what a new node makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers<'a> {
    /// All of them: nodes, graphs inside nodes, and the model's output if the value is one.
    All,
    /// The nodes of these names in the model's own graph, with the graphs inside them. All other
    /// readers go on reading the value as it was, the model's output among them.
    Nodes(&'a [&'a str]),
}

/// A node that was put behind a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// Name of the node: the one asked for, or with a number at its end if that was taken.
    pub node: String,
    /// Name of the value that the node reads. It is the one that was asked for, unless that is
    /// an output of the model: the output keeps its name, so that what was there before it has a
    /// new one.
    pub reads: String,
    /// Name of the value that the node makes.
    pub makes: String,
    /// Names of its constants, in the order of its inputs: initialisers that
    /// [`Model::set_initializer`] can replace later on.
    pub constants: Vec<String>,
    /// Whether an output of the model comes from the node now.
    pub is_output: bool,
}

impl Model {
    /// Puts a node behind a value, which is the output of a node, an input or an initialiser of
    /// the model's own graph, so that its readers read what the node makes of it. The model is
    /// left as it was where that fails.
    ///
    /// ```
    /// # use gifthorse_onnx::{Dim, ElementType, GraphBuilder, NodeSpec, Readers, Tensor};
    /// # let shape = [1, 2].map(Dim::Fixed);
    /// # let mut model = GraphBuilder::new("g", 17)
    /// #     .input("x", ElementType::F32, &shape)
    /// #     .node("Relu", "relu", &["x"], &["r"], [])
    /// #     .node("Neg", "neg", &["r"], &["y"], [])
    /// #     .output("y", ElementType::F32, &shape)
    /// #     .finish()?;
    /// let mask = Tensor::from_f32("mask", &[1, 2], &[1.0, 0.0])?;
    /// let mul = NodeSpec::new("Mul", "prune").value().constant(mask);
    /// let inserted = model.insert_after("r", &mul, Readers::All)?;
    /// assert_eq!(model.graph()?.nodes[2].input(0), Some(inserted.makes.as_str()));
    /// # Ok::<(), gifthorse_onnx::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Insert`] for a value that is not there, or whose readers cannot be as asked for;
    /// [`Error::Build`] for an attribute that cannot be written; whatever
    /// [`graph`](Model::graph) finds wrong with the result.
    pub fn insert_after(
        &mut self,
        value: &str,
        node: &NodeSpec,
        readers: Readers<'_>,
    ) -> Result<Inserted, Error> {
        if self.proto.functions.iter().any(|f| replaces(f, node)) {
            let problem = InsertProblem::Redefined(node.op_type().to_owned());
            return Err(Error::Insert {
                value: value.to_owned(),
                problem,
            });
        }
        let mut edited = self.clone();
        let listed = edited.ir_version() < 4;
        let Some(graph) = edited.proto.graph.as_mut() else {
            return Err(Error::NoGraph);
        };
        let inserted = insert(graph, value, node, readers, listed)?;
        edited.graph()?;
        *self = edited;
        Ok(inserted)
    }
}

/// Whether a local function goes by the name of the standard operator that a new node is of.
fn replaces(function: &FunctionProto, node: &NodeSpec) -> bool {
    canonical(function.domain()).is_empty() && function.name() == node.op_type()
}

/// `listed` says that initialisers have to be among the inputs, as up to version 3 of the format.
fn insert(
    graph: &mut GraphProto,
    value: &str,
    spec: &NodeSpec,
    readers: Readers<'_>,
    listed: bool,
) -> Result<Inserted, Error> {
    let wrong = |problem| Error::Insert {
        value: value.to_owned(),
        problem,
    };
    let names = |all: &[String]| all.iter().any(|name| name == value);
    let producer = graph.node.iter().position(|node| names(&node.output));
    let is_input = graph.input.iter().any(|input| input.name() == value);
    let is_initializer = graph.initializer.iter().any(|t| t.name() == value);
    if value.is_empty() || !(producer.is_some() || is_input || is_initializer) {
        return Err(wrong(InsertProblem::Absent));
    }
    if !spec.reads_value() {
        return Err(wrong(InsertProblem::NotRead(spec.name().to_owned())));
    }
    if let Some(expected) = element_of(graph, value) {
        check_constants(spec, expected).map_err(wrong)?;
    }

    let mut taken = Names::of(graph);
    let fresh = taken.new_value(&format!("{value}_{}", spec.name()));
    let was_output = graph.output.iter().any(|output| output.name() == value);
    let is_output = was_output && readers == Readers::All;
    let (reads, makes) = if is_output {
        (fresh, value.to_owned())
    } else {
        (value.to_owned(), fresh)
    };
    if is_output {
        // Readers find the new value under the old name.
        let node = producer.and_then(|at| graph.node.get_mut(at));
        let node = node.ok_or_else(|| wrong(InsertProblem::PassesThrough))?;
        for output in node.output.iter_mut().filter(|output| *output == value) {
            output.clone_from(&reads);
        }
    } else {
        readers::redirect(graph, value, &makes, readers).map_err(wrong)?;
    }

    let built = spec.build(&mut taken, &reads, &makes)?;
    if listed {
        let inputs = built.constants.iter().map(|(tensor, _)| {
            let dims: Vec<Dim> = tensor.shape().iter().copied().map(Dim::Fixed).collect();
            value_info(tensor.name(), tensor.element_type(), &dims)
        });
        graph.input.extend(inputs);
    }
    let (tensors, protos): (Vec<_>, Vec<_>) = built.constants.into_iter().unzip();
    graph.initializer.extend(protos);
    let name = built.node.name().to_owned();
    graph
        .node
        .insert(producer.map_or(0, |producer| producer + 1), built.node);
    Ok(Inserted {
        node: name,
        reads,
        makes,
        constants: tensors.iter().map(|t| t.name().to_owned()).collect(),
        is_output,
    })
}

/// Type of a value's elements, where the file states it.
fn element_of(graph: &GraphProto, value: &str) -> Option<ElementType> {
    let mut tensors = graph.initializer.iter();
    let number = match tensors.find(|tensor| tensor.name() == value) {
        Some(tensor) => tensor.data_type(),
        None => {
            let all = graph.input.iter().chain(&graph.output);
            let mut all = all.chain(&graph.value_info);
            let info = all.find(|info| info.name() == value)?;
            match &info.type_.as_ref()?.value {
                Some(type_proto::Value::TensorType(tensor)) => tensor.elem_type(),
                _ => return None,
            }
        }
    };
    ElementType::from_onnx(number.into())
}

/// Refuses 32-bit floats, say, for a value of 16-bit ones: programs would refuse the file.
fn check_constants(spec: &NodeSpec, expected: ElementType) -> Result<(), InsertProblem> {
    let mut floats = spec
        .constants()
        .filter(|constant| constant.element_type().is_float() && expected.is_float());
    match floats.find(|constant| constant.element_type() != expected) {
        Some(constant) => Err(InsertProblem::ElementType {
            constant: constant.name().to_owned(),
            found: constant.element_type(),
            expected,
        }),
        None => Ok(()),
    }
}
