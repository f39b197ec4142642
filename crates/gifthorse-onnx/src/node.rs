//! Nodes, and typed access to their attributes.

use indexmap::IndexMap;

use crate::{Attribute, AttributeError, AttributeProblem, Error, Graph, Tensor};

/// One operation of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name in the file; where the file has none, operator and position, which no other node is
    /// called.
    pub name: String,
    /// Its operator, such as `Conv`.
    pub op_type: String,
    /// Domain of the operator; empty for the standard ones (`ai.onnx`).
    pub domain: String,
    /// Version of the domain's operator set.
    pub opset: i64,
    /// Names of its inputs; `None` for an optional one that is left out.
    pub inputs: Vec<Option<String>>,
    /// Names of its outputs; `None` for one that is not wanted.
    pub outputs: Vec<Option<String>>,
    /// Its attributes in the order of the file.
    pub attributes: IndexMap<String, Attribute>,
}

impl Node {
    /// Name of the input at this position, if the node has it.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index)?.as_deref()
    }

    /// Name of the output at this position, if the node has it.
    pub fn output(&self, index: usize) -> Option<&str> {
        self.outputs.get(index)?.as_deref()
    }

    /// The graphs inside it: the branches of an `If`, the body of a `Loop` or `Scan`.
    pub fn graphs(&self) -> impl Iterator<Item = &Graph> {
        self.attributes.values().filter_map(|value| match value {
            Attribute::Graph(graph) => Some(graph.as_ref()),
            _ => None,
        })
    }

    /// Refuses attributes that are not in the list, so that none is overlooked.
    ///
    /// # Errors
    /// [`Error::Attribute`] with [`AttributeProblem::Unknown`] for the first such attribute.
    pub fn allow_attributes(&self, known: &[&str]) -> Result<(), Error> {
        match self
            .attributes
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            Some(name) => Err(self.attribute_error(name, AttributeProblem::Unknown)),
            None => Ok(()),
        }
    }

    /// An error about an attribute that names this node, its operator and opset.
    pub fn attribute_error(&self, attribute: &str, problem: AttributeProblem) -> Error {
        let error = AttributeError {
            node: self.name.clone(),
            op_type: self.op_type.clone(),
            domain: match self.domain.as_str() {
                "" => "ai.onnx".to_owned(),
                domain => domain.to_owned(),
            },
            opset: self.opset,
            attribute: attribute.to_owned(),
            problem,
        };
        Box::new(error).into()
    }

    /// An error that says that the attribute's value is not one that is supported, and why.
    pub fn attribute_value_error(&self, attribute: &str, reason: impl Into<String>) -> Error {
        let value = match self.attributes.get(attribute) {
            Some(Attribute::Int(v)) => v.to_string(),
            Some(Attribute::Float(v)) => v.to_string(),
            Some(Attribute::String(v)) => format!("{v:?}"),
            Some(Attribute::Ints(v)) => format!("{v:?}"),
            Some(Attribute::Floats(v)) => format!("{v:?}"),
            Some(Attribute::Strings(v)) => format!("{v:?}"),
            Some(other) => other.kind().to_owned(),
            None => "absent".to_owned(),
        };
        let reason = reason.into();
        self.attribute_error(attribute, AttributeProblem::Value { value, reason })
    }

    fn get<'a, T>(
        &'a self,
        name: &str,
        expected: &'static str,
        pick: impl FnOnce(&'a Attribute) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(attribute) = self.attributes.get(name) else {
            return Ok(None);
        };
        pick(attribute).map(Some).ok_or_else(|| {
            let found = attribute.kind();
            self.attribute_error(name, AttributeProblem::Type { expected, found })
        })
    }

    fn required<T>(&self, name: &str, found: Option<T>) -> Result<T, Error> {
        found.ok_or_else(|| self.attribute_error(name, AttributeProblem::Missing))
    }
}

macro_rules! accessors {
    ($($what:literal, $type:ty: $opt:ident, $required:ident, $pattern:pat => $value:expr;)*) => {
        /// Attributes by type. The plain name is for an attribute that must be
        /// there, `_opt` for one that may be absent; all of them give
        /// [`Error::Attribute`] for an attribute of another type.
        impl Node {$(
            #[doc = concat!("The attribute, if it is there: ", $what, ".")]
            pub fn $opt(&self, name: &str) -> Result<Option<$type>, Error> {
                self.get(name, $what, |attribute| match attribute {
                    $pattern => Some($value),
                    _ => None,
                })
            }

            #[doc = concat!("The attribute, which must be there: ", $what, ".")]
            pub fn $required(&self, name: &str) -> Result<$type, Error> {
                let found = self.$opt(name)?;
                self.required(name, found)
            }
        )*}
    };
}

accessors! {
    "an integer", i64: int_opt, int, Attribute::Int(v) => *v;
    "a float", f32: float_opt, float, Attribute::Float(v) => *v;
    "a string", &str: string_opt, string, Attribute::String(v) => v.as_str();
    "a list of integers", &[i64]: ints_opt, ints, Attribute::Ints(v) => v.as_slice();
    "a list of floats", &[f32]: floats_opt, floats, Attribute::Floats(v) => v.as_slice();
    "a list of strings", &[String]: strings_opt, strings, Attribute::Strings(v) => v.as_slice();
    "a tensor", &Tensor: tensor_opt, tensor, Attribute::Tensor(v) => v;
    "a graph", &Graph: graph_opt, graph, Attribute::Graph(v) => v.as_ref();
}

/// Attributes with a default.
impl Node {
    /// The integer, or the default where the attribute is absent.
    ///
    /// # Errors
    /// [`Error::Attribute`] if the attribute is of another type.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64, Error> {
        Ok(self.int_opt(name)?.unwrap_or(default))
    }

    /// The float, or the default where the attribute is absent.
    ///
    /// # Errors
    /// [`Error::Attribute`] if the attribute is of another type.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32, Error> {
        Ok(self.float_opt(name)?.unwrap_or(default))
    }

    /// The string, or the default where the attribute is absent.
    ///
    /// # Errors
    /// [`Error::Attribute`] if the attribute is of another type.
    pub fn string_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, Error> {
        Ok(self.string_opt(name)?.unwrap_or(default))
    }
}
