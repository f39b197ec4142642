//! Units that no clean image wakes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::shortened;

/// Units that lie on a flat stretch of the function behind them (a ReLU below zero, a clip beyond
/// its bounds, a comparison) on every clean image, and what they do once an image wakes them. No
/// gradient leads from the answers to such a unit, so that no search by gradients finds a trigger
/// that goes through one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DormantUnits {
    /// Clean images that were looked at.
    pub images: usize,
    /// Units behind functions with a flat stretch: channels of a map, or single numbers.
    pub units: usize,
    /// Those that lie on it on all these images.
    pub dormant: usize,
    /// Dormant units that were tried: images were moved to wake them. Fewer than `dormant` where
    /// there are very many, or where time was short.
    pub tried: usize,
    /// Those of them that changed a logit then.
    pub woken: usize,
    /// Those that change most answers, the one that changed logits most in front. A file that has
    /// one is never clean.
    pub switches: Vec<DormantUnit>,
    /// The one that changed the largest share of the answers that it could change, be it among
    /// `switches` or not; null if none changed an answer.
    #[serde(default)]
    pub strongest: Option<DormantUnit>,
}

/// What a dormant unit does once it is awake, with those that wake together with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DormantUnit {
    /// Name of the node whose flat stretch it lies on, not to be trusted.
    pub node: String,
    /// Name of the value that the node gives, not to be trusted.
    pub layer: String,
    /// Which channel of it.
    pub channel: usize,
    /// The class that most images are led to.
    pub class: usize,
    /// Clean images that were moved to wake the unit.
    pub images: usize,
    /// Those whose answer was not the class before.
    pub others: usize,
    /// Those that keep the answer that they had before as long as dormant units are kept where they
    /// were, and have another one with the unit awake.
    pub changed: usize,
    /// Those of these that are led to the class.
    pub led: usize,
    /// Those that keep the answer that they had before as long as dormant units are kept where they
    /// were.
    pub kept: usize,
}

impl DormantUnits {
    /// What the switches mean for a scan, in a sentence; none where there are none.
    pub fn warning(&self) -> Option<String> {
        let first = self.switches.first()?;
        let more = match self.switches.len() - 1 {
            0 => String::new(),
            more => format!(" ({more} more like it)"),
        };
        Some(format!(
            "A unit that none of {} clean images wakes decides the answer: {}{more}. No gradient leads to a unit that \
             sleeps, so the search could not see what wakes it.",
            self.images,
            first.in_words()
        ))
    }
}

impl DormantUnit {
    /// What the unit does, in words that go on a sentence.
    pub fn in_words(&self) -> String {
        format!(
            "once images are moved to wake channel {} of `{}` (node `{}`), {} of {} that were of other classes are led to class \
             {}, and as long as it is kept asleep {} of {} keep the answer that they had",
            self.channel,
            shortened(&self.layer),
            shortened(&self.node),
            self.led,
            self.others,
            self.class,
            self.kept,
            self.images,
        )
    }
}
