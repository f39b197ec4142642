//! Bounded activations (H. Wang et al. 2024), MM-BM and MMAC.
//!
//! # What it does
//! Puts an upper bound on each channel of each activation, as low as can be while the logits of
//! clean images stay what they are: the weights are not touched. The bounds begin at what clean
//! images reach and are lowered by gradient steps on the squared change of the logits plus a price,
//! which rises as long as accuracy on other clean images stays within the budget. What is paid for
//! is the height of the bounds (MM-BM), and how sure the model under them is of images that were
//! driven from noise to be as sure of a class as can be (MMAC): these go by the backdoor where
//! there is one. Where triggers are known, stamped images have to give the logits of the same
//! images as they are instead, and nothing is paid for.
//!
//! # Threat model
//! A backdoor that works by activations higher than those of clean images, as most with a small
//! trigger do.
//!
//! # Needs
//! Clean images, some tens of each class; no labels of their own.
//!
//! # Cost
//! 300 passes of 32 clean images and 32 stamped ones forwards and backwards. Where no trigger is
//! known, 60 of up to eight images of each class, then 300 of 32 clean and 32 of these.
//!
//! # Known failures
//! Triggers whose work is done within the range of clean images: blends, warps, all-to-all with
//! many poisoned images. Models without activations that are flat on a stretch (GELU, SiLU).
//!
//! # References
//! H. Wang, Z. Xiang, D. J. Miller, G. Kesidis, "MM-BD: Post-Training Detection of Backdoor Attacks
//! with Arbitrary Backdoor Pattern Types Using a Maximum Margin Statistic", IEEE S&P 2024, section
//! VI. H. Wang, Z. Xiang, D. J. Miller, G. Kesidis, "Improved Activation Clipping for Universal
//! Backdoor Mitigation and Test-Time Detection", ICASSP 2024. There bounds and margins pay as they
//! are, and no trigger is known; here each bound is counted in what clean images reach, and margins
//! in the spread of the logits, so that layers and models of different sizes pay alike.

use super::progress::Progress;
use super::switch_off::bounded;
use super::{About, Limits, Patient, Repair, RepairObserver, Repaired, Row};
use crate::bounds::{Bounded, Bounding};
use crate::error::Error;

/// What it is.
const ABOUT: About = About {
    name: "bounded_activations",
    title: "Bounded activations (H. Wang et al. 2024)",
    needs_trigger: false,
    in_auto: true,
    changes: "nodes that keep activations below bounds; no weight",
    misses: &["backdoors that work within what clean images reach"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(BoundedActivations),
};

#[derive(Debug)]
struct BoundedActivations;

impl Repair for BoundedActivations {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(
        &self,
        patient: &Patient<'_>,
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let bounding = Bounding {
            classifier: &patient.classifier(patient.model)?,
            fit: patient.fit,
            check: patient.check,
            triggers: patient.triggers,
            limits: Limits::of(patient),
            seed: patient.seed,
        };
        let mut progress = Progress::of(patient, ABOUT.name)?;
        let all = bounding.going_on(&mut progress, observer)?;
        if all.is_empty() {
            let reason = "it has no activation that is flat on a stretch";
            return Err(Error::CannotRepair(reason.to_owned()));
        }
        let mut model = patient.model.clone();
        for of_layer in &all {
            model = bounded(&model, &of_layer.layer, &of_layer.bounds)?;
        }
        let note = format!(
            "the channels of {} activations bounded, at {:.0} % of what clean images reach in the mean",
            all.len(),
            100.0 * mean_height(&all)
        );
        Ok(Repaired::new(model, note))
    }
}

/// The mean of the bounds in what clean images reach, of channels that wake at all.
fn mean_height(all: &[Bounded]) -> f32 {
    let channels = all.iter().flat_map(|it| it.bounds.iter().zip(&it.reached));
    let heights = channels.filter(|(_, reached)| **reached > 0.0);
    let heights: Vec<f32> = heights.map(|(bound, reached)| bound / reached).collect();
    heights.iter().sum::<f32>() / heights.len().max(1) as f32
}
