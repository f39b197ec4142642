//! The pictures that back a report: what was recovered, and images before and after it is stamped
//! on them.
//!
//! A report says in numbers what was found; these pictures let a person see it and let anybody
//! replay it. Pixels are in image space, before any preprocessing of the model.

mod npz;
mod path;
mod picture;
mod png;

pub(crate) use npz::write_recovered;
pub use npz::{TriggerFileError, read_trigger, read_trigger_file};
pub use path::{TriggerPathError, trigger_path};
pub use picture::{Picture, PictureError, Trigger};

use crate::report::{TriggerKind, Unit};

/// The pictures of a scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// What was recovered for each unit of each detector, in any order; units without anything to
    /// show are left out.
    pub units: Vec<UnitEvidence>,
}

impl Evidence {
    /// The pictures of what the detector with the name `detector` found for `unit`, if there are
    /// any.
    pub fn of(&self, detector: &str, unit: Unit) -> Option<&UnitEvidence> {
        let is_it =
            |evidence: &&UnitEvidence| evidence.detector == detector && evidence.unit == unit;
        self.units.iter().find(is_it)
    }
}

/// What one detector recovered for one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitEvidence {
    /// Name of the detector, as in the report.
    pub detector: String,
    /// The unit.
    pub unit: Unit,
    /// What was recovered.
    pub recovered: Recovered,
    /// Held-out images before and after stamping; empty for what is stamped on nothing.
    pub examples: Vec<Example>,
}

/// What a search can recover.
#[derive(Clone, Debug, PartialEq)]
pub enum Recovered {
    /// A patch that is stamped on images.
    Patch(Trigger),
    /// An image that answers by itself, `[channels, height, width]`, and is stamped on nothing.
    Image(Picture),
    /// A map of colours that is the same for every pixel of every image.
    ColourMap(Change),
    /// A warp that is the same for every image.
    Warp(Change),
    /// A generator that makes a weighted sum of those around it of each value.
    LocalMap(Change),
    /// A change that is added to every image, the same for each.
    Additive(Change),
    /// A patch that is blended into every image in a space of its own.
    SpacePatch(Change),
}

/// A change of whole images that a few numbers say.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The numbers, as [`TriggerKind`] says.
    pub numbers: Vec<f32>,
    /// What it makes of a chart, `[channels, height, width]`.
    pub chart: Picture,
}

impl Recovered {
    /// What kind it is.
    pub fn kind(&self) -> TriggerKind {
        match self {
            Self::Patch(_) => TriggerKind::Patch,
            Self::Image(_) => TriggerKind::Image,
            Self::ColourMap(_) => TriggerKind::ColourMap,
            Self::Warp(_) => TriggerKind::Warp,
            Self::LocalMap(_) => TriggerKind::LocalMap,
            Self::Additive(_) => TriggerKind::Additive,
            Self::SpacePatch(_) => TriggerKind::SpacePatch,
        }
    }

    /// One picture of it, `[channels, height, width]`: a patch on grey, an image as it is, what a
    /// change makes of its chart.
    pub fn picture(&self) -> Picture {
        match self {
            Self::Patch(trigger) => trigger.on_grey(),
            Self::Image(image) => image.clone(),
            Self::ColourMap(change)
            | Self::Warp(change)
            | Self::LocalMap(change)
            | Self::Additive(change)
            | Self::SpacePatch(change) => change.chart.clone(),
        }
    }
}

/// One image before and after a trigger is stamped on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The clean image, `[channels, height, width]`.
    pub before: Picture,
    /// The stamped image, of the same shape.
    pub after: Picture,
    /// The class that the model gives the clean image.
    pub predicted_before: usize,
    /// The class that the model gives the stamped image.
    pub predicted_after: usize,
    /// The label of the image; none if images are unlabelled.
    pub label: Option<usize>,
}

/// An image without and with a trigger, each with what the model's answer on it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatExample {
    /// The class of the image.
    pub label: usize,
    /// The image as it is.
    pub clean: Heated,
    /// With the trigger.
    pub stamped: Heated,
}

/// A picture with what the model's answer on it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Heated {
    /// The picture, `[channels, height, width]`.
    pub picture: Picture,
    /// The same in grey below its heat, `[3, height, width]`.
    pub heat: Picture,
    /// The class that the model takes it for, and that the heat speaks for.
    pub answer: usize,
}

/// What is really in a model, for pages that show it beside what the scan found.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Whether a backdoor was planted.
    pub backdoored: bool,
    /// The class that the planted backdoor leads to.
    pub target: Option<usize>,
    /// The planted trigger as a picture, `[channels, height, width]`.
    pub trigger: Option<Picture>,
}
