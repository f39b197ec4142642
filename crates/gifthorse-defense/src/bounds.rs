//! Upper bounds on the channels of activations, as low as can be while the logits of clean images
//! stay what they are (H. Wang et al. 2024, MM-BM and MMAC).
//!
//! The bounds begin at what clean images reach and are lowered by gradient steps on the squared
//! change of the logits plus a price, which rises as long as accuracy on other clean images stays
//! within the budget. What is paid for is the height of the bounds, and how sure the model under
//! them is of images that were driven from noise to be as sure of a class as can be. Where triggers
//! are known, stamped images have to give the logits of the same images as they are instead, and
//! nothing is paid for.

mod layer;
mod margins;
mod task;

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Layer};

use crate::error::Error;
use crate::repair::measure::Measured;
use crate::repair::{KnownTrigger, Limits};
use crate::subject::spread_over_classes;
use layer::{LayerBounds, layers};
use margins::Sure;
use task::Task;

/// Images that bounds are fitted to.
const IMAGES: usize = 500;
/// Updates of the bounds.
const UPDATES: usize = 300;
/// Updates between two looks at accuracy.
const LOOK_EVERY: usize = 10;
/// The first price of the bounds' height.
const PRICE: f32 = 0.1;
/// What the price rises by where accuracy allows, and falls by where not.
const STEP: f32 = 1.5;

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
    /// stretch. `stepped` is told how many updates of how many are done, and says whether to go on.
    ///
    /// # Errors
    /// Images without labels; a model that cannot be run, or passes no gradient back.
    pub(crate) fn fitted(
        &self,
        stepped: impl Fn(usize, usize) -> bool,
    ) -> Result<Vec<Bounded>, Error> {
        let classifier = self.classifier;
        let layers = layers(classifier)?;
        if layers.is_empty() {
            return Ok(Vec::new());
        }
        let labels = self.fit.labels().ok_or(Error::NoLabels)?;
        let chosen = spread_over_classes(labels, 0..labels.len(), IMAGES);
        let images = self.fit.subset(&chosen);
        let mut all = LayerBounds::reached(classifier, images.pixels(), layers)?;
        let task = Task {
            wanted: classifier.evaluate(images.pixels())?,
            sure: Sure::find(classifier, self.seed)?,
            triggers: self.triggers,
            classifier,
            images,
        };
        let numbers = |all: &[LayerBounds]| all.iter().map(LayerBounds::bounded).collect();
        let mut kept: Vec<Bounded> = numbers(&all);
        let before = Measured::of(classifier, self.check, self.triggers)?;
        let is_known = !self.triggers.is_empty();
        // What stamped images do says more than any price.
        let mut price = if is_known { 0.0 } else { PRICE };
        let mut least = f64::INFINITY;
        for update in 0..UPDATES {
            task.step(update, price, &mut all)?;
            let goes_on = stepped(update + 1, UPDATES);
            if (update + 1) % LOOK_EVERY != 0 && goes_on {
                continue;
            }
            let under = all.iter().map(LayerBounds::intervention);
            let under = classifier.with(under.collect::<Result<Vec<_>, _>>()?)?;
            let after = Measured::of(&under, self.check, self.triggers)?;
            let distance = self.limits.distance(&before, &after);
            let lost = after.lost_since(&before) as f64;
            let is_within = lost <= self.limits.budget * after.clean.trials as f64;
            if is_known && distance < least {
                (least, kept) = (distance, numbers(&all));
            } else if !is_known && is_within {
                kept = numbers(&all);
            }
            price *= if is_within { STEP } else { 1.0 / STEP };
            if !goes_on {
                break;
            }
        }
        Ok(kept)
    }
}
