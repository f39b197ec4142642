//! What can go wrong between a graph and its logits.

use thiserror::Error;

use crate::lower::{Output, outputs_in_words};

/// Errors of lowering and running a model.
#[derive(Debug, Error)]
pub enum Error {
    /// The model file itself is at fault.
    #[error(transparent)]
    Onnx(#[from] gifthorse_onnx::Error),
    /// An operator that the engine does not know.
    #[error(
        "node `{node}`: operator {operator} (domain `{domain}`, opset {opset}) is not supported"
    )]
    UnsupportedOperator {
        /// Name of the node.
        node: String,
        /// Operator type.
        operator: String,
        /// Its domain, empty for ONNX's own.
        domain: String,
        /// Version of the domain that the model imports.
        opset: i64,
    },
    /// An operator of a file that onnxruntime's optimiser has fitted to the processor it ran on.
    #[error(
        "node `{node}`: the operator {operator} (domain `com.microsoft.nchwc`) was saved by onnxruntime for one processor: \
         get the original file, or save it with ORT_ENABLE_BASIC"
    )]
    ForOneProcessor {
        /// Name of the node.
        node: String,
        /// Operator type.
        operator: String,
    },
    /// An attribute, an attribute's value or a form of input that the engine does not know.
    #[error(
        "node `{node}`: {operator} (opset {opset}), attribute or input `{attribute}`: {reason}"
    )]
    UnsupportedAttribute {
        /// Name of the node.
        node: String,
        /// Operator type.
        operator: String,
        /// Version of the domain that the model imports.
        opset: i64,
        /// Attribute or input name.
        attribute: String,
        /// What is not supported about it.
        reason: String,
    },
    /// Shapes that do not fit the operator.
    #[error("node `{node}`: {operator}: {reason}")]
    Shape {
        /// Name of the node.
        node: String,
        /// Operator type.
        operator: String,
        /// What does not fit.
        reason: String,
    },
    /// A decision that the file makes for several images together.
    #[error(
        "node `{node}`: {operator} decides for {images} images at once by what is in all of them, which says nothing of one image: \
         export the model for a batch of one, or of any size"
    )]
    MixesImages {
        /// Name of the node.
        node: String,
        /// Operator type.
        operator: String,
        /// Images in a batch.
        images: usize,
    },
    /// A layer that does not hold all of what the logits are computed from.
    #[error(
        "the model cannot be split at `{layer}`: what comes after it also reads {}, which the layer has no part in; choose a layer \
         where the branches have joined, or one before they part",
        quoted(.crossing)
    )]
    NoCut {
        /// Name of the layer.
        layer: String,
        /// The values that pass it by, as the file names them.
        crossing: Vec<String>,
    },
    /// The graph as a whole is not an image classifier that can be run.
    #[error("not an image classifier that can be scanned: {0}")]
    NotAClassifier(String),
    /// Several outputs that could each be the one to scan.
    #[error(
        "more than one of its outputs is a score per class, and a verdict about one says nothing of the others: {}. Name one \
         with --output NAME; `scan` takes several, each for a verdict of its own, or --output all",
        outputs_in_words(.0)
    )]
    SeveralOutputs(
        /// All outputs of the file.
        Vec<Output>,
    ),
    /// A model that would run for ever.
    #[error(
        "running it takes {operations:.1e} operations {part}, and {limit:.0e} are the most that it may take: {remedy}, or \
         scan a smaller model"
    )]
    TooMuchWork {
        /// What takes them.
        part: &'static str,
        /// How many: multiplications, additions, and 32 for each number that is read or written.
        operations: f64,
        /// How many it may take.
        limit: f64,
        /// What can be done about it.
        remedy: &'static str,
    },
    /// A value given by the caller does not fit the model.
    #[error("{0}")]
    Input(String),
    /// A mistake in this program.
    #[error("internal error, please report it: {0}")]
    Internal(String),
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
