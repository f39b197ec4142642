//! Neural Cleanse's pruning (Wang et al. 2019, section VI-B).
//!
//! # What it does
//! Ranks the neurons of a layer by how much more they respond to stamped images than to clean ones,
//! and switches them off in that order until the trigger that was found no longer works. It is done
//! at the second to last layer and at the last convolution, there once with whole channels for
//! neurons and once with channels at a place, and what pays least accuracy for it is taken. Once the
//! trigger is gone it goes on for as long as that costs at most half of the budget, since what was
//! planted may use more neurons than its likeness.
//!
//! # Threat model
//! A backdoor with a trigger that was recovered, whose work is done by neurons that clean images
//! need little.
//!
//! # Needs
//! A trigger that can be stamped; clean images.
//!
//! # Cost
//! One pass of 500 images and as many stamped ones, then what follows the layer as often as there
//! are neurons, but at most about 90 times: seconds.
//!
//! # Known failures
//! Triggers that move, where channels serve both; neurons that serve both: accuracy falls with the
//! backdoor (five points for GTSRB at the second to last layer, sixteen for YouTube Face in the
//! paper). A trigger that is another way to the class than the original leaves the original where
//! it was (87 % of a Trojan square's success in the paper). Sums of several branches mix the
//! channels.
//!
//! # References
//! B. Wang, Y. Yao, S. Shan, H. Li, B. Viswanath, H. Zheng, B. Zhao, "Neural Cleanse", IEEE S&P
//! 2019.

use gifthorse_engine::{Classifier, Layer, last_maps, logits_input};

use super::grain::Grain;
use super::pruning::{CurvePoint, Pruning};
use super::switch_off::masked;
use super::{About, Limits, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;
use crate::subject::spread_over_classes;

/// Images that neurons are ranked by.
const IMAGES: usize = 500;

/// Once the trigger that was found no longer works, more is switched off for as long as that costs
/// no more than this part of the budget: what was planted may use more neurons.
const SPARE: f64 = 0.5;

/// What it is.
const ABOUT: About = About {
    name: "neural_cleanse_pruning",
    title: "Neural Cleanse's pruning (Wang et al. 2019)",
    needs_trigger: true,
    in_auto: true,
    changes: "a node that switches neurons of one layer off",
    misses: &["backdoors whose neurons clean images need as well"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(NeuralCleansePruning),
};

#[derive(Debug)]
struct NeuralCleansePruning;

/// What pruning a layer came to.
struct Pruned {
    layer: Layer,
    grain: Grain,
    order: Vec<usize>,
    point: CurvePoint,
}

impl Pruned {
    /// Of two that end the trigger, whether this costs less accuracy; else whether it leaves less
    /// of it.
    fn is_better(&self, other: &Self, limits: Limits) -> bool {
        let works = |it: &Self| it.point.excess > limits.excess;
        match (works(self), works(other)) {
            (false, false) => self.point.clean_accuracy > other.point.clean_accuracy,
            (true, true) => self.point.excess < other.point.excess,
            (mine, _) => !mine,
        }
    }
}

impl Repair for NeuralCleansePruning {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let classifier = patient.classifier(patient.model)?;
        let layers: Vec<Layer> = [logits_input(&classifier)?, last_maps(&classifier)?]
            .into_iter()
            .flatten()
            .collect();
        let limits = Limits::of(patient);
        let (mut curve, mut best) = (Vec::new(), None::<Pruned>);
        let works = |point: &CurvePoint| point.excess > limits.excess;
        let tries = layers
            .iter()
            .flat_map(|layer| Grain::of(layer).iter().map(move |&grain| (layer, grain)));
        for (layer, grain) in tries {
            if best.is_some() && observer.stop() {
                break;
            }
            let order = ranked(patient, &classifier, layer, grain)?;
            let pruning = Pruning::new(patient, &classifier, layer, grain)?;
            let start = pruning.run(&[], |_| false, observer)?[0].clean_accuracy;
            let costs = |point: &CurvePoint| start - point.clean_accuracy;
            let is_cheap = |point: &CurvePoint| costs(point) <= patient.budget * SPARE;
            let goes_on = |point: &CurvePoint| works(point) || is_cheap(point);
            let way = pruning.run(&order, goes_on, observer)?;
            let beyond = way.iter().rfind(|point| !works(point) && is_cheap(point));
            let within = way.iter().rfind(|point| costs(point) <= patient.budget);
            let point = beyond.or(within).unwrap_or(&way[0]).clone();
            curve.extend(way);
            let new = Pruned {
                layer: layer.clone(),
                grain,
                order,
                point,
            };
            if best
                .as_ref()
                .is_none_or(|known| new.is_better(known, limits))
            {
                best = Some(new);
            }
        }
        let Some(best) = best else {
            return Err(Error::CannotRepair(
                "it has neither a last layer nor maps that everything passes through".to_owned(),
            ));
        };
        let CurvePoint { off, neurons, .. } = best.point;
        let model = masked(patient.model, &best.layer, best.grain, &best.order[..off])?;
        let note = format!(
            "{off} of the {neurons} neurons of layer `{}` switched off, those that respond most to the trigger",
            best.layer.name()
        );
        Ok(Repaired {
            curve,
            ..Repaired::new(model, note)
        })
    }
}

/// The neurons of a layer, in front those whose mean over stamped images is most above that over
/// the same images as they are.
fn ranked(
    patient: &Patient<'_>,
    classifier: &Classifier,
    layer: &Layer,
    grain: Grain,
) -> Result<Vec<usize>, Error> {
    let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
    let (head, _) = classifier.split_at(layer)?;
    let mut gaps = vec![0.0f64; grain.count(layer)];
    for known in patient.triggers {
        let fitting = (0..labels.len()).filter(|&place| known.is_for(labels[place]));
        let chosen = spread_over_classes(labels, fitting, IMAGES);
        let images = patient.fit.subset(&chosen);
        let stamped = known.trigger.stamp(images.pixels(), classifier.shape());
        let clean = grain.means(layer, &head.evaluate(images.pixels())?);
        let stamped = grain.means(layer, &head.evaluate(&stamped)?);
        for (gap, (clean, stamped)) in gaps.iter_mut().zip(clean.iter().zip(&stamped)) {
            *gap += stamped - clean;
        }
    }
    let mut order: Vec<usize> = (0..gaps.len()).collect();
    order.sort_by(|&a, &b| gaps[b].total_cmp(&gaps[a]));
    Ok(order)
}
