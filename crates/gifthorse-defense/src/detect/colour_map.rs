//! Colour map: the filter that leads images of all other classes the furthest towards a class.
//!
//! # What it does
//! For each class, searches a map of colours, the same for every pixel of every image
//! ([`ColourMap`]), that changes pixel values by no more than a budget on average and makes the
//! model as sure of the class as it can.
//!
//! # References
//! Y. Liu et al., "ABS", CCS 2019.

use super::transformation::{Config, TransformationSearch};
use super::{About, Row, UnitStatistic};
use crate::trigger::ColourMap;
use crate::verdict::{Conviction, Tail};

/// The success rate that a filter is asked for on held-out images.
const RATE: f64 = 0.6;

/// What it is.
const ABOUT: About = About {
    name: "colour_map",
    title: "Colour map (after Liu et al. 2019 and Wang et al. 2023)",
    tested: "one filter that changes the colours of all images alike and leads them to {targets}",
    not_tested: &[
        "triggers that change some pixels of an image and not others",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "loss",
        meaning: "mean logistic loss of the margins of images of other classes under the best filter",
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
            budget: 0.1,
            images: 256,
            batch: 32,
            updates: 200,
            learning_rate: 0.02,
            betas: (0.9, 0.99),
        };
        Box::new(TransformationSearch::<ColourMap>::new(&ABOUT, config))
    },
};
