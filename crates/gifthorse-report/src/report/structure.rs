//! What in the structure of a model is how backdoors are built by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::shortened;

/// Nodes of a path that are named in a sentence.
const NAMED: usize = 6;

/// What a finding is an instance of. `docs/structure.md` has a row for each.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StructureRule {
    /// What a comparison makes of a single number of the image is multiplied with or joined.
    Switch,
    /// The same with a step made of a clip behind a large factor.
    SteepSwitch,
    /// A decision for several numbers at once is multiplied with.
    RegionSwitch,
    /// A path from the image passes the learned layers by and joins at the logits or far further
    /// on.
    Bypass,
    /// The network, or its image, is multiplied with a single number that none of its own learned
    /// layers made.
    UnlearnedGate,
    /// The largest or smallest logit goes into the logits.
    LogitRange,
    /// Pixels are compared, raised to a power or searched before any learned layer.
    PixelTest,
    /// A small part of the image is cut out before any learned layer.
    SmallRegion,
}

impl StructureRule {
    /// All rules, the strongest first.
    pub const ALL: [Self; 8] = [
        Self::Switch,
        Self::SteepSwitch,
        Self::Bypass,
        Self::UnlearnedGate,
        Self::RegionSwitch,
        Self::LogitRange,
        Self::PixelTest,
        Self::SmallRegion,
    ];

    /// Its name, as in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::SteepSwitch => "steep-switch",
            Self::RegionSwitch => "region-switch",
            Self::Bypass => "bypass",
            Self::UnlearnedGate => "unlearned-gate",
            Self::LogitRange => "logit-range",
            Self::PixelTest => "pixel-test",
            Self::SmallRegion => "small-region",
        }
    }

    /// What there is, in words that go on "node X: ".
    pub fn says(self) -> &'static str {
        match self {
            Self::Switch => {
                "a comparison of a single number of the image is multiplied with or added to what the network computes"
            }
            Self::SteepSwitch => {
                "a clip or sigmoid behind a large factor makes a yes or no of a single number, which joins the network"
            }
            Self::RegionSwitch => "a comparison decides for several numbers at once",
            Self::Bypass => "a path from the image passes the network's learned layers by",
            Self::UnlearnedGate => {
                "the network, or its image, is multiplied with a single number of the image that none of its own learned layers made"
            }
            Self::LogitRange => "the largest or smallest logit goes into the logits",
            Self::PixelTest => "pixels are tested before any learned layer",
            Self::SmallRegion => "a small part of the image is cut out before any learned layer",
        }
    }

    /// Whether a branch that rests on all clean images and is such a thing has no use that is
    /// known.
    fn needs_a_reason(self) -> bool {
        matches!(
            self,
            Self::Switch
                | Self::SteepSwitch
                | Self::RegionSwitch
                | Self::Bypass
                | Self::UnlearnedGate
        )
    }
}

/// Something in the structure of a model that a backdoor may be built of. Names come from the file
/// and are not to be trusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StructureFinding {
    /// Which rule it is an instance of.
    pub rule: StructureRule,
    /// The node that the rule is about.
    pub node: String,
    /// Nodes from the image to the output by way of it.
    pub path: Vec<String>,
    /// The first few constants that are compared with.
    pub constants: Vec<f32>,
    /// The value that carries it: the branch before it joins, the decision; null if it has no name.
    pub branch: Option<String>,
    /// What of the image is looked at, by gradients on random images; null where none leads there.
    pub region: Option<Region>,
    /// Whether the branch is the same for all clean images of a scan; null where that was not
    /// looked at.
    #[serde(default)]
    pub rests: Option<bool>,
}

/// A part of the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Region {
    /// First row, from 0.
    pub top: usize,
    /// First column, from 0.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The image as rows of text, `#` where it is looked at and `.` where not; large images in
    /// fewer rows and columns.
    pub picture: Vec<String>,
}

impl StructureFinding {
    /// Whether a model that has it is not called clean: a choice by a single number of the image as
    /// in [`Branch`](super::Branch), or a branch that rests on all clean images without a use that
    /// is known.
    pub fn takes_clean_back(&self) -> bool {
        self.rule == StructureRule::Switch
            || (self.rests == Some(true) && self.rule.needs_a_reason())
    }

    /// The finding in a sentence.
    pub fn in_words(&self) -> String {
        let mut text = format!("Node `{}`: {}", shortened(&self.node), self.rule.says());
        if let [first, ..] = self.constants[..] {
            text += &format!(", by the constant {first}");
        }
        if let Some(region) = &self.region {
            text += &format!(
                ", from rows {} to {} and columns {} to {} of the image",
                region.top,
                region.top + region.height - 1,
                region.left,
                region.left + region.width - 1
            );
        }
        match self.rests {
            Some(true) => text += ". It is the same on all clean images",
            Some(false) => text += ". It differs between clean images",
            None => {}
        }
        let nodes: Vec<String> = self.path.iter().map(|node| shortened(node)).collect();
        let more = nodes.len().saturating_sub(NAMED);
        text += &format!(
            ". The path: {}{}.",
            nodes[..nodes.len() - more].join(" > "),
            match more {
                0 => String::new(),
                more => format!(" > and {more} more"),
            }
        );
        text
    }
}
