//! Warp: the smooth warp that leads images of all other classes the furthest towards a class.
//!
//! # References
//! A. Nguyen, A. Tran, "WaNet", ICLR 2021.

use super::transformation::{Config, TransformationSearch};
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
        found: "given up to a loss",
        unit: "nats",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByTrigger { rate: RATE },
    },
    by_default: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        let config = Config {
            budget: 1.0,
            images: 256,
            batch: 32,
            updates: 200,
            learning_rate: 0.1,
            betas: (0.9, 0.99),
        };
        Box::new(TransformationSearch::<Warp>::new(&ABOUT, config))
    },
};
