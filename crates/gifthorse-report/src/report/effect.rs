//! What a trigger does inside the model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Interval;

/// What a trigger does inside the model (Neural Cleanse's identification, Wang et al. 2019, section
/// V-C), measured on held-out images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// Index of the class that it leads to.
    pub target: usize,
    /// How many images everything was measured on.
    pub images: usize,
    /// Of the clean images, those that the model takes for what they are.
    pub accuracy: Share,
    /// Of the stamped images of all other classes, those that it takes for the target.
    pub success: Share,
    /// The same with the trigger that was planted; null where that is not known.
    pub original_success: Option<Share>,
    /// What becomes of the images of each class, in the order of classes.
    pub sources: Vec<SourceEffect>,
    /// What it does to the channels of some layers.
    pub layers: Vec<LayerEffect>,
}

/// How many of some images had an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Those that had it.
    pub hits: u64,
    /// All.
    pub trials: u64,
    /// 95 % confidence interval of the share (Wilson).
    pub interval: Interval,
}

impl Share {
    /// The share, 0 to 1; none of no images.
    pub fn rate(&self) -> Option<f64> {
        (self.trials > 0).then(|| self.hits as f64 / self.trials as f64)
    }
}

/// What becomes of the images of one class under the trigger.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceEffect {
    /// Index of the class that the images are of.
    pub class: usize,
    /// Of these, those that the model takes for the target.
    pub success: Share,
    /// Index of the class that it takes most of them for, be it their own.
    pub to: usize,
    /// What share of them that is.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub to_share: f64,
}

/// What the trigger does to the channels of a layer: units of a row, or maps of a convolution,
/// whose activation is the mean over places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayerEffect {
    /// Name that the model file gives the layer's value, not to be trusted.
    pub layer: String,
    /// How many channels it has.
    pub channels: usize,
    /// How many of them are the first ones that the numbers below are about: those that rise most
    /// from clean to stamped images.
    pub top: usize,
    /// The channels that rise most, in that order; the first `top`, or as many of them as are
    /// listed, and a few more.
    pub neurons: Vec<Neuron>,
    /// Mean activation of the first ones on clean images; null if it is no number.
    pub clean: Option<f64>,
    /// On stamped images.
    pub stamped: Option<f64>,
    /// With the trigger that was planted; null where that is not known.
    pub original: Option<f64>,
    /// What the first ones have in common with those that the planted trigger raises most: their
    /// intersection over their union; null where it is not known.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub overlap: Option<f64>,
    /// How the model does with the first ones alone, all others switched off.
    pub kept: Performance,
    /// How it does with the first ones alone switched off.
    pub zeroed: Performance,
}

/// A channel of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Neuron {
    /// Its number, counted from 0.
    pub channel: usize,
    /// Its mean activation on clean images; null if it is no number.
    pub clean: Option<f64>,
    /// On stamped images.
    pub stamped: Option<f64>,
    /// With the trigger that was planted; null where that is not known.
    pub original: Option<f64>,
}

/// How the model does with some channels switched off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Performance {
    /// Of the stamped images of all other classes, those that it takes for the target.
    pub success: Share,
    /// Of the same images without the trigger, those that it takes for the target. Where that is
    /// about as many, the success says nothing of the trigger.
    pub unstamped: Share,
    /// Of the clean images, those that it takes for what they are.
    pub accuracy: Share,
}
