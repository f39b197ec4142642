//! The pictures that back a report: recovered triggers, and images before and after they are stamped.
//!
//! A report says in numbers what was found; these pictures let a person see it and let anybody replay it. Pixels
//! are in image space, before any preprocessing of the model.

mod npz;
mod picture;
mod png;

pub(crate) use npz::write_trigger;
pub use npz::{TriggerFileError, read_trigger, trigger_path};
pub use picture::{Picture, PictureError, Trigger};

/// The pictures of a scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// What was recovered for each class, in any order; classes without a trigger are left out.
    pub classes: Vec<ClassEvidence>,
}

impl Evidence {
    /// The pictures of class `class`, if there are any.
    pub fn of(&self, class: usize) -> Option<&ClassEvidence> {
        self.classes.iter().find(|evidence| evidence.class == class)
    }
}

/// What was recovered for one target class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassEvidence {
    /// Index of the class that the trigger leads to.
    pub class: usize,
    /// The recovered trigger.
    pub trigger: Trigger,
    /// Held-out images before and after stamping.
    pub examples: Vec<Example>,
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
