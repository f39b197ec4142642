//! Fine-Pruning (K. Liu et al. 2018).
//!
//! # What it does
//! Switches off the channels of the last convolution that clean images wake least, until accuracy
//! on clean images has fallen by four points, and then trains the model on with clean images. Where
//! a trigger is known, a fifth of these carries it, with its true label.
//!
//! # Threat model
//! A backdoor that lives in neurons which are dormant on clean images; training on undoes what was
//! put into others.
//!
//! # Needs
//! Labelled clean images; a last convolution that everything passes through.
//!
//! # Cost
//! Pruning: seconds. Training on: ten epochs and at least 200 updates.
//!
//! # Known failures
//! Nets in which clean images use the neurons of the backdoor; low rates of poisoned images (on
//! CIFAR-10, 22 of 100 stamped images stay at the target in the mean of ten attacks: Zhu et al.
//! 2023).
//!
//! # References
//! K. Liu, B. Dolan-Gavitt, S. Garg, "Fine-Pruning: Defending Against Backdooring Attacks on Deep
//! Neural Networks", RAID 2018.

use super::grain::Grain;
use super::pruning::{CurvePoint, Pruning};
use super::switch_off::masked;
use super::tuning::Tuning;
use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;
use crate::subject::spread_over_classes;
use gifthorse_engine::last_maps;

/// Images that channels are ranked by.
const IMAGES: usize = 500;
/// How far accuracy may fall before training makes up for it.
const TOLERANCE: f64 = 0.04;

/// What it is.
const ABOUT: About = About {
    name: "fine_pruning",
    title: "Fine-Pruning (K. Liu et al. 2018)",
    needs_trigger: false,
    in_auto: true,
    changes: "a node that switches channels of the last convolution off, and all weights",
    misses: &["backdoors in neurons that clean images wake"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(FinePruning),
};

#[derive(Debug)]
struct FinePruning;

impl Repair for FinePruning {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let classifier = patient.classifier(patient.model)?;
        let Some(layer) = last_maps(&classifier)? else {
            return Err(Error::CannotRepair(
                "it has no maps that everything passes through".to_owned(),
            ));
        };
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        let chosen = spread_over_classes(labels, 0..labels.len(), IMAGES);
        let images = patient.fit.subset(&chosen);
        let (head, _) = classifier.split_at(&layer)?;
        let means = Grain::Channel.means(&layer, &head.evaluate(images.pixels())?);
        let mut order: Vec<usize> = (0..means.len()).collect();
        order.sort_by(|&a, &b| means[a].total_cmp(&means[b]));

        let pruning = Pruning::new(patient, &classifier, &layer, Grain::Channel)?;
        let start = pruning.run(&[], |_| false, observer)?[0].clean_accuracy;
        let within = |point: &CurvePoint| start - point.clean_accuracy <= TOLERANCE;
        let curve = pruning.run(&order, within, observer)?;
        let off = curve
            .iter()
            .rfind(|point| within(point))
            .map_or(0, |it| it.off);
        let pruned = masked(patient.model, &layer, Grain::Channel, &order[..off])?;
        let cut = format!(
            "{off} of the {} channels of layer `{}` switched off, those that clean images wake least",
            layer.channels(),
            layer.name()
        );
        if observer.stop() {
            // More may go once there is time: training would be that of another model then.
            return Ok(Repaired {
                curve,
                ..Repaired::new(pruned, cut)
            });
        }
        let tuning = Tuning {
            name: ABOUT.name,
            epochs: 10,
            fewest_updates: 200,
            learning_rate: 0.01,
            stamped: 0.2,
            smoothing: 0.0,
            sharpness: None,
            only_labels: false,
        };
        let tuned = tuning.run(patient, &pruned, observer)?;
        let note = format!(
            "{cut}, then trained on with {} images{}",
            patient.fit.len(),
            tuned.how
        );
        Ok(Repaired {
            curve,
            ..Repaired::new(tuned.model, note)
        })
    }
}
