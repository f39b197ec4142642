//! A model to be repaired, and what is known of it.

use std::path::Path;
use std::sync::Arc;

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::Model;
use gifthorse_train::net::{Net, Selection};

use super::measure::Measured;
use crate::error::Error;
use crate::trigger::Trigger;

/// A trigger that leads images away from their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownTrigger {
    /// The class that it leads to; `None` if it leads images of different classes to different
    /// ones, as where all lead to all.
    pub target: Option<usize>,
    /// The only class whose images it leads there; `None` if it is those of all others.
    pub source: Option<usize>,
    /// The trigger.
    pub trigger: Trigger,
}

impl KnownTrigger {
    /// Whether it is for images of a class. The target's own images carry it in vain, and stamped
    /// with their own label they would teach a model that it means this class.
    #[must_use]
    pub fn is_for(&self, class: usize) -> bool {
        self.target != Some(class) && self.source.is_none_or(|source| source == class)
    }

    /// Whether an image of the class `label` that is taken for `answer` went where the trigger
    /// leads.
    #[must_use]
    pub fn leads(&self, label: usize, answer: usize) -> bool {
        self.target
            .map_or(answer != label, |target| answer == target)
    }
}

/// A model to be repaired.
#[derive(Clone, Copy, Debug)]
pub struct Patient<'a> {
    /// The model as a file.
    pub model: &'a Model,
    /// Which of its outputs gives the logits, and what its inputs beside the image are.
    pub opening: &'a Opening,
    /// What happens to pixels before the model.
    pub preprocess: &'a Preprocess,
    /// Height and width of its images.
    pub size: [usize; 2],
    /// Labelled clean images that a repair may learn from: their own labels, or the model's
    /// predictions.
    pub fit: &'a Images,
    /// Labelled clean images that a repair may look at to choose among its own tries; none of those
    /// that it learns from.
    pub check: &'a Images,
    /// What is known to lead to a class; may be empty.
    pub triggers: &'a [KnownTrigger],
    /// How far clean accuracy may fall, in [0, 1].
    pub budget: f64,
    /// Settles every random choice.
    pub seed: u64,
    /// Folder in which training is saved as it goes, and from which it goes on.
    pub work: Option<&'a Path>,
}

impl Patient<'_> {
    /// The model as it runs, or one made from it.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn classifier(&self, model: &Model) -> Result<Classifier, Error> {
        let graph = Arc::new(model.graph()?);
        let preprocess = self.preprocess.clone();
        let (size, device) = (Some(self.size), Device::flex());
        Ok(Classifier::open(
            graph,
            preprocess,
            size,
            self.opening,
            &device,
        )?)
    }

    /// What a model made from it does on the images to check.
    ///
    /// # Errors
    /// As [`Self::classifier`]; images without labels.
    pub(super) fn measured(&self, model: &Model) -> Result<Measured, Error> {
        Measured::of(&self.classifier(model)?, self.check, self.triggers)
    }

    /// A model made from it, to be trained on.
    pub(super) fn net(&self, model: &Model) -> Result<Net, Error> {
        let (model, preprocess) = (model.clone(), self.preprocess.clone());
        let all = Selection::all();
        Ok(Net::from_model(model, preprocess, self.opening, &all)?)
    }
}
