//! Warp: how far towards each class can one smooth warp of limited size lead all images?
//!
//! # What it does
//! For each class, searches a field of displacements, the same for all images ([`Warp`]: a grid of 4
//! by 4 enlarged to the image), that moves pixels by no more than a budget on average and makes the
//! model as sure of the class as it can, on images of all other classes at once.
//!
//! # Threat model
//! WaNet (Nguyen and Tran 2021): one smooth warp that works on images of all other classes, with or
//! without its noise mode. White-box access to gradients; a few clean images. Two classes are
//! enough.
//!
//! # Statistic and decision
//! The mean logistic loss `ln(1 + exp(-margin))` of images of all other classes under the best warp
//! within the budget, with 8 bits a value, as that of [`colour_map`](super::colour_map): small
//! is suspicious, beside the model's other classes, and a class is convicted by its warp, which has
//! to lead at least 60 % of the held-out images of other classes there, with a confidence of 95 %.
//!
//! # Cost
//! For each class as many passes of 32 images forwards and backwards as there are updates, and two
//! passes of all images forwards.
//!
//! # Known failures
//! Whatever changes pixels where they are: patches, blends, noise, filters. Warps finer than the
//! grid, and larger ones than the budget, of which less does nothing. Warps that differ from image
//! to image. Backdoors of single source classes, and all to all.
//!
//! # References
//! A. Nguyen, A. Tran, "WaNet: Imperceptible Warping-Based Backdoor Attack", ICLR 2021, for the
//! field.

use super::transformation::{Budget, Config, TransformationSearch};
use super::{About, Row, UnitStatistic};
use crate::trigger::Warp;
use crate::verdict::{Conviction, Tail};

/// The success rate that a warp is asked for on held-out images.
const RATE: f64 = 0.6;

/// What it is.
const ABOUT: About = About {
    name: "warp",
    title: "Warp (after Nguyen and Tran 2021)",
    tested: "one smooth warp that bends all images alike and leads them to {targets}",
    not_tested: &[
        "triggers that change the colours of pixels where they are",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "loss",
        meaning: "mean logistic loss of the margins of images of other classes under the best warp",
        found: "approached by a warp up to a loss",
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
            budget: Budget::Fixed(1.0),
            images: 256,
            batch: 32,
            updates: 60,
            learning_rate: 0.1,
            betas: (0.9, 0.99),
        };
        Box::new(TransformationSearch::<Warp>::new(&ABOUT, config))
    },
};
