//! The model that was scanned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The model file and what it says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// Path as it was given.
    pub path: String,
    /// SHA-256 of the file, followed by the files of external data that it names, if any, in the order of their names: 64
    /// lower-case hexadecimal digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Number of classes.
    pub classes: usize,
    /// What the model takes.
    pub input: ModelInput,
    /// Version of the ONNX default operator set.
    pub opset: i64,
    /// Name and version of the program that wrote the file, as the file says; empty if it does not.
    pub producer: String,
    /// What the output was taken for: `logits`, `softmax cut off`, ...
    pub output: String,
}

/// The input of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInput {
    /// Name of the graph's input.
    pub name: String,
    /// `[channels, height, width]`, in this order whatever the layout.
    pub shape: [usize; 3],
    /// The order of the dimensions in the file.
    pub layout: Layout,
    /// The batch size that the file demands; null if it is free.
    pub batch: Option<usize>,
}

/// The order of an image batch's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `[batch, channels, height, width]`
    Nchw,
    /// `[batch, height, width, channels]`
    Nhwc,
}
