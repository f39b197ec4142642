//! Upper bounds on the channels of activations, as low as can be while the logits of clean images
//! stay what they are (H. Wang et al. 2024, MM-BM and MMAC).
//!
//! The bounds begin at what clean images reach and are lowered by gradient steps on the squared
//! change of the logits plus a price, which rises as long as accuracy on other clean images stays
//! within the budget. What is paid for is the height of the bounds, and how sure the model under
//! them is of images that were driven from noise to be as sure of a class as can be. Where triggers
//! are known, stamped images have to give the logits of the same images as they are instead, and
//! nothing is paid for.

mod fit;
mod layer;
mod margins;
mod task;

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Layer};

use crate::error::Error;
use crate::repair::{KnownTrigger, Limits, Progress, RepairObserver, Silent};
use crate::subject::spread_over_classes;
use fit::Fit;
use layer::{LayerBounds, layers};
use task::Task;

/// Images that bounds are fitted to.
const IMAGES: usize = 500;
/// What bounds are fitted with.
pub(crate) struct Bounding<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// Labelled clean images whose logits are to stay.
    pub fit: &'a Images,
    /// Labelled clean images that accuracy is looked at on.
    pub check: &'a Images,
    /// What is known to lead to a class; may be empty.
    pub triggers: &'a [KnownTrigger],
    /// How far accuracy may fall, and a trigger lead images away.
    pub limits: Limits,
    /// Settles every random choice.
    pub seed: u64,
}

/// The bounds of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Bounded {
    /// The layer.
    pub layer: Layer,
    /// What clean images reach, `[channels]`.
    pub reached: Vec<f32>,
    /// The bounds, `[channels]`.
    pub bounds: Vec<f32>,
}

impl Bounding<'_> {
    /// The bounds of each activation; none if the model has no activation that is flat on a
    /// stretch.
    ///
    /// # Errors
    /// Images without labels; a model that cannot be run, or passes no gradient back.
    pub(crate) fn fitted(&self) -> Result<Vec<Bounded>, Error> {
        self.going_on(&mut Progress::nowhere(), &Silent)
    }

    /// The same, saved as it goes, and from where it was; where it is to stop, the bounds that are
    /// had by then.
    ///
    /// # Errors
    /// As [`fitted`](Self::fitted); what saving refuses.
    pub(crate) fn going_on(
        &self,
        progress: &mut Progress,
        observer: &dyn RepairObserver,
    ) -> Result<Vec<Bounded>, Error> {
        let classifier = self.classifier;
        let layers = layers(classifier)?;
        if layers.is_empty() {
            return Ok(Vec::new());
        }
        let labels = self.fit.labels().ok_or(Error::NoLabels)?;
        let chosen = spread_over_classes(labels, 0..labels.len(), IMAGES);
        let images = self.fit.subset(&chosen);
        let all = LayerBounds::reached(classifier, images.pixels(), layers)?;
        let mut fit = Fit::begin(self, all);
        progress.restore("bounding activations", observer, |at, bytes| {
            fit.restore(at, bytes)
        });
        fit.run(self, images, (progress, observer))
    }
}
