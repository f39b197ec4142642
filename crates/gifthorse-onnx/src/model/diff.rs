//! What is different between two models.

mod alike;
mod constants;
mod ends;
mod nodes;

use serde::{Deserialize, Serialize};

use super::Model;
use crate::Error;

/// What is different between two models, by constant and node: plain data, to be shown or kept.
///
/// Models are compared as they run: local functions expanded, `Constant` nodes among the
/// initialisers, wherever the data lie. Documentation, stated shapes of values in between, and
/// fields that this crate does not know are left out, and so is the order of the nodes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelDiff {
    /// Initialisers and `Constant` nodes that differ, in the order of the model before, then those
    /// that are new.
    pub constants: Vec<ConstantChange>,
    /// Nodes that differ, in the order of the model before, then those that are new.
    pub nodes: Vec<NodeChange>,
    /// Inputs by name, each with its type and shape; `order` where the same ones are listed
    /// otherwise.
    pub inputs: Vec<Entry>,
    /// Outputs likewise.
    pub outputs: Vec<Entry>,
    /// Domains of operator sets (empty for the standard one), each with its version.
    pub opsets: Vec<Entry>,
    /// The file's metadata by key.
    pub metadata: Vec<Entry>,
    /// `ir_version`, `producer_name` and `producer_version`.
    pub header: Vec<Entry>,
}

/// Something with a name that is different, was added (nothing before) or removed (nothing after).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// What it was before.
    pub before: Option<String>,
    /// What it is after.
    pub after: Option<String>,
}

/// An initialiser, or what a `Constant` node gives, that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstantChange {
    /// Its name.
    pub name: String,
    /// What it was; nothing where it is new.
    pub before: Option<TensorType>,
    /// What it is; nothing where it was removed.
    pub after: Option<TensorType>,
    /// How its elements differ, where both have the same shape and hold numbers.
    pub values: Option<ConstantEdit>,
}

/// Element type and shape of a constant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorType {
    /// Type of its elements, as [`ElementType`](crate::ElementType) is shown: `float32`.
    pub element: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

/// How the elements of two constants differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstantEdit {
    /// How many elements there are.
    pub elements: usize,
    /// How many of them differ: in any bit where both have the same type, else in their value.
    pub changed: usize,
    /// Of those that differ and are finite in both, the largest absolute difference; 0 if there
    /// are none.
    pub largest: f64,
    /// The L2 norm of these differences as a part of that of the elements before that are finite;
    /// `None` where that is 0 or beyond any number.
    pub relative: Option<f64>,
    /// How many of those that differ are infinite or not a number, before or after.
    pub not_finite: usize,
}

/// A node that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeChange {
    /// Its name after, or before where it was removed; made up of operator and place where the
    /// file has none.
    pub name: String,
    /// Its operator.
    pub op_type: String,
    /// What became of it.
    pub edit: NodeEdit,
}

/// What became of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeEdit {
    /// It is only in the model after.
    Added,
    /// It is only in the model before.
    Removed,
    /// It is in both: of the same operator, and of the same name or with the same output.
    Changed {
        /// `name` where a file gives one, `inputs` and `outputs` as lists of names, and `opset`
        /// where it is not the version that the model imports, as far as they differ.
        wiring: Vec<Entry>,
        /// Attributes that differ; what is said of both may be alike, as of two tensors.
        attributes: Vec<Entry>,
    },
}

/// How far two models are different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Nothing of what is compared differs.
    Nothing,
    /// Only what the files say of themselves differs, metadata and header: both compute the same.
    Description,
    /// Beside that only values of constants differ that both have in the same type and shape.
    Weights,
    /// Nodes, inputs, outputs, operator sets, or which constants there are.
    Structure,
}

impl ModelDiff {
    /// Whether nothing differs of what is compared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How far the models are different.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let ends = [&self.inputs, &self.outputs, &self.opsets];
        let is_of_values = |change: &ConstantChange| change.before == change.after;
        if !self.nodes.is_empty()
            || ends.iter().any(|entries| !entries.is_empty())
            || !self.constants.iter().all(is_of_values)
        {
            Extent::Structure
        } else if !self.constants.is_empty() {
            Extent::Weights
        } else if !self.is_empty() {
            Extent::Description
        } else {
            Extent::Nothing
        }
    }
}

/// Compares two models.
///
/// # Errors
/// What is wrong with either graph, and [`Error::External`] for data that cannot be read.
pub fn diff(before: &Model, after: &Model) -> Result<ModelDiff, Error> {
    let graphs = (before.editable_graph()?, after.editable_graph()?);
    Ok(ModelDiff {
        constants: constants::compared(&graphs.0, &graphs.1)?,
        nodes: nodes::compared((before, &graphs.0), (after, &graphs.1))?,
        inputs: ends::values(&graphs.0.inputs, &graphs.1.inputs),
        outputs: ends::values(&graphs.0.outputs, &graphs.1.outputs),
        opsets: ends::opsets(&graphs.0, &graphs.1),
        metadata: ends::entries(ends::metadata(before), ends::metadata(after)),
        header: ends::entries(ends::header(before), ends::header(after)),
    })
}
