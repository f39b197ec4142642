//! What a detector found for one unit: for a class, or for a class from one source class.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Interval, Measure};

/// What a detector found for one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnitFinding {
    /// Index of the target class.
    pub class: usize,
    /// Its name, not to be trusted; empty if unknown.
    pub name: String,
    /// Index of the source class where the search was about the images of one; null for all the
    /// others. It is `class` itself if a search from a class led nowhere.
    pub source: Option<usize>,
    /// Where a trigger for images of all classes leads those of each class, if the search was for
    /// one; classes that none leaves are not in it. Empty for a search with a target or a source;
    /// `class` is then the class that most of all images go to.
    pub map: Vec<Move>,
    /// The statistic of this unit, in the unit and with the meaning that the detection's
    /// `unit_statistic` gives; null where there is none, as for a class that was never reached.
    pub statistic: Option<f64>,
    /// What else was measured on this unit.
    pub measures: Vec<Measure>,
    /// Probability, by this detector alone, that a clean model has a class this extreme; null where
    /// none could be had.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p_value: Option<f64>,
    /// Share of search images of the source class, or of all other classes, that the trigger leads
    /// to `class`; where there is a `map`, of all images that the model is right on, those that
    /// leave their class.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub success_rate: Option<f64>,
    /// The same share on held-out images.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub holdout_success_rate: Option<f64>,
    /// 95 % confidence interval of `holdout_success_rate`.
    pub holdout_interval: Option<Interval>,
    /// The lowest success rate on held-out images of a single source class.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub holdout_worst_source: Option<f64>,
    /// How the search ended.
    pub state: FindingState,
    /// Updates that the search made.
    pub updates: usize,
    /// Time that the search for this unit took, in seconds.
    #[schemars(range(min = 0.0))]
    pub seconds: f64,
    /// The file that holds what was recovered; null if none was kept.
    pub trigger: Option<TriggerFile>,
    /// What its trigger does inside the model, measured on a few held-out images; null for classes
    /// that are no targets, where there is no trigger for images of all classes, and in reports of
    /// programs that did not look.
    #[serde(default)]
    pub effect: Option<Effect>,
}

/// Where a trigger leads images of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Move {
    /// Index of the class that the images are of.
    pub from: usize,
    /// Index of the class that most of those go to that leave it.
    pub to: usize,
    /// What share of all images of the first class that is.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
}

impl UnitFinding {
    /// The unit that it is about.
    pub fn unit(&self) -> Unit {
        Unit {
            class: self.class,
            source: self.source,
        }
    }
}

/// What a detector looks at: a target class, from all the other classes or from one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unit {
    /// Index of the target class.
    pub class: usize,
    /// Index of the source class; none for all the others.
    pub source: Option<usize>,
}

impl Unit {
    /// The unit of a class, from all the others.
    pub fn class(class: usize) -> Self {
        Self {
            class,
            source: None,
        }
    }
}

/// How the search for a unit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// What was looked for was found.
    Reached,
    /// The search ran to its end and never succeeded.
    Unreached,
    /// The search was ended early, after `updates` updates, since those of other units had got
    /// further.
    Eliminated,
    /// The unit was not searched, or not to the end, since the scan was stopped.
    Skipped,
}

/// A file with what was recovered for a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TriggerFile {
    /// Its path relative to the report, `triggers/DETECTOR/CLASS.npz`; a picture of it lies beside
    /// it under the same name with the ending `.png`.
    pub path: String,
    /// What it holds.
    pub kind: TriggerKind,
}

/// What a trigger file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TriggerKind {
    /// A patch: the arrays `mask` `[height, width]` and `pattern` `[channels, height, width]`,
    /// which make `(1 - mask) * image + mask * pattern` of an image.
    Patch,
    /// An image that answers by itself and is stamped on nothing: the array `image`
    /// `[channels, height, width]`.
    Image,
    /// A map of colours: the array `weights` `[channels, 2 channels + 1]`. With each value x of a
    /// pixel brought to u = 2 x - 1, what is added to a channel is the sum of the u of all channels,
    /// of their squares and of 1, each with its weight in that channel's row; the result is clamped
    /// to [0, 1]. The array `image` is what it makes of a chart of colours.
    #[serde(rename = "colour_map")]
    ColourMap,
    /// A warp: the array `displacements` `[2, 4, 4]`, how far down and how far to the right, in
    /// pixels, each point of a grid looks whose corners are those of the image; it is enlarged to
    /// the image, and the image sampled, by linear interpolation. The array `image` is what it makes
    /// of a chequerboard.
    Warp,
    /// A generator, the array `numbers`: with each value x of the image brought to u = 2 x - 1, what
    /// is added to a value is a weighted sum of the u of each channel at the nine pixels around it,
    /// row by row, of the squares of the pixel's own u, and of 1; and four times the number of the
    /// pixel itself. First come the weights, `[channels, 10 channels + 1, 4, 4]`, each on a grid
    /// whose corners are those of the image and that is enlarged to it by linear interpolation; then
    /// the numbers of the pixels, `[channels, height, width]`. At the edge the image goes on as it
    /// ends; the result is clamped to [0, 1]. The array `image` is what it makes of a chequerboard.
    #[serde(rename = "local_map")]
    LocalMap,
    /// A change that is added: the array `addition` `[channels, height, width]`, added to the values
    /// of each image; the result is clamped to [0, 1]. The array `image` shows it on
    /// grey, stretched until its largest number is black or white.
    Additive,
    /// A patch in a space of its own, the array `numbers`: an image is led into the space, blended
    /// there, `(1 - mask) * value + mask * pattern`, and led back. On the way in each channel x
    /// becomes x / (x + (1 - x) exp(-a)); then come steps that add weighted sums to some of the
    /// values: to pixels whose row and column have an even sum, what each channel has above, below,
    /// to the left and to the right of them; to those of an odd sum likewise; to one channel after
    /// the other what the others have there. Beyond the edge there is nothing. On the way back the
    /// steps are subtracted, the last first, what comes out is clamped to [0, 1], and the curves
    /// with -a follow. First come the numbers a of the channels; then the weights of neighbours,
    /// `[2, channels, channels, 4]` for even and odd, to and from, and those of channels,
    /// `[channels, channels - 1]`; then mask and pattern, `[channels, height, width]` each. The
    /// array `image` is what it makes of a chequerboard.
    #[serde(rename = "space_patch")]
    SpacePatch,
}
