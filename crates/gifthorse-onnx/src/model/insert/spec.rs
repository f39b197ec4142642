//! What a new node is to be.

use super::names::Names;
use crate::{
    Attribute, Error, Tensor,
    builder::{encode_attribute, encode_tensor},
    proto::{NodeProto, TensorProto},
};

/// A node of the standard domain that is to be put behind a value: operator, inputs, attributes.
///
/// It has one output. Inputs are added in the order in which the operator takes them.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSpec {
    op_type: String,
    name: String,
    inputs: Vec<Input>,
    attributes: Vec<(String, Attribute)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Input {
    /// The value that the node is put behind.
    Value,
    Constant(Tensor),
    LeftOut,
}

/// A spec as messages, under names that are not taken.
pub(super) struct Built {
    pub(super) node: NodeProto,
    pub(super) constants: Vec<(Tensor, TensorProto)>,
}

impl NodeSpec {
    /// A node of this operator without inputs; a number is added to the name if it is taken.
    #[must_use]
    pub fn new(op_type: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            op_type: op_type.into(),
            name: name.into(),
            inputs: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// The next input is the value that the node is put behind.
    #[must_use]
    pub fn value(mut self) -> Self {
        self.inputs.push(Input::Value);
        self
    }

    /// The next input is a constant, which becomes an initialiser under the name of the node, a
    /// dot and its own. Operators such as `Mul` take it only in the value's element type.
    #[must_use]
    pub fn constant(mut self, tensor: Tensor) -> Self {
        self.inputs.push(Input::Constant(tensor));
        self
    }

    /// The next input, an optional one, is left out.
    #[must_use]
    pub fn left_out(mut self) -> Self {
        self.inputs.push(Input::LeftOut);
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Attribute>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    pub(super) fn op_type(&self) -> &str {
        &self.op_type
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn reads_value(&self) -> bool {
        self.inputs.contains(&Input::Value)
    }

    pub(super) fn constants(&self) -> impl Iterator<Item = &Tensor> {
        self.inputs.iter().filter_map(|input| match input {
            Input::Constant(tensor) => Some(tensor),
            Input::Value | Input::LeftOut => None,
        })
    }

    pub(super) fn build(
        &self,
        taken: &mut Names,
        reads: &str,
        makes: &str,
    ) -> Result<Built, Error> {
        let wrong = |reason| Error::Build(format!("node `{}`: {reason}", self.name));
        let mut node = NodeProto::new();
        node.set_op_type(self.op_type.clone());
        node.set_name(taken.new_node(&self.name));
        node.output.push(makes.to_owned());
        let mut constants = Vec::new();
        for input in &self.inputs {
            let name = match input {
                Input::Value => reads.to_owned(),
                Input::LeftOut => String::new(),
                Input::Constant(tensor) => {
                    let name = taken.new_value(&format!("{}.{}", node.name(), tensor.name()));
                    let tensor = tensor.clone().named(&name);
                    let proto = encode_tensor(&tensor).map_err(wrong)?;
                    constants.push((tensor, proto));
                    name
                }
            };
            node.input.push(name);
        }
        for (name, value) in &self.attributes {
            let attribute = encode_attribute(name, value.clone()).map_err(wrong)?;
            node.attribute.push(attribute);
        }
        Ok(Built { node, constants })
    }
}
