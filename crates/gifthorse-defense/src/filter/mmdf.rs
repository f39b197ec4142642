//! MMDF (H. Wang et al. 2024): does the answer hold where activations are bounded?
//!
//! # What it does
//! Makes a twin of the model whose activations are kept below bounds, as low as can be while clean
//! images keep their logits: these are the bounds of the repair by bounded activations (MMAC). A
//! backdoor works by activations higher than those of clean images, so that the twin is far less
//! sure of the target than the model is. Where triggers are known, the bounds are those under which
//! stamped images have the logits of the same images as they are, as in the repair: the twin tells
//! both apart better then. The safe label of an image is the twin's best class other than the
//! model's answer.
//!
//! # Threat model
//! A backdoor that works by activations higher than those of clean images. No trigger has to be
//! known; with one, what it does within their range is seen as well.
//!
//! # Statistic
//! The margin of the model's answer in the model less that in the twin: its logit less the largest
//! other one. The published rule flags what lies more than 2.576 standard deviations above the mean
//! of clean images; here the boundary comes from clean images as for all filters.
//!
//! # Needs
//! Clean images, some tens of each class, of which a fifth only tells whether the twin is still
//! accurate.
//!
//! # Cost
//! Two passes. Fitting takes as long as the repair by bounded activations. Written as ONNX, the twin
//! lies in the same file, which is twice as large then.
//!
//! # Known failures
//! Triggers whose work is done within the range of clean images: blends, warps, all-to-all with
//! many poisoned images. Models without activations that are flat on a stretch (GELU, SiLU).
//!
//! # References
//! H. Wang, Z. Xiang, D. J. Miller, G. Kesidis, "Improved Activation Clipping for Universal Backdoor
//! Mitigation and Test-Time Detection", ICASSP 2024. No trigger is known there.

use gifthorse_data::split_holdout;
use gifthorse_engine::{Array, Classifier, Intervention};
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::disagreement::{Safe, disagreements, export};
use super::scored::best_other;
use super::{About, Exported, Family, Filter, Given, Held, Row, Score, Scored};
use crate::bounds::Bounding;
use crate::error::Error;
use crate::exact;
use crate::repair::{Limits, bounded};

/// Begins the names of the twin's values in the model's file.
const TWIN: &str = "gifthorse.twin.";
/// The share of the images that accuracy is looked at on.
const CHECK: f64 = 0.2;
/// How far accuracy may fall in the twin.
const BUDGET: f64 = 0.02;

/// What it is.
const ABOUT: About = About {
    name: "mmdf",
    title: "MMDF, the twin with bounded activations (H. Wang et al. 2024)",
    family: Family::Disagreement,
    needs_trigger: false,
    needs_repaired: false,
    passes: 2.0,
    misses: &["backdoors that work within what clean images reach"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Mmdf),
};

#[derive(Debug)]
struct Mmdf;

/// What is kept, and all that is fitted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    layers: Vec<OfLayer>,
}

/// The bounds of a layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfLayer {
    name: String,
    /// Of each channel.
    #[serde(with = "exact::singles")]
    bounds: Vec<f32>,
}

struct Fitted {
    classifier: Classifier,
    twin: Classifier,
    kept: Kept,
}

impl Filter for Mmdf {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let (fit, check) = split_holdout(given.labels()?, CHECK, given.seed);
        let bounding = Bounding {
            classifier: given.held.classifier,
            fit: &given.images.subset(&fit),
            check: &given.images.subset(&check),
            triggers: given.triggers,
            limits: Limits {
                budget: BUDGET,
                excess: 0.0,
            },
            seed: given.seed,
        };
        let bounded = bounding.fitted()?;
        if bounded.is_empty() {
            let reason =
                "the model has no activation that is flat on a stretch, which could be bounded";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        let layers = bounded.into_iter().map(|of_layer| OfLayer {
            name: of_layer.layer.name().to_owned(),
            bounds: of_layer.bounds,
        });
        let kept = Kept {
            layers: layers.collect(),
        };
        Ok(Box::new(Fitted::new(given.held.classifier, kept)?))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        if kept.layers.is_empty() || kept.layers.len() > held.classifier.layers()?.len() {
            return Err(ABOUT.refused("its layers are none of this model".to_owned()));
        }
        Ok(Box::new(Fitted::new(held.classifier, kept)?))
    }
}

impl Fitted {
    /// # Errors
    /// Layers that the model does not have, or with other channels.
    fn new(classifier: &Classifier, kept: Kept) -> Result<Self, Error> {
        let interventions = kept.layers.iter().map(|of_layer| {
            let layer = classifier.layer(&of_layer.name)?;
            let (bounds, channels) = (of_layer.bounds.clone(), of_layer.bounds.len());
            let bounds = Array::from_vec(bounds, &[channels], classifier.device());
            Ok(Intervention::bound(layer, bounds.into_tensor())?)
        });
        let interventions = interventions.collect::<Result<Vec<_>, Error>>()?;
        Ok(Self {
            twin: classifier.with(interventions)?,
            classifier: classifier.clone(),
            kept,
        })
    }
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let both = (&self.classifier, &self.twin);
        disagreements(both, pixels, |twin, answer| best_other(twin, Some(answer)))
    }

    fn export(&self, model: &mut Model, _: Option<&Model>) -> Result<Exported, Error> {
        let mut twin = model.clone();
        for of_layer in &self.kept.layers {
            let layer = self.classifier.layer(&of_layer.name)?;
            twin = bounded(&twin, layer, &of_layer.bounds)?;
        }
        let part = (&twin, &self.classifier, TWIN);
        export(model, &self.classifier, part, Safe::OtherThanAnswer)
    }

    fn keep(&self) -> Result<Value, Error> {
        ABOUT.write(&self.kept)
    }
}
