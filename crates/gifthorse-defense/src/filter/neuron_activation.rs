//! Neural Cleanse's filter: do the neurons of the trigger fire?
//!
//! # What it does
//! Ranks the neurons of a layer by how much a recovered trigger raises them, beyond what clean
//! images of the target class do, and takes the mean activation of the first of them: a stamped
//! image raises them whatever else is in it. The paper takes the first hundredth of the layer before
//! the logits (section VI-A). In a small net that is one neuron, and all there is of it serves the
//! target class as well; so other shares and the activations before it are looked at too, and the
//! first look is taken that tells stamped images of the fit from all clean ones as well as any. The
//! safe label of an image is the best class other than the one that the trigger leads to.
//!
//! # Threat model
//! A trigger that a scan recovered, or that is told, and one that works by the same neurons: the
//! planted trigger need not look like it.
//!
//! # Statistic
//! The mean activation, 0 in the middle of clean images and 1 where they become rare; with several
//! triggers the largest over these. Behind a convolution a neuron is a channel, and its activation
//! the mean over places or the largest of them.
//!
//! # Needs
//! A trigger, and clean images that it is for.
//!
//! # Cost
//! The pass that gives the answer, and no more.
//!
//! # Known failures
//! Triggers that were not recovered. A recovered trigger that is not like the planted one, as with
//! the paper's Trojan models (FNR of 4.3 and 28.5 %). Triggers that work by switching neurons off.
//!
//! # References
//! B. Wang, Y. Yao, S. Shan, H. Li, B. Viswanath, H. Zheng, B. Y. Zhao, "Neural Cleanse: Identifying
//! and Mitigating Backdoor Attacks in Neural Networks", IEEE S&P 2019, section VI-A, figure 8.

mod activations;
mod export;
mod raised;

use gifthorse_engine::{Classifier, Layer};
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pass::{in_parts, once_each};
use super::scored::best_other;
use super::{About, Exported, Family, Filter, Given, Held, Row, Score, Scored};
use crate::error::Error;
use activations::Activations;
use export::export;
use raised::{Raised, looks};

/// Most triggers that a kept filter may go by: there is one pass over the neurons for each.
const MOST_TRIGGERS: usize = 4096;

/// What it is.
const ABOUT: About = About {
    name: "neuron_activation",
    title: "Neural Cleanse's filter (B. Wang et al. 2019)",
    family: Family::Trigger,
    needs_trigger: true,
    needs_repaired: false,
    passes: 1.0,
    misses: &["triggers that were not recovered, nor are like one that was"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(NeuronActivation),
};

#[derive(Debug)]
struct NeuronActivation;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    raised: Vec<Raised>,
}

struct Fitted {
    classifier: Classifier,
    /// Of each trigger the layer and the neurons.
    raised: Vec<(Layer, Raised)>,
}

impl Filter for NeuronActivation {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let classifier = given.held.classifier;
        if given.triggers.is_empty() {
            let reason = "it goes by a trigger, and none is known: give the report of a scan that found one, or a trigger";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        let looks = looks(classifier)?;
        let clean = Activations::of(classifier, &looks, given.images.pixels())?;
        let mut raised = Vec::new();
        for known in given.triggers {
            raised.extend(Raised::by(known, given, &looks, &clean)?);
        }
        if raised.is_empty() {
            let reason = "no trigger raises a neuron of the layers before the logits";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        Ok(Box::new(Fitted::new(classifier, raised)?))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        Ok(Box::new(Fitted::new(held.classifier, kept.raised)?))
    }
}

impl Fitted {
    /// # Errors
    /// Neurons or classes that the model does not have.
    fn new(classifier: &Classifier, raised: Vec<Raised>) -> Result<Self, Error> {
        let with_layer = raised.into_iter().map(|raised| {
            let layer = classifier.layer(&raised.layer)?.clone();
            let is_sound = !raised.neurons.is_empty()
                && raised
                    .neurons
                    .iter()
                    .all(|&neuron| neuron < layer.channels())
                && raised.unit > 0.0
                && raised
                    .target
                    .is_none_or(|target| target < classifier.classes());
            match is_sound {
                true => Ok((layer, raised)),
                false => Err(ABOUT.refused(format!(
                    "it names neurons of {} or a class that the model does not have",
                    raised.layer
                ))),
            }
        });
        let raised = with_layer.collect::<Result<Vec<_>, Error>>()?;
        if raised.is_empty() || raised.len() > MOST_TRIGGERS {
            let count = raised.len();
            return Err(ABOUT.refused(format!("it goes by {count} triggers")));
        }
        Ok(Self {
            classifier: classifier.clone(),
            raised,
        })
    }
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let layers = once_each(self.raised.iter().map(|(layer, _)| layer));
        in_parts(&self.classifier, &layers, pixels, |passed| {
            let activations = self.raised.iter().map(|(layer, raised)| {
                let feature = layers.iter().position(|known| known == layer);
                raised
                    .pool
                    .of_pass(layer, passed, feature.unwrap_or_default())
            });
            let activations: Vec<Vec<Vec<f64>>> = activations.collect();
            let logits = passed.logits.chunks_exact(self.classifier.classes());
            let scored = logits.enumerate().map(|(image, logits)| {
                let of_triggers = self.raised.iter().zip(&activations);
                let scores = of_triggers
                    .map(|((_, raised), rows)| (raised.score(&rows[image]), raised.target));
                let most = scores.max_by(|a, b| a.0.total_cmp(&b.0));
                let (score, target) = most.unwrap_or((f64::NAN, None));
                let answer = best_other(logits, None).unwrap_or_default();
                let safe = target.and_then(|target| best_other(logits, Some(target)));
                Scored::new(score, answer).with_safe_label(safe)
            });
            Ok(scored.collect())
        })
    }

    fn export(&self, model: &mut Model, _: Option<&Model>) -> Result<Exported, Error> {
        export(model, &self.classifier, &self.raised)
    }

    fn keep(&self) -> Result<Value, Error> {
        ABOUT.write(&Kept {
            raised: self
                .raised
                .iter()
                .map(|(_, raised)| raised.clone())
                .collect(),
        })
    }
}
