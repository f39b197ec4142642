//! The neurons that a trigger raises.

use gifthorse_engine::{Classifier, Layer, activations, logits_input};
use serde::{Deserialize, Serialize};

use super::activations::{Activations, Pool};
use crate::error::Error;
use crate::explain::Ranking;
use crate::filter::Given;
use crate::filter::scale::Scale;
use crate::repair::KnownTrigger;
use crate::roc::auroc;

/// Shares of a layer's neurons to look at; the first is the paper's.
const SHARES: [f64; 6] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/// Activations to look at besides the layer before the logits, the last ones in front.
const LAYERS: usize = 6;
/// Another look than the first is taken only if it lessens the chance that a stamped image ranks
/// below a clean one by more than this: a planted trigger that does not look like the recovered one
/// does the same to the last layers alone.
const WORTH: f64 = 0.01;

/// Where images are looked at, and the neurons there that a trigger raises.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raised {
    /// Name of the layer.
    pub layer: String,
    /// What is taken of a channel's places.
    pub pool: Pool,
    /// The neurons.
    pub neurons: Vec<usize>,
    /// Their mean activation in the middle of clean images,
    pub clean: f64,
    /// and how far above it clean images become rare.
    pub unit: f64,
    /// The class that the trigger leads to.
    pub target: Option<usize>,
}

/// The ways to look at a model: the layer before the logits first, as the paper does.
///
/// # Errors
/// [`Error::CannotFilter`] for a model without such a layer; what the lowering refuses.
pub fn looks(classifier: &Classifier) -> Result<Vec<(Layer, Pool)>, Error> {
    let mut layers: Vec<Layer> = logits_input(classifier)?.into_iter().collect();
    let inner = activations(classifier)?
        .into_iter()
        .map(|hinge| hinge.after);
    layers.extend(inner.filter(|layer| layer.channels() > 1).take(LAYERS));
    layers.dedup();
    if layers.is_empty() {
        return Err(Error::CannotFilter(
            "the model has no layer that its logits are a function of, so that there are no neurons to look at"
                .to_owned(),
        ));
    }
    let pools = layers.into_iter().flat_map(|layer| {
        let has_places = layer.shape().len() > 1;
        let largest = has_places.then(|| (layer.clone(), Pool::Largest));
        [Some((layer, Pool::Mean)), largest].into_iter().flatten()
    });
    Ok(pools.collect())
}

impl Raised {
    /// The neurons that a trigger raises, `clean` being what is seen of all clean images in each
    /// way to look; `None` if it raises none.
    ///
    /// # Errors
    /// Images that it is not for; a model that cannot be run.
    pub fn by(
        known: &KnownTrigger,
        given: &Given<'_>,
        looks: &[(Layer, Pool)],
        clean: &[Activations],
    ) -> Result<Option<Self>, Error> {
        let labels = given.labels()?;
        let (_, stamped) = given.stamped(known)?;
        let stamped = Activations::of(given.held.classifier, looks, &stamped)?;
        let mut best: Option<(f64, Scale, Self)> = None;
        for ((look, clean), stamped) in looks.iter().zip(clean).zip(&stamped) {
            let others = clean.of_those(|image| known.is_for(labels[image]));
            let of_target = clean.of_those(|image| Some(labels[image]) == known.target);
            let (Some(mut rest), Some(under)) = (others.means(), stamped.means()) else {
                continue;
            };
            // A neuron of the target class itself rises as well, and tells nothing.
            for (rest, of_target) in rest.iter_mut().zip(of_target.means().into_iter().flatten()) {
                *rest = rest.max(of_target);
            }
            let ranking = Ranking::new(rest, under);
            for share in SHARES {
                let Some(raised) = Self::of_top(&ranking, share, look, known.target) else {
                    continue;
                };
                let scores = |of: &Activations| {
                    of.0.iter()
                        .map(|row| raised.score(row))
                        .collect::<Vec<f64>>()
                };
                let of_clean = scores(clean);
                let area = auroc(&of_clean, &scores(stamped)).map_or(0.0, |auroc| auroc.area);
                if best.as_ref().is_none_or(|(most, ..)| area > most + WORTH) {
                    best = Some((area, Scale::of(of_clean), raised));
                }
            }
        }
        Ok(best.map(|(_, scale, raised)| Self {
            clean: raised.clean + scale.middle * raised.unit,
            unit: scale.unit * raised.unit,
            ..raised
        }))
    }

    /// The first neurons of a ranking, measured by how much higher they are on stamped images.
    fn of_top(
        ranking: &Ranking,
        share: f64,
        (layer, pool): &(Layer, Pool),
        target: Option<usize>,
    ) -> Option<Self> {
        let neurons = ranking.top(share).to_vec();
        let mean = |of: &dyn Fn(usize) -> f64| {
            neurons.iter().map(|&neuron| of(neuron)).sum::<f64>() / neurons.len() as f64
        };
        let (clean, gap) = (
            mean(&|neuron| ranking.clean[neuron]),
            mean(&|neuron| ranking.gap(neuron)),
        );
        // What is no number is no gap either.
        (gap > 0.0 && gap.is_finite() && clean.is_finite()).then(|| Self {
            layer: layer.name().to_owned(),
            pool: *pool,
            neurons,
            clean,
            unit: gap,
            target,
        })
    }

    /// How active its neurons are among the activations of all, `[channels]`: 0 at what clean
    /// images have, 1 where they become rare; infinite if that is no number.
    pub fn score(&self, activations: &[f64]) -> f64 {
        let sum: f64 = self.neurons.iter().map(|&neuron| activations[neuron]).sum();
        let score = (sum / self.neurons.len() as f64 - self.clean) / self.unit;
        if score.is_nan() { f64::INFINITY } else { score }
    }
}
