//! ONNX files in and out.
//!
//! [`Model`] holds a file as it was read, unknown fields included, so that
//! what is written back differs only where it was edited. [`Model::graph`]
//! gives the typed, checked view that a runtime lowers: a [`Graph`] of
//! [`Node`]s in an order in which they can run, with their [`Attribute`]s and
//! the weights as [`Tensor`]s. [`GraphBuilder`] makes new models.
//!
//! A model file is taken to be hostile. Whatever is wrong with it comes back
//! as an [`Error`] that names the place; nothing beside the file is opened
//! but the external data that its tensors name, and that only inside the
//! file's own folder.
//!
//! This crate knows nothing of what operators mean.

mod attribute;
mod builder;
mod element;
mod error;
mod external;
mod graph;
mod inline;
mod model;
mod node;
mod opset;
mod proto;
mod scope;
mod sort;
mod tensor;
mod value;
mod weigh;

#[cfg(test)]
mod tests;

pub use attribute::Attribute;
pub use builder::GraphBuilder;
pub use element::ElementType;
pub use error::{
    AttributeError, AttributeProblem, Error, ExternalProblem, InsertProblem, TensorProblem,
};
pub use graph::Graph;
pub use model::{
    ConstantChange, ConstantEdit, Entry, Extent, GraftOutputs, Inserted, Model, ModelDiff,
    NodeChange, NodeEdit, NodeSpec, Readers, TensorType, diff,
};
pub use node::Node;
pub use tensor::Tensor;
pub use value::{Dim, ValueInfo};
