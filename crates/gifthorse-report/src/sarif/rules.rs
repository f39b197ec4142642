//! The rules that findings refer to. Their identifiers are a contract: a platform closes findings
//! whose rule is gone.

use serde_json::json;
use serde_sarif::sarif::{
    MultiformatMessageString, PropertyBag, ReportingConfiguration, ReportingDescriptor, ResultLevel,
};
use std::collections::BTreeMap;

/// What kind of finding it is.
#[derive(Clone, Copy)]
pub enum Rule {
    /// A trigger leads images of other classes to one class.
    Backdoor,
    /// The scan cannot tell.
    Inconclusive,
    /// A node chooses by the image between two results.
    Switch,
    /// A unit that no clean image wakes decides the answer.
    DormantUnit,
    /// Something that backdoors are built of by hand.
    Structure,
    /// An output that may be scores of classes has no verdict.
    Unseen,
}

impl Rule {
    /// All rules, in the order in which the log lists them.
    pub const ALL: [Self; 6] = [
        Self::Backdoor,
        Self::Inconclusive,
        Self::Switch,
        Self::DormantUnit,
        Self::Structure,
        Self::Unseen,
    ];

    /// The name that findings refer to it by.
    pub fn id(self) -> &'static str {
        match self {
            Self::Backdoor => "model-backdoor",
            Self::Inconclusive => "model-scan-inconclusive",
            Self::Switch => "model-switched-by-image",
            Self::DormantUnit => "model-dormant-unit",
            Self::Structure => "model-structure",
            Self::Unseen => "model-output-not-scanned",
        }
    }

    /// Its place in [`Rule::ALL`].
    pub fn index(self) -> i64 {
        self as i64
    }

    /// How bad a finding is.
    pub fn level(self) -> ResultLevel {
        match self {
            Self::Backdoor => ResultLevel::Error,
            Self::Inconclusive
            | Self::Switch
            | Self::DormantUnit
            | Self::Structure
            | Self::Unseen => ResultLevel::Warning,
        }
    }

    /// The rule as the log lists it.
    pub fn descriptor(self) -> ReportingDescriptor {
        let (name, short, full, help, severity, precision) = match self {
            Self::Backdoor => (
                "ModelBackdoor",
                "The model carries a backdoor",
                "A small pattern in an image makes the model answer with one class, whatever the image shows, and no \
                 clean model is led astray as easily.",
                "Do not put the model to use. report.html beside this file shows the pattern; `gifthorse verify` replays it \
                 on the model. Train the model again from data and weights that you trust, or take it from elsewhere.",
                "9.0",
                "high",
            ),
            Self::Inconclusive => (
                "ModelScanInconclusive",
                "The scan for backdoors cannot tell",
                "The scan could neither find a backdoor nor rule out the kinds that it looks for.",
                "Treat the model as unchecked. The finding names what stood in the way; remove it and scan again.",
                "5.0",
                "very-high",
            ),
            Self::Switch => (
                "ModelSwitchedByImage",
                "The model decides by the image which of two results goes on",
                "An If, or a Where with one condition for the whole image, chooses between two results by what is in the image. \
                 Ordinary classifiers have no such node; a backdoor can be built of one, without any training.",
                "Ask whoever built the model what the node is for. `gifthorse inspect` names all such nodes; look at what the \
                 condition is made from and at both results.",
                "5.0",
                "very-high",
            ),
            Self::DormantUnit => (
                "ModelDormantUnit",
                "A unit that no clean image wakes decides the answer",
                "A unit behind a ReLU, a clip or a comparison lies on the flat stretch of it on all clean images. Woken, it \
                 changes the answers of most images. A dead unit of an ordinary net does not; a backdoor can be built so, and \
                 no search by gradients finds it.",
                "Ask whoever built the model what the unit is for. The finding names its node and channel, and the class that \
                 it leads to; look at what the node is computed from.",
                "7.0",
                "high",
            ),
            Self::Structure => (
                "ModelStructure",
                "The file has what a backdoor can be built of without training",
                "A path past the learned layers, a decision that is multiplied with, a test of pixels: ordinary classifiers \
                 hardly have it. A note is told only; a warning is a switch, or a branch that rests on all clean images.",
                "Look at the path that the finding names, and ask whoever built the model what it is for. docs/structure.md \
                 says how to confirm or refute such a finding.",
                "4.0",
                "medium",
            ),
            Self::Unseen => (
                "ModelOutputNotScanned",
                "Another output of the model may be scores of classes, and was not scanned",
                "The verdict is about one output. Another one gives scores of classes too, or cannot be told from such, and a \
                 backdoor may be in that one alone.",
                "Scan it too: `gifthorse scan --output NAME` may be given several times, and `--output all` takes each.",
                "5.0",
                "very-high",
            ),
        };
        let text = |text: &str| MultiformatMessageString::builder().text(text).build();
        ReportingDescriptor::builder()
            .id(self.id())
            .name(name)
            .short_description(text(short))
            .full_description(text(full))
            .help(text(help))
            .default_configuration(
                ReportingConfiguration::builder()
                    .level(json!(self.level()))
                    .build(),
            )
            .properties(
                PropertyBag::builder()
                    .tags(vec!["security".to_owned(), "machine-learning".to_owned()])
                    .additional_properties(BTreeMap::from([
                        ("security-severity".to_owned(), json!(severity)),
                        ("precision".to_owned(), json!(precision)),
                    ]))
                    .build(),
            )
            .build()
    }
}
