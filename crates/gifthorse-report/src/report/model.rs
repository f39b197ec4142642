//! The model that was scanned.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StructureFinding;

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
    /// Each file that the model is read from, itself first; empty in reports from before there was
    /// this list.
    #[serde(default)]
    pub files: Vec<ModelFile>,
    /// Number of classes.
    pub classes: usize,
    /// What the model takes.
    pub input: ModelInput,
    /// Version of the ONNX default operator set.
    pub opset: i64,
    /// Version of each operator set that the file names, by domain; empty in reports from before
    /// there was this list.
    #[serde(default)]
    pub opsets: BTreeMap<String, i64>,
    /// Name and version of the program that wrote the file, as the file says; empty if it does not.
    pub producer: String,
    /// What the output was taken for: `logits`, `softmax cut off`, ...
    pub output: String,
    /// All outputs of the file, and which of them was scanned. Empty in reports from before there
    /// was this list, which are about the first output.
    #[serde(default)]
    pub outputs: Vec<ModelOutput>,
    /// A number for each input beside the image, by name, as the user gave it.
    #[serde(default)]
    pub given: BTreeMap<String, f32>,
    /// Where the model decides by the image which of two values goes on, in the order of
    /// computation.
    #[serde(default)]
    pub branches: Vec<Branch>,
    /// What in the structure of the file is how backdoors are built by hand, the strongest rules
    /// first; empty in reports from before that was looked at.
    #[serde(default)]
    pub structure: Vec<StructureFinding>,
}

impl Model {
    /// The structural finding for which the model is not called clean, in a sentence; none where
    /// there is none.
    pub fn structure_warning(&self) -> Option<String> {
        let mut serious = self
            .structure
            .iter()
            .filter(|found| found.takes_clean_back());
        let first = serious.next()?;
        let more = match serious.count() {
            0 => String::new(),
            more => format!(" ({more} more such findings)"),
        };
        let words = first.in_words();
        Some(format!(
            "The file has what a backdoor can be built of without training{more}. {words} Ask whoever built the model what \
             it is for."
        ))
    }

    /// The branches that switch the whole of what is computed from an image.
    pub fn switches(&self) -> Vec<&Branch> {
        let of_image = |branch: &&Branch| branch.scope == BranchScope::Image;
        self.branches.iter().filter(of_image).collect()
    }

    /// The output that the report is about, if the file has several that have reports.
    pub fn head(&self) -> Option<&str> {
        let is = |part| self.outputs.iter().find(move |output| output.part == part);
        is(OutputPart::Beside)
            .and(is(OutputPart::Scanned))
            .map(|head| &head.name[..])
    }

    /// The outputs that may be scores of classes and were not looked at, in a sentence; none where
    /// there are none.
    pub fn unseen_warning(&self) -> Option<String> {
        let unseen = |output: &&ModelOutput| output.part == OutputPart::Unseen;
        let unseen: Vec<&ModelOutput> = self.outputs.iter().filter(unseen).collect();
        let first = unseen.first()?;
        let scanned = |output: &&ModelOutput| output.part == OutputPart::Scanned;
        let scanned = self.outputs.iter().find(scanned)?;
        let more = match unseen.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Some(format!(
            "The verdict is about the output `{}` alone: the output `{}` ({}){more} was not looked at. Scan it too \
             (--output {}, or --output all).",
            shortened(&scanned.name),
            shortened(&first.name),
            first.looks,
            shortened(&first.name)
        ))
    }

    /// What the switches mean for a scan, in a sentence; none where there are none.
    pub fn switch_warning(&self) -> Option<String> {
        let switches = self.switches();
        let first = switches.first()?;
        let name = shortened(&first.node);
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

/// The beginning of a name.
pub(super) fn shortened(name: &str) -> String {
    let mut short: String = name.chars().take(LONGEST_NAME).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

/// A file that a model is read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFile {
    /// Its path, as given or from there on.
    pub path: String,
    /// Its SHA-256, 64 lower-case hexadecimal digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
}

/// An output of a model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelOutput {
    /// Its name in the file, not to be trusted.
    pub name: String,
    /// Its dimensions, a free one by its name or as `?`; null where not even their number is known.
    pub shape: Option<Vec<String>>,
    /// What it looks like: `scores of 4 classes`, `48 features`, `boxes`, ...
    pub looks: String,
    /// What the scan did with it.
    pub part: OutputPart,
}

/// What a scan did with an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputPart {
    /// It was scanned.
    Scanned,
    /// It is made from the scores that were scanned, such as the name of the winner.
    Same,
    /// It may be scores of classes too, and was not looked at: such a file is never clean.
    Unseen,
    /// It was asked for too: a report of its own is about it.
    Beside,
    /// It is no score of classes.
    Other,
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
