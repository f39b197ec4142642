//! IBD-PSC (Hou et al. 2024): does the answer stay where the model's last layers are scaled up?
//!
//! # What it does
//! Multiplies what the last activations of the model are given by 1.5, so many of them that clean
//! images no longer keep their classes, in five models that differ in one more layer each, and takes
//! the mean probability of the image's own answer in them: the answer of a stamped image stays.
//!
//! # Threat model
//! One trigger that leads images of all classes to a target of which the model is surer than of any
//! clean image's class. Needs weights, or an inside view of the model.
//!
//! # Statistic
//! The mean over the five models of the probability of the model's answer (the parameter-oriented
//! scaling consistency of the paper), less 1, so that what is nearly sure can be told apart. The
//! first of them scales the smallest number of layers with which more than 60 % of clean images
//! lose their class; where none does, as many as there are.
//!
//! # Needs
//! Clean images, labelled: a hundred or more.
//!
//! # Cost
//! Six passes.
//!
//! # Known failures
//! Models whose layers are not followed by normalisations keep their classes whatever the scale, as
//! ReLUs do: all logits grow. Layer normalisations undo the scale. Backdoors whose target is given
//! with a low probability; all-to-all and triggers for single classes.
//!
//! # References
//! L. Hou, R. Feng, Z. Hua, W. Luo, L. Y. Zhang, Y. Li, "IBD-PSC: Input-level Backdoor Detection via
//! Parameter-oriented Scaling Consistency", ICML 2024: five models, a factor of 1.5, an error of
//! 60 %. There weights and biases of batch normalisations are scaled. Files have them mostly folded
//! into convolutions, so here the values that an activation is given are scaled, which is the same
//! where a normalisation is right before it; behind the sum of a residual block the shortcut is
//! scaled as well.

use gifthorse_engine::{Array, Classifier, Intervention, Layer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::logits::improbability;
use super::scored::best_other;
use super::{About, Family, Filter, Given, Held, Row, Score, Scored};
use crate::error::Error;

/// Models that are asked.
const MODELS: usize = 5;
/// What layers are multiplied by.
const FACTOR: f32 = 1.5;
/// The share of clean images that lose their class in the first of them.
const LOST: f64 = 0.6;

/// What it is.
const ABOUT: About = About {
    name: "ibd_psc",
    title: "IBD-PSC (Hou et al. 2024)",
    family: Family::Stability,
    needs_trigger: false,
    needs_repaired: false,
    passes: 1.0 + MODELS as f64,
    misses: &[
        "all-to-all",
        "triggers for images of single classes",
        "backdoors whose target is given with a low probability",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(IbdPsc),
};

#[derive(Debug)]
struct IbdPsc;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// How many layers the first of the models scales.
    first: usize,
    /// The share of clean images that lose their class in it.
    lost: f64,
}

struct Fitted {
    classifier: Classifier,
    scaled: Vec<Classifier>,
    kept: Kept,
}

impl Filter for IbdPsc {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let (classifier, labels) = (given.held.classifier, given.labels()?);
        let layers = scalable(classifier)?;
        if layers.is_empty() || labels.is_empty() {
            let reason = "it scales what activations are given, and the model has none, or there are no clean images";
            return Err(Error::CannotFilter(reason.to_owned()));
        }
        let most = most_in_first(&layers);
        let mut kept = Kept {
            first: 0,
            lost: 0.0,
        };
        while kept.first < most && kept.lost <= LOST {
            kept.first += 1;
            let answers =
                scaled(classifier, &layers, kept.first)?.predict(given.images.pixels())?;
            let lost = answers
                .iter()
                .zip(labels)
                .filter(|(answer, label)| answer != label);
            kept.lost = lost.count() as f64 / labels.len() as f64;
        }
        Ok(Box::new(Fitted::new(classifier, &layers, kept)?))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        let layers = scalable(held.classifier)?;
        let is_share = (0.0..=1.0).contains(&kept.lost);
        if layers.is_empty() || !(1..=most_in_first(&layers)).contains(&kept.first) || !is_share {
            return Err(ABOUT.refused("the model has fewer layers than it scales".to_owned()));
        }
        Ok(Box::new(Fitted::new(held.classifier, &layers, kept)?))
    }
}

/// What activations are given, each once and the last in front, also within blocks.
fn scalable(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let mut layers: Vec<Layer> = Vec::new();
    for hinge in classifier.network().hinges()?.iter().rev() {
        let layer = &hinge.before;
        if layer.channels() > classifier.shape()[0] && !layers.contains(layer) {
            layers.push(layer.clone());
        }
    }
    Ok(layers)
}

/// How many layers the first model scales at most, so that there is one more for each of the others.
fn most_in_first(layers: &[Layer]) -> usize {
    (layers.len() + 1).saturating_sub(MODELS).max(1)
}

/// The model with so many of the layers scaled, of which there may be fewer.
fn scaled(classifier: &Classifier, layers: &[Layer], count: usize) -> Result<Classifier, Error> {
    let interventions = layers.iter().take(count).map(|layer| {
        let factors = vec![FACTOR; layer.channels()];
        let factors = Array::from_vec(factors, &[layer.channels()], classifier.device());
        Ok(Intervention::scale(layer, factors.into_tensor())?)
    });
    Ok(classifier.with(interventions.collect::<Result<Vec<_>, Error>>()?)?)
}

impl Fitted {
    fn new(classifier: &Classifier, layers: &[Layer], kept: Kept) -> Result<Self, Error> {
        let models = (0..MODELS).map(|more| scaled(classifier, layers, kept.first + more));
        Ok(Self {
            classifier: classifier.clone(),
            scaled: models.collect::<Result<_, _>>()?,
            kept,
        })
    }
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let classes = self.classifier.classes();
        let own = self.classifier.evaluate(pixels)?;
        let own = own.chunks_exact(classes);
        let answers: Vec<usize> = own
            .map(|row| best_other(row, None).unwrap_or_default())
            .collect();
        let mut sums = vec![0.0; answers.len()];
        for model in &self.scaled {
            let logits = model.evaluate(pixels)?;
            let rows = logits.chunks_exact(classes).zip(&answers);
            for (sum, (row, &answer)) in sums.iter_mut().zip(rows) {
                *sum -= improbability(row, answer) / MODELS as f64;
            }
        }
        let scored = sums.into_iter().zip(answers);
        Ok(scored
            .map(|(score, answer)| Scored::new(score, answer))
            .collect())
    }

    fn keep(&self) -> Result<Value, Error> {
        ABOUT.write(&self.kept)
    }

    fn notes(&self) -> Vec<String> {
        let Kept { first, lost } = self.kept;
        let enough = if lost > LOST {
            ""
        } else {
            ", fewer than the method wants"
        };
        vec![format!(
            "the first scaled model has {first} layers scaled, in which {:.0} % of clean images lose their class{enough}",
            100.0 * lost
        )]
    }
}
