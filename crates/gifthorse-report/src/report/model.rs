//! The model that was scanned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// More of a node's name, in characters, is not shown in a sentence.
const LONGEST_NAME: usize = 60;

/// The model file and what it says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// Path as it was given.
    pub path: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits; of a model with external data that of
    /// a list: the hash of the file and, in the order of the names in it, those of the files that
    /// it names, written as such digits one after the other.
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
    /// Where the model decides by the image which of two values goes on, in the order of
    /// computation.
    #[serde(default)]
    pub branches: Vec<Branch>,
}

impl Model {
    /// The branches that switch the whole of what is computed from an image.
    pub fn switches(&self) -> Vec<&Branch> {
        let of_image = |branch: &&Branch| branch.scope == BranchScope::Image;
        self.branches.iter().filter(of_image).collect()
    }

    /// What the switches mean for a scan, in a sentence; none where there are none.
    pub fn switch_warning(&self) -> Option<String> {
        let switches = self.switches();
        let first = switches.first()?;
        let mut name: String = first.node.chars().take(LONGEST_NAME).collect();
        if name.len() < first.node.len() {
            name.push('…');
        }
        let more = match switches.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(format!(
            "The model decides by the image which of two results goes on ({} node `{name}`{more}). No gradient passes through \
             such a decision, so the search saw the side that the clean images take: a pattern that switches to the other \
             side was not looked for.",
            first.operator
        ))
    }
}

/// A node that chooses between two values by what is in the image. Gradients do not pass through
/// the choice, so that a search by gradients sees one side of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Branch {
    /// Name of the node in the file, not to be trusted.
    pub node: String,
    /// Its operator: `If` or `Where`.
    pub operator: String,
    /// How much one decision decides.
    pub scope: BranchScope,
}

/// How much of a value one decision decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BranchScope {
    /// The condition hangs on a single number of each image: it switches the network as a whole.
    Image,
    /// One decision holds for several numbers, such as those of a channel.
    Region,
    /// Each number has a decision of its own, as in an activation.
    Element,
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
