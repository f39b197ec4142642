//! BTI-DBF, class by class (after X. Xu et al. 2024): how far towards each class can one small
//! generator lead all images, while what their answers hang on stays as it is?
//!
//! # What it does
//! First decouples the features of the last activation that has places in it, as BTI-DBF does: it
//! fits a mask with which they give the answers of clean images, and without which they do not
//! (*decoupling benign features*). Then searches, for each class, a generator ([`LocalMap`]) that
//! changes images by no more than a budget and makes the model as sure of the class as it can, on
//! images of all other classes at once, while the masked features move as little as can be. A
//! backdoor needs little of them: its trigger works beside them.
//!
//! # Threat model
//! A trigger of nearly any shape that works on images of all other classes: filters, warps, blended
//! pictures, added noise and waves. White-box access to gradients and to an inner layer; a few
//! clean images of each class. Two classes are enough.
//!
//! # Statistic and decision
//! The mean logistic loss `ln(1 + exp(-margin))` of images of all other classes under the generator
//! that was found, with 8 bits a value, as that of [`colour_map`](super::colour_map): small is
//! suspicious, beside the model's other classes. A class is convicted by its generator, which has
//! to lead at least 60 % of the held-out images of other classes there, with a confidence of 95 %.
//!
//! The budget is 0.4 of the median distance of an image to the nearest of another class, since what
//! leads images anywhere in a clean model depends on how far its classes are from one another.
//! Moves of the masked features cost three times their squared length, in units of the mean square
//! of those of clean images.
//!
//! BTI-DBF's own second phase is another: one U-Net for the model, which moves the features outside
//! the mask as far as it can, wherever that leads, and the commonest class of what it gives is the
//! target. It says nothing on whether there is one, and the farthest move need not be that of a
//! backdoor. To lead images to one class after the other is FeatureRE's and UNICORN's way. Instead
//! of a U-Net, which must first learn to give images back, the generator is a map that is linear in
//! its few thousand numbers and begins as nothing.
//!
//! # Cost
//! For each class as many passes of 32 images forwards and backwards as there are updates, and two
//! passes of all images forwards; for the model 400 passes of 256 images through what follows the
//! layer.
//!
//! # Known failures
//! Large or strong patches, which change images by more than the budget, of which less does
//! nothing. Triggers that differ from image to image in other ways than a generator of weights that
//! vary smoothly over the image can follow. Warps of more than a pixel. Backdoors of single source
//! classes, and all to all. Models without an activation that everything passes through.
//!
//! # References
//! X. Xu, K. Huang, Y. Li, Z. Qin, K. Ren, "Towards Reliable and Efficient Backdoor Trigger Inversion
//! via Decoupling Benign Features", ICLR 2024, and its authors' released program, for the mask. Z.
//! Wang, K. Mei, H. Ding, J. Zhai, S. Ma, "Rethinking the Reverse-engineering of Trojan Triggers",
//! NeurIPS 2022 (FeatureRE), and Z. Wang, K. Mei, J. Zhai, S. Ma, "UNICORN", ICLR 2023, for a
//! generator for each class.

mod decoupling;
mod distance;
mod mask;

pub use decoupling::Decoupling;

use super::transformation::{Budget, Config, TransformationSearch};
use super::{About, Row, UnitStatistic};
use crate::clean_features::IMAGES;
use crate::trigger::LocalMap;
use crate::verdict::{Conviction, Tail};

/// The success rate that a generator is asked for on held-out images.
const RATE: f64 = 0.6;

/// What it is.
const ABOUT: About = About {
    name: "bti_dbf",
    title: "BTI-DBF, class by class (after X. Xu et al. 2024)",
    tested: "one small change of all images, of nearly any kind, that leads them to {targets} and leaves their own \
             features as they are",
    not_tested: &[
        "patches that cover much of the image",
        "triggers that are another change in each image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "loss",
        meaning: "mean logistic loss of the margins of images of other classes under the best generator",
        found: "approached by a generator up to a loss",
        unit: "nats",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByTrigger { rate: RATE },
    },
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        let config = Config {
            budget: Budget::Decoupled {
                part: 0.4,
                weight: 3.0,
            },
            images: IMAGES,
            batch: 32,
            updates: 80,
            learning_rate: 0.01,
            betas: (0.9, 0.99),
        };
        Box::new(TransformationSearch::<LocalMap>::new(&ABOUT, config))
    },
};
